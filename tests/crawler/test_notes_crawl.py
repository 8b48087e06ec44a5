"""A note platform read in a real browser: searches, opened notes, comments, profiles, pictures."""

from __future__ import annotations

import json
import stat
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from demo.notes.server import NotesServer
from demo.records import NOTES
from demo.world import World
from storage.evidence import verify_all
from storage.post_reads import post_details
from tests.crawler import notes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storage.engine import Store

pytestmark = pytest.mark.browser

QUERIES = ("第一次没还上", "领口", "发完就删", "第二天早上", "慢慢聊", "没有这样的词")


class Read:
    """One crawl of a few notes, and the workspace it filled."""

    def __init__(self, folder: Path, server: NotesServer, world: World) -> None:
        self.folder, self.server, self.world = folder, server, world
        self.store: Store = notes.workspace(folder)
        notes.sign_in(server, folder)
        self.source = notes.source(server, *QUERIES)
        self.now = world.now
        self.answer: dict[str, Any] = notes.crawl(self.store, self.source, self.now)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    world = World()
    with NotesServer(world) as server:
        yield Read(tmp_path_factory.mktemp("notes") / "data", server, world)


def test_run_ends_and_names_no_fault_of_ours(read: Read) -> None:
    assert read.answer["state"] == "finished"
    assert read.answer["problems"] == []
    assert read.answer["posts"] == {"new": 5, "changed": 0, "seen": 0}
    assert read.answer["pages"]["gone"] == 1  # deleted
    assert read.answer["pages"]["unknown"] == 2  # the page that says nothing, and the profile of a banned account


def test_opened_note_is_stored_as_the_platform_has_it(read: Read) -> None:
    (article,) = [one for one in read.world.corpus.of(NOTES) if "第一次没还上" in one.title]
    with read.store.read() as conn:
        found = post_details(conn, f"xiaohongshu:{article.note_id}")
    assert found is not None
    assert found["title"] == article.title
    assert found["text"].startswith(article.text)
    assert "[话题]" not in found["text"]
    assert (found["author"]["id"], found["author"]["name"]) == (article.author.uid, article.author.name)
    assert found["author"]["bio"] == article.author.bio
    assert found["author"]["handle"]
    assert found["url"] == f"{read.server.base}/explore/{article.note_id}"
    assert found["published_at"].startswith(f"{article.published_at:%Y-%m-%dT%H:%M:%S}")
    assert found["metrics"]["likes"] == article.likes or "likes_text" in found["metrics"]


def test_all_comments_and_replies_are_read_with_whom_they_answer(read: Read) -> None:
    (article,) = [one for one in read.world.corpus.of(NOTES) if "第一次没还上" in one.title]
    with read.store.read() as conn:
        found = post_details(conn, f"xiaohongshu:{article.note_id}")
    assert found is not None
    shown = {one["id"]: one["parent"] for one in found["comments"]}
    assert shown == {one.element_id: one.parent for one in article.comments}
    assert len(shown) > 20  # more than two pages
    assert any(shown.values())


def test_notes_that_cannot_be_opened_stay_as_their_list_shows_them(read: Read) -> None:
    marks = dict(notes.rows(read.store, "SELECT request_key, outcome FROM frontier WHERE kind = 'note'"))
    tricks = {one.trick: one.note_id for one in read.world.corpus.of(NOTES) if one.trick}
    assert marks[f"note:{tricks['deleted']}"] == "gone"
    assert marks[f"note:{tricks['unavailable']}"] == "unknown"
    with read.store.read() as conn:
        listed = post_details(conn, f"xiaohongshu:{tricks['unavailable']}")
    assert listed is not None
    assert listed["title"]
    assert not listed["text"]


def test_what_was_heard_is_kept_and_holds_no_token_or_cookie(read: Read) -> None:
    with read.store.read() as conn:
        files = verify_all(conn, read.store.evidence_root)
    assert files["files"] == files["verified"] > 0
    stored = notes.everything_stored(read.store)
    assert "xsec_token" not in stored
    assert "web_session" not in stored
    kinds = Counter(row[0] for row in notes.rows(read.store, "SELECT kind FROM capture"))
    assert kinds["screenshot"] == kinds["element"] == 3
    tokens = notes.rows(read.store, "SELECT url FROM frontier WHERE kind = 'note'")
    assert all("xsec_token=" in url for (url,) in tokens)  # what opens a note again is kept there alone


def test_profile_folder_is_for_its_owner_alone(read: Read) -> None:
    folder = read.folder / "profiles"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "notes").stat().st_mode) == 0o700


def test_query_that_finds_nothing_is_proved_by_the_page(read: Read) -> None:
    (row,) = notes.rows(
        read.store, "SELECT state, outcome, cursor FROM frontier WHERE request_key LIKE '%没有这样%'"
    )
    assert row[:2] == ("done", "ok")
    assert json.loads(row[2])["listed"] == 0


def test_second_run_opens_no_known_note_again(read: Read) -> None:
    before = len(read.server.hits)
    again = notes.crawl(read.store, read.source, read.now + timedelta(hours=1))
    asked = Counter(hit.path for hit in read.server.hits[before:])
    assert again["state"] == "finished"
    assert again["posts"] == {"new": 0, "changed": 0, "seen": 4}
    assert asked["/api/sns/web/v1/feed"] == 1  # the one that said nothing is tried again
    assert notes.rows(read.store, "SELECT count(*) FROM capture WHERE kind = 'screenshot'") == [(3,)]
