"""The baseline of the crawl benchmark: plain Scrapy with our extraction, writing JSON lines, keeping nothing else.

Called as ``python -m benchmarks._bare_scrapy SITEMAP OUT``; prints the seconds it took.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import scrapy
from scrapy.crawler import CrawlerProcess

from crawler.adapters import load_adapter
from crawler.reading import PageRead, ReadRules
from crawler.spiders.web import parse_page
from crawler.watch import CommentSelectors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

COMMENTS = {"item": ".reply", "author": "b", "text": "p"}


class BareSpider(scrapy.Spider):
    """Reads a sitemap and its articles."""

    name = "bare"

    async def start(self) -> AsyncIterator[Any]:
        """Begin with the sitemap."""
        yield scrapy.Request(self.sitemap, cb_kwargs={"kind": "start"})

    def parse(self, response: Any, kind: str = "article") -> Iterator[Any]:  # noqa: ANN401 - Scrapy's response
        """Follow the sitemap; yield each article as a dictionary."""
        read = PageRead(
            url=response.url,
            asked_url=response.url,
            status=response.status,
            body=response.body,
            at=datetime.now(UTC),
            headers={"content-type": response.headers.get("Content-Type", b"").decode()},
        )
        parsed = parse_page(read, kind, self.rules)
        for link in parsed.links:
            yield scrapy.Request(link.url)
        for post in parsed.posts:
            yield asdict(post)


class JsonLinesPipeline:
    """Writes one line per article."""

    def open_spider(self) -> None:
        """Open the file."""
        self.file = open(sys.argv[2], "w", encoding="utf-8")  # noqa: SIM115, PTH123 - closed with the spider

    def close_spider(self) -> None:
        """Close the file."""
        self.file.close()

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """Write an article."""
        self.file.write(json.dumps(item, ensure_ascii=False, default=str) + "\n")
        return item


def main() -> None:
    """Crawl and print the seconds."""
    rules = ReadRules(platform="web", comments=CommentSelectors(**COMMENTS), limits=load_adapter("web").limits)
    begun = time.monotonic()
    process = CrawlerProcess(
        {
            "ITEM_PIPELINES": {"benchmarks._bare_scrapy.JsonLinesPipeline": 1},
            "LOG_LEVEL": "ERROR",
            "ROBOTSTXT_OBEY": True,
            "TELNETCONSOLE_ENABLED": False,
        }
    )
    process.crawl(BareSpider, sitemap=sys.argv[1], rules=rules)
    process.start()
    print(time.monotonic() - begun)


if __name__ == "__main__":
    main()
