"""The demo platforms over loopback: forum, feed platform, note platform and its twin, each on a port of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from demo.forum import forum_page
from demo.journal import FEEDS, journal_page
from demo.notes.server import NotesServer
from demo.pages import make_site
from demo.records import FEED, FORUM
from demo.serving import Listening
from demo.signing import NOTES_SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from demo.pages import Page, Site
    from demo.serving import Hit
    from demo.world import World

NOTE_QUERIES = ("信用卡逾期", "退保")
BASIS = {
    "document": "demo",
    "reference": "DEMO-2026-01",
    "granted_by": "演示平台（本机）",
    "valid_until": "2036-12-31",
}


class DemoPlatforms:
    """The platforms of a world, served from ``start`` to ``stop``; also usable in a ``with`` statement.

    ``ports`` are those of forum, feed platform, note platform and its twin; 0 takes a free one. ``hits`` lists
    every request answered so far. Pages are made for each request from the world as it stands at its own time,
    so moving the world's clock changes what visitors see.
    """

    def __init__(self, world: World, *, ports: Sequence[int] = ()) -> None:
        self.world = world
        self.hits: list[Hit] = []
        self._ports = (*ports, *[0] * (4 - len(ports)))
        self._running: dict[str, Listening] = {}
        self._notes: list[NotesServer] = []

    @property
    def forum_base(self) -> str:
        """Return the forum's base address, without a slash at the end."""
        return self._running[FORUM].base

    @property
    def feed_base(self) -> str:
        """Return the feed platform's base address, without a slash at the end."""
        return self._running[FEED].base

    @property
    def notes(self) -> NotesServer:
        """Return the note platform."""
        return self._notes[0]

    @property
    def rednote(self) -> NotesServer:
        """Return the note platform's twin, which knows other visitors."""
        return self._notes[1]

    @property
    def bases(self) -> tuple[str, str, str, str]:
        """Return the base addresses in the order of ``ports``."""
        return (self.forum_base, self.feed_base, self.notes.base, self.rednote.base)

    def start(self) -> Self:
        """Listen on every port; raises OSError where one is taken."""
        try:
            self._listen(FORUM, self._ports[0], forum_page)
            self._listen(FEED, self._ports[1], journal_page)
            for port, twin in ((self._ports[2], False), (self._ports[3], True)):
                self._notes.append(NotesServer(self.world, port=port, twin=twin, hits=self.hits).start())
        except OSError:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Close every port and open connection; calling it again does nothing."""
        while self._running:
            self._running.popitem()[1].close()
        while self._notes:
            self._notes.pop().stop()

    def watch_sources(self) -> list[dict[str, object]]:
        """Return the entries of a watch file with which these platforms are read."""
        budget = {"pages_per_run": 1000, "delay_seconds": 0}
        common = {"budget": budget, "private": True}
        return [
            {
                "name": "demo_forum",
                "platform": "web",
                "access": "open",
                "base_url": self.forum_base,
                "start": ["/sitemap.xml"],
                "article": r"^/thread/\d+\.html$",
                **common,
            },
            {
                "name": "demo_feed",
                "platform": "feed",
                "access": "open",
                "base_url": self.feed_base,
                "start": [feed.path for feed in FEEDS],
                **common,
            },
            {
                "name": NOTES_SOURCE,
                "platform": "xiaohongshu",
                "access": "operator",
                "base_url": self.notes.base,
                "queries": list(NOTE_QUERIES),
                "basis": dict(BASIS),
                **common,
            },
        ]

    def _listen(self, name: str, port: int, answer: Callable[[Site, str, Mapping[str, str]], Page]) -> None:
        listening = Listening(self.world, name, port=port, hits=self.hits)
        self._running[name] = listening
        site = make_site(self.world, name, listening.base)
        listening.start(lambda request: answer(site, request.path, request.query))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
