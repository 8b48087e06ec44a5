"""Lists: newest first, as many as asked for, lines and ids as the contract has them."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.cli import call

if TYPE_CHECKING:
    from pathlib import Path

LINES: dict[str, set[str]] = {
    "posts list": {
        *("post", "platform", "native_id", "url", "source", "kind", "title", "text", "author"),
        *("published_at", "first_seen", "last_seen", "revisions"),
    },
    "clues list": {
        *("clue", "state", "version", "target", "score", "band", "categories", "cluster", "post", "claimed_by"),
    },
    "clusters list": {"cluster", "basis", "members", "confirmed"},
    "channels list": {"channel", "title", "platforms", "version"},
    "batch list": {"batch", "channel", "week", "state", "items", "package"},
    "users list": {"name", "role", "disabled"},
}
SHOWS = {
    "posts list": ("posts show", "post"),
    "clues list": ("clues show", "clue"),
    "clusters list": ("clusters show", "cluster"),
    "batch list": ("batch show", "batch"),
}
MORE = {"channels list": {"origin", "sha256"}}
NEWEST_FIRST = ("posts list", "clues list", "batch list", "users list")


def lines(words: str, root: Path, *more: object) -> list[dict[str, Any]]:
    done = call(*words.split(), "--data", root, "--as", "admin", "--json", *more)
    assert done.code == 0, done.err
    return done.lines


@pytest.mark.parametrize("words", LINES)
def test_lines_have_the_keys_of_the_contract(words: str, busy_workspace: Path) -> None:
    found = lines(words, busy_workspace)
    assert found
    for line in found:
        assert set(line) - MORE.get(words, set()) == LINES[words]


@pytest.mark.parametrize("words", NEWEST_FIRST)
def test_a_limit_takes_the_newest_and_nought_takes_all(words: str, busy_workspace: Path) -> None:
    everything = lines(words, busy_workspace, "--limit", 0)
    assert len(everything) >= 3
    assert lines(words, busy_workspace) == everything
    for limit in (1, 2, len(everything), 999):
        assert lines(words, busy_workspace, "--limit", limit) == everything[:limit]


def test_the_newest_stands_first(busy_workspace: Path) -> None:
    assert [line["clue"] for line in lines("clues list", busy_workspace)] == ["c6", "c5", "c4", "c3", "c2", "c1"]
    assert [line["native_id"] for line in lines("posts list", busy_workspace)] == [
        "b6",
        "b5",
        "b4",
        "q3",
        "q2",
        "q1",
    ]
    assert [line["batch"][-2:] for line in lines("batch list", busy_workspace)] == ["-3", "-2", "sk"]
    assert lines("users list", busy_workspace)[-1]["name"] == "admin"


def test_without_a_limit_fifty_are_listed(workspace: Path) -> None:
    posts = b"".join(b'{"id": "%d", "text": "x"}\n' % number for number in range(60))
    (workspace / "watch.yml").write_text("sources: [{name: tips, platform: web, access: import}]", "utf-8")
    (workspace / "posts.jsonl").write_bytes(posts)
    words = ("import", workspace / "posts.jsonl", "--format", "posts", "--source", "tips")
    assert call(*words, "--data", workspace, "--json").obj["new"] == 60
    assert [line["native_id"] for line in lines("posts list", workspace)] == [str(n) for n in range(59, 9, -1)]
    assert len(lines("posts list", workspace, "--limit", 0)) == 60
    assert call("posts", "count", "--data", workspace, "--json").obj == {
        "posts": 60,
        "revisions": 60,
        "by_platform": {"web": 60},
    }


@pytest.mark.parametrize("words", SHOWS)
def test_show_is_the_list_s_line_with_details(words: str, busy_workspace: Path) -> None:
    show, key = SHOWS[words]
    for line in lines(words, busy_workspace):
        shown = call(*show.split(), line[key], "--data", busy_workspace, "--json").obj
        assert {name: shown.get(name) for name in line} == line
        assert len(shown) > len(line)


def test_ids_and_times_have_their_form(busy_workspace: Path) -> None:
    for words, (_, key) in SHOWS.items():
        for line in lines(words, busy_workspace):
            assert re.fullmatch(r"[a-z0-9_]+:.+" if key == "post" else r"[A-Za-z0-9_-]+", line[key])
    for line in lines("posts list", busy_workspace):
        for name in ("first_seen", "last_seen"):
            assert datetime.fromisoformat(line[name]).tzinfo is not None


def test_filters_of_clues_narrow_and_combine(busy_workspace: Path) -> None:
    queued = lines("clues list --state queued", busy_workspace)
    assert [line["clue"] for line in queued] == ["c3", "c2", "c1"]
    assert (
        lines("clues list --state queued --band flagged --platform forum --limit 1", busy_workspace) == queued[:1]
    )
    assert lines("clues list --category anti_collection --state queued", busy_workspace) == queued
    for nothing in ("--state rejected", "--band unsure", "--platform weibo", "--category ab_loan", "--category %"):
        assert lines(f"clues list {nothing}", busy_workspace) == []


def test_a_decision_is_answered_and_stored_at_once(busy_workspace: Path) -> None:
    root = ("--data", busy_workspace, "--as", "analyst", "--json")
    assert call("clues", "decide", "c1", "confirmed", "--version", 1, *root).obj == {
        "clue": "c1",
        "state": "confirmed",
        "version": 2,
    }
    assert call("clues", "undo", "c1", *root).obj == {"clue": "c1", "state": "queued", "version": 3}
    assert call("clues", "decide", "c1", "duplicate", "--of", "c2", *root).obj["state"] == "duplicate"
    details = call("clues", "show", "c1", *root).obj
    assert [entry["event"] for entry in details["decisions"]] == ["confirm", "undo", "mark_duplicate"]
    assert {entry["via"] for entry in details["decisions"]} == {"cli"}


def test_a_time_without_offset_is_shanghai_s(busy_workspace: Path) -> None:
    batch = lines("batch list --limit 2", busy_workspace)[1]["batch"]
    root = ("--data", busy_workspace, "--as", "compliance", "--json")
    assert call("batch", "export", batch, *root).code == 0
    typed = datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%d %H:%M")
    sent = call("batch", "sent", batch, "--at", typed, "--receipt", "R-1", *root)
    assert sent.obj == {"batch": batch, "state": "sent"}
    shown = datetime.fromisoformat(call("batch", "show", batch, *root).obj["sent_at"])
    assert abs(datetime.now(UTC) - shown) < timedelta(minutes=2)
    with closing(sqlite3.connect(busy_workspace / "qingyuan.db")) as connection:
        (stored,) = connection.execute("SELECT sent_at FROM batch WHERE sent_at IS NOT NULL").fetchone()
    assert stored.startswith(shown.astimezone(UTC).strftime("%Y-%m-%d %H:%M"))
