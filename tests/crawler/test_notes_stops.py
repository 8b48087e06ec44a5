"""A challenge or a missing sign-in stops a source until a person has looked; then it goes on where it stopped."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from demo.notes.gate import Challenge
from demo.notes.server import NotesServer
from demo.world import World
from storage.holds import get_hold, held_sources
from tests.crawler import notes
from tests.support.cli import call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storage.engine import Store

pytestmark = pytest.mark.browser

ADVICE = ("sources login notes", "sources resume notes")


class Place:
    """A workspace with a signed-in profile on a running platform."""

    def __init__(self, folder: Path, server: NotesServer, world: World) -> None:
        self.folder, self.server, self.now = folder, server, world.now
        self.store: Store = notes.workspace(folder)
        (folder / "watch.yml").write_text(notes.watch_text(server, "房贷"), "utf-8")
        notes.sign_in(server, folder)

    def call(self, *words: str) -> Any:
        return call("--data", self.folder, "--json", *words)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    world = World()
    with NotesServer(world) as server:
        yield Place(tmp_path_factory.mktemp("stops") / "data", server, world)


def test_challenge_stops_and_resume_goes_on(place: Place) -> None:
    server = place.server
    server.gate.challenge_after(6, kind=Challenge.BARE_461)
    stopped = place.call("crawl", "notes")
    assert stopped.code == 1
    (run,) = stopped.obj["runs"]
    assert run["state"] == "blocked"
    assert run["pages"]["blocked"] == 1
    assert all(words in stopped.problem["message"] for words in ADVICE)
    with place.store.read() as conn:
        (held,) = held_sources(conn)
    assert (held.source, held.is_login) == ("notes", False)
    assert held.marker in {"verify_461", "verify_text"}  # an answer, or the page it led to
    assert notes.rows(place.store, "SELECT state FROM frontier WHERE kind = 'query'") == [("pending",)]
    (kept,) = notes.rows(place.store, "SELECT sha256, size FROM capture WHERE why_none LIKE 'a challenge%'")
    assert kept == (None, 0)

    asked = len(server.hits)
    again, due = place.call("crawl", "notes"), place.call("crawl")
    assert (again.code, again.obj["runs"][0]["state"]) == (1, "blocked")
    assert (due.code, due.obj["runs"]) == (0, [])
    assert "sources resume notes" in due.err
    assert len(server.hits) == asked  # a source that waits is left alone

    (line,) = place.call("sources", "check").lines
    assert (line["health"], line["basis_ok"]) == ("stopped", True)

    server.gate.lift()
    resumed = place.call("sources", "resume", "notes")
    assert resumed.code == 0, resumed.err
    (run,) = resumed.obj["runs"]
    assert (run["state"], run["resumed"]) == ("finished", True)
    assert notes.rows(place.store, "SELECT kind, outcome, count(*) FROM frontier GROUP BY kind, outcome") == [
        ("note", "ok", 4),
        ("profile", "ok", 4),
        ("query", "ok", 1),
    ]
    notes_found = notes.rows(place.store, "SELECT count(*) FROM post WHERE parent_post_id IS NULL")
    assert notes_found == [(4,)]
    counts = Counter(row[0] for row in notes.rows(place.store, "SELECT kind FROM capture"))
    assert counts["screenshot"] == 4  # no note was opened twice
    (line,) = place.call("sources", "check").lines
    assert (line["health"], line["problems"]) == ("ok", [])


def test_sign_in_that_ran_out_is_told_from_a_challenge(place: Place) -> None:
    place.server.gate.expire_sessions()
    stopped = place.call("crawl", "notes")
    assert (stopped.code, stopped.obj["runs"][0]["state"]) == (1, "blocked")
    with place.store.read() as conn:
        hold = get_hold(conn, "notes")
    assert hold is not None
    assert hold.is_login
    notes.sign_in(place.server, place.folder)
    assert place.call("sources", "resume", "notes").obj["runs"][0]["state"] == "finished"


def test_signing_in_needs_a_screen(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    refused = place.call("sources", "login", "notes")
    assert refused.code in (1, 2)
    assert "DISPLAY" in refused.problem["message"] or refused.problem.get("field") == "DISPLAY"


@pytest.mark.parametrize("words", [("login", "nowhere"), ("resume", "nowhere")])
def test_unknown_source_is_named(place: Place, words: tuple[str, str]) -> None:
    refused = place.call("sources", *words)
    assert (refused.code, refused.problem["code"]) == (2, "unknown_source")
