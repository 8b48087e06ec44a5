"""What the desk's pages read, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.clues import get_clues, list_clues
from storage.clusters import add_cluster
from storage.decisions import decide_clue, undo_clue
from storage.desk_reads import audit_page, clue_platforms, recent_decisions, run_page
from storage.previews import previews
from storage.records import AccountFacts, TargetKind
from storage.runs import start_run
from tests.support import desk
from tests.support.clues import ANALYST, SENIOR, add_clue

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store

VICTIM = "我网贷逾期三个月了，天天被催收，怎么办啊？"
BELOW = "专业代办停息挂账，协商个性化分期60期，无前期费用，加微信 zhaiwu88888 咨询"


def test_a_preview_shows_the_target_itself(store: Store, now: datetime) -> None:
    comment = desk.said_below("k1", BELOW, "停催老师", "债务优化")
    posts = [desk.pitch(1), desk.pitch(2, VICTIM, title="求助", comments=(comment,))]
    ids = desk.add_clues(store, now, posts)
    with store.write(now) as unit:
        add_cluster(unit, [ids["p1"], ids["k1"]], ["contact"])
    with store.read() as conn:
        rows = get_clues(conn, [ids["p1"], ids["k1"]])
        found = previews(conn, rows)
    own, below = found[ids["p1"]], found[ids["k1"]]
    assert own.fields["title"] == "逾期上岸 1"
    assert below.fields["text"] == BELOW
    assert below.fields["author.name"] == "停催老师"
    for preview in (own, below):
        text = preview.fields["text"]
        assert next(text[start:end] for start, end in preview.private["text"]).startswith("zhaiwu")
        assert preview.found["text"]
        assert preview.cluster_size == 2


def test_a_pitch_known_only_from_the_post_above_it_shows_the_comment(store: Store, now: datetime) -> None:
    """The verdict on a post may point to a comment below it: then its fields are those of the comment."""
    comment = desk.said_below("k1", BELOW, "停催老师")
    ids = desk.add_clues(store, now, [desk.pitch(2, VICTIM, title="求助", comments=(comment,))])
    with store.read() as conn:
        rows = list_clues(conn, limit=0)
        found = previews(conn, rows)
    assert [row.target_kind for row in rows if row.id == ids["k1"]] == [TargetKind.COMMENT]
    assert found[ids["k1"]].fields["text"] == BELOW


def test_nothing_is_read_for_no_clues(store: Store) -> None:
    with store.read() as conn:
        assert previews(conn, []) == {}


def test_platforms_are_listed_once_each(store: Store, now: datetime) -> None:
    with store.read() as conn:
        assert clue_platforms(conn) == []
    with store.write(now) as unit:
        for number in range(9):
            add_clue(unit, f"n{number}", platform=("weibo", "forum", "xiaohongshu")[number % 3])
    with store.read() as conn:
        assert clue_platforms(conn) == ["forum", "weibo", "xiaohongshu"]


def test_last_decisions_tell_which_of_them_stand(store: Store, now: datetime) -> None:
    with store.write(now) as unit:
        ids = [add_clue(unit, f"n{number}") for number in range(14)]
        for number in ids:
            decide_clue(unit, number, "confirmed", actor=ANALYST, category="surrender")
        undo_clue(unit, ids[-1], actor=ANALYST)
        undo_clue(unit, ids[-2], actor=SENIOR)
        decide_clue(unit, ids[-2], "rejected", actor=SENIOR)
    with store.read() as conn:
        found = recent_decisions(conn, ANALYST.name)
        assert [one.clue_id for one in found] == ids[:-11:-1]
        assert [one.standing for one in found] == [False, False, *[True] * 8]
        assert (found[2].version, found[2].category, found[2].state) == (2, "surrender", "confirmed")
        assert [one.clue_id for one in recent_decisions(conn, SENIOR.name)] == [ids[-2]]


def test_audit_and_runs_are_read_in_pages(store: Store, now: datetime) -> None:
    with store.write(now) as unit:
        ids = [add_clue(unit, f"n{number}") for number in range(5)]
        for number in ids:
            decide_clue(unit, number, "rejected", actor=ANALYST)
        for number in range(5):
            start_run(unit, source=f"s{number}", platform="web", access="open")
    with store.read() as conn:
        first = audit_page(conn, limit=3)
        assert [one["sequence"] for one in [*first, *audit_page(conn, before=3, limit=3)]] == [5, 4, 3, 2, 1]
        runs = run_page(conn, limit=2)
        assert [one["source"] for one in [*runs, *run_page(conn, before=runs[-1]["id"])]] == [
            "s4",
            "s3",
            "s2",
            "s1",
            "s0",
        ]


def test_texts_that_no_database_likes_are_previewed(store: Store, now: datetime) -> None:
    author = AccountFacts(native_id="u1", name="a\x00b\ud800", bio="𠮷" * 30)
    ids = desk.add_clues(store, now, [desk.pitch(1, "\x00" + BELOW + "\ud83d", author=author)])
    with store.read() as conn:
        (row,) = get_clues(conn, [ids["p1"]])
        fields = previews(conn, [row])[row.id].fields
    assert fields["text"] == "\ufffd" + BELOW + "\ufffd"
    assert fields["author.name"] == "a\ufffdb\ufffd"
