"""Speed of a `web` crawl with durable commits against bare Scrapy with the same extraction writing JSON lines.

Both run in a process of their own over the same local site, eight requests at a time, no delay; the time is that of
the crawl, without the start of Python. Five pairs, one after the other; the median of their ratios.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks._bare_scrapy import COMMENTS
from benchmarks._neutral import neutral_text
from crawler.launch import run_crawl
from crawler.watch import parse_watch
from storage.engine import Store, make_engine, sqlite_url
from storage.migrate import upgrade
from tests.support.site import Site

if TYPE_CHECKING:
    from storage.records import Json

REPEATS = 5
PAGES = 600
AIM = 0.5
_ROOT = Path(__file__).parent.parent


def publish(site: Site) -> None:
    """Serve articles of about 3 kB with up to four comments, and their sitemap."""
    dice = random.Random(5)
    for number in range(PAGES):
        paragraphs = "".join(f"<p>{neutral_text(dice, 160)}</p>" for _ in range(4))
        replies = "".join(
            f"<div class=reply id=r{number}-{i}><b>读者{i}</b><p>{neutral_text(dice, 30)}</p></div>"
            for i in range(dice.randint(0, 4))
        )
        body = f"<article><h1>第{number}篇</h1>{paragraphs}</article><section>{replies}</section>"
        site.put(f"/thread/{number}", f"<html><meta charset=utf-8><title>第{number}篇</title><body>{body}</html>")
    urls = "".join(f"<url><loc>{site.url}/thread/{number}</loc></url>" for number in range(PAGES))
    site.put("/sitemap.xml", f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{urls}</urlset>")


def bare(site: Site, folder: Path) -> float:
    """Return the seconds of one bare crawl."""
    out = folder / "posts.jsonl"
    argv = [sys.executable, "-m", "benchmarks._bare_scrapy", f"{site.url}/sitemap.xml", str(out)]
    said = subprocess.run(argv, cwd=_ROOT, check=True, capture_output=True, text=True).stdout
    check(sum(1 for _ in out.open(encoding="utf-8")), said)
    return float(said)


def check(posts: int, answer: object) -> None:
    """Refuse a crawl that is not whole."""
    if posts != PAGES:
        raise RuntimeError(f"{posts} of {PAGES} articles: {answer}")


def ours(site: Site, folder: Path) -> float:
    """Return the seconds of one crawl of ours into a new workspace."""
    store = Store(
        make_engine(sqlite_url(folder / "q.db")), evidence_root=folder / "evidence", keys_root=folder / "keys"
    )
    store.evidence_root.mkdir()
    upgrade(store.engine)
    source: Json = {
        "name": "s",
        "platform": "web",
        "access": "open",
        "base_url": site.url,
        "start": ["/sitemap.xml"],
        "private": True,
        "comments": COMMENTS,
        "budget": {"delay_seconds": 0, "pages_per_run": 10 * PAGES},
    }
    (config,) = parse_watch(str({"sources": [source]}).replace("True", "true"))
    done = run_crawl(store, config, now=datetime.now(UTC), log_file=folder / "log")
    store.close()
    check(done["posts"]["new"], done)
    return float(done["seconds"])


def main() -> None:
    """Print the table."""
    ratios, speeds = [], []
    with Site() as site:
        publish(site)
        for _ in range(REPEATS):
            with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
                plain, durable = bare(site, Path(first)), ours(site, Path(second))
            ratios.append(plain / durable)
            speeds.append((PAGES / plain, PAGES / durable))
    print(f"{PAGES} pages, pages per second (bare, ours): {[tuple(map(round, pair)) for pair in speeds]}")
    print(f"ratios: {[round(ratio, 2) for ratio in ratios]}")
    print(f"median: {statistics.median(ratios):.2f} of bare Scrapy (aim {AIM})")


if __name__ == "__main__":
    main()
