"""A crawl without a network: sessions fed with prepared answers, in the order in which they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from crawler.adapters import load_adapter, load_spider
from crawler.reading import PageRead
from crawler.recorder import record_failure, record_read
from crawler.session import CrawlSession
from crawler.watch import parse_watch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crawler.watch import SourceConfig
    from storage.engine import Store
    from storage.records import RunState

BASE = "https://bbs.example.cn"
TEXT = (
    "信用卡逾期三个月了，银行让我一次还清，想问问大家可以怎么协商，有没有成功分期的朋友说说经验和流程，"
    "需要准备哪些材料，打哪个电话才有用，催收会不会找到家里和单位来，谢谢各位。"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server says; status 0 = nothing."""

    body: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Clock:
    """A clock that a test moves."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)


def source(text: str = "", *, platform: str = "web") -> SourceConfig:
    """Return a source of the example site with some more keys."""
    head = f"sources:\n- {{name: s, platform: {platform}, access: open, base_url: {BASE}"
    return parse_watch(f"{head}{', ' if text else ''}{text}}}")[0]


def article(number: int, text: str = TEXT) -> Answer:
    """Return a page with one article."""
    return Answer(
        body=f"<html><title>帖子{number}</title><body><h1>帖子{number}</h1><p>{text}{number}</p></body></html>"
    )


def sitemap(numbers: Iterable[int], *, lastmod: str | None = None) -> Answer:
    """Return a sitemap of articles."""
    stamp = f"<lastmod>{lastmod}</lastmod>" if lastmod else ""
    rows = "".join(f"<url><loc>{BASE}/thread/{number}</loc>{stamp}</url>" for number in numbers)
    return Answer(body=f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>')


def site(count: int, *, lastmod: str | None = None) -> dict[str, Answer]:
    """Return a site of articles with a sitemap."""
    pages = {f"/thread/{number}": article(number) for number in range(count)}
    return {"/sitemap.xml": sitemap(range(count), lastmod=lastmod), **pages}


@dataclass(slots=True)
class Played:
    """A session after its pages were played: its state, and the paths in the order in which they were asked for."""

    session: CrawlSession
    state: RunState
    asked: list[str]

    @property
    def pages(self) -> dict[str, int]:
        return {name: count for name, count in self.session.counted()["pages"].items() if count}

    @property
    def posts(self) -> dict[str, int]:
        return {name: count for name, count in self.session.counted()["posts"].items() if count}


def begin(store: Store, config: SourceConfig, clock: Clock) -> CrawlSession:
    session = CrawlSession(store=store, source=config, adapter=load_adapter(config.platform), clock=clock)
    session.begin()
    return session


def play(
    store: Store,
    config: SourceConfig,
    pages: Mapping[str, Answer],
    clock: Clock,
    *,
    stop_after: int | None = None,
) -> Played:
    """Crawl ``pages`` (by path) until the session is over, waiting by the clock; ``stop_after`` interrupts it."""
    session = begin(store, config, clock)
    asked: list[str] = []
    while not session.is_over():
        row = session.take()
        if row is None:
            clock.pass_(seconds=1)
            session.look_again()
            continue
        path = row.url.removeprefix(BASE)
        asked.append(path)
        answer = pages.get(path, Answer(status=404, body="<title>404</title>"))
        if answer.status:
            read = PageRead(
                url=row.url,
                asked_url=row.url,
                status=answer.status,
                body=answer.body.encode(),
                at=clock(),
                headers={"content-type": "text/html; charset=utf-8", **answer.headers},
            )
            record_read(session, row, read, parser=load_spider(config.platform).parse_page)
        else:
            record_failure(session, row, "DownloadTimeoutError")
        if len(asked) == stop_after:
            session.interrupted = True
            break
    return Played(session, session.finish(), asked)
