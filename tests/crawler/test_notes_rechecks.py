"""Rechecks through a browser: nothing is called gone but by a named marker beside a control that was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crawler.probes import probe_due
from demo.notes.server import NotesServer
from demo.records import NOTES
from demo.world import State, World
from storage.frontier import request_recheck
from storage.observations import observations_of
from tests.crawler import notes
from tests.support.clues import add_clue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from demo.records import Article
    from storage.engine import Store

pytestmark = pytest.mark.browser


class Place:
    """A workspace that knows the addresses of a few notes, on a running platform."""

    def __init__(self, folder: Path, server: NotesServer, world: World) -> None:
        self.folder, self.server, self.world = folder, server, world
        self.store: Store = notes.workspace(folder)
        self.source = notes.source(server, "日常")
        notes.sign_in(server, folder)
        assert notes.crawl(self.store, self.source, world.now)["state"] == "finished"

    def articles(self) -> list[Article]:
        """Return the notes that the crawl has opened."""
        known = {row[0] for row in notes.rows(self.store, "SELECT request_key FROM frontier WHERE kind = 'note'")}
        return [one for one in self.world.corpus.of(NOTES) if f"note:{one.note_id}" in known]

    def ask(self, native_id: str, *, kind: str = "post", note_id: str = "") -> int:
        url = f"{self.server.base}/explore/{note_id or native_id}"
        with self.store.write(self.world.now) as unit:
            wanted = {"target_native_id": native_id, "target_kind": kind, "url": url, "platform": "xiaohongshu"}
            clue_id = add_clue(unit, f"{kind}-{native_id}", **wanted)
            request_recheck(unit, source="notes", url=url, clue_id=clue_id, key=f"k{clue_id}")
        return clue_id

    def look(self, *clue_ids: int) -> list[tuple[str, str | None, bool | None]]:
        log = self.folder / "log"
        self.answer = probe_due(self.store, [self.source], now=self.world.now, log_file=log)
        with self.store.read() as conn:
            found = observations_of(conn, clue_ids)
        return [(seen.kind.value, seen.marker, seen.control_ok) for one in clue_ids for seen in found.get(one, [])]

    def change(self, article: Article, state: State) -> None:
        self.world._change(f"{NOTES}{article.path}", self.world.now, state)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    world = World()
    with NotesServer(world) as server:
        yield Place(tmp_path_factory.mktemp("rechecks") / "data", server, world)


def test_targets_are_seen_for_what_they_are(place: Place) -> None:
    removed, live = place.articles()[:2]
    place.change(removed, State.GONE)
    asked = [
        place.ask(live.note_id),
        place.ask(removed.note_id),
        place.ask(live.author.uid, kind="account"),
        place.ask("6ae548acad19fa96ff318ac2"),  # never opened: the page that says nothing
    ]
    assert place.look(*asked) == [
        ("live", None, True),
        ("content_removed", "note_not_found_text", True),
        ("live", None, True),
        ("unknown", "cannot_be_browsed_300031", True),
    ]


def test_challenge_leaves_the_looks_queued_and_says_so(place: Place) -> None:
    article = place.articles()[2]
    place.server.gate.challenge_after(0)
    asked = place.ask(article.note_id)
    assert place.look(asked) == []
    assert any("stay queued" in problem["message"] for problem in place.answer["problems"])
    assert notes.rows(place.store, "SELECT state FROM frontier WHERE kind = 'recheck' AND state = 'pending'")
    place.server.gate.lift()
