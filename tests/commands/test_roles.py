"""Who may do what: the table of roles, each command tried by a person of each role."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from storage.records import Role
from tests.support.cli import call

if TYPE_CHECKING:
    from pathlib import Path

REVIEWERS = {Role.ANALYST, Role.SENIOR, Role.COMPLIANCE}
SENDERS = {Role.COMPLIANCE}
APPROVERS = {Role.SENIOR}
ADMINS = {Role.ADMIN}


@dataclass(frozen=True)
class Deed:
    """A command and the roles that may; ``{n}`` are the batches of the busy workspace."""

    words: str
    roles: set[Role]


W = "{week}-partner_desk"
DEEDS = [
    Deed("clues decide c1 confirmed", REVIEWERS),
    Deed("clues decide c1 rejected --reason no", REVIEWERS),
    Deed("clues decide c1 duplicate --of c2", REVIEWERS),
    Deed("clues undo c6", REVIEWERS),
    Deed("batch draft --channel cac_12377", SENDERS),
    Deed(f"batch propose {W}-3", SENDERS),
    Deed(f"batch approve {W}", APPROVERS),
    Deed(f"batch return {W}", APPROVERS),
    Deed("users add neu --role analyst --password-stdin", ADMINS),
    Deed("outcomes observe c4 live --note seen", REVIEWERS),
    Deed("users list", ADMINS),
    Deed("users disable auditor", ADMINS),
]


def contents(root: Path) -> list[str]:
    with closing(sqlite3.connect(root / "qingyuan.db")) as connection:
        return list(connection.iterdump())


def words_of(deed: Deed, root: Path) -> list[str]:
    batches = call("batch", "list", "--json", "--data", root).lines
    return deed.words.format(week=batches[0]["week"]).split()


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.words)
def test_a_role_may_do_what_its_row_says_and_nothing_else(deed: Deed, role: Role, busy_workspace: Path) -> None:
    words, before = words_of(deed, busy_workspace), contents(busy_workspace)

    done = call(*words, "--data", busy_workspace, "--as", role, "--json", stdin=b"Correct-horse-9\n")

    if role in deed.roles:
        assert done.code == 0, done.err
        return
    assert (done.code, done.problem["code"]) == (1, "forbidden")
    assert role.value in done.problem["message"]
    assert contents(busy_workspace) == before


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.words)
def test_nobody_does_it_without_a_name(deed: Deed, busy_workspace: Path) -> None:
    words, before = words_of(deed, busy_workspace), contents(busy_workspace)
    for known, stdin in (((), b""), (("--as", "nobody"), b"Correct-horse-9\n")):
        done = call(*words, *known, "--data", busy_workspace, "--json", stdin=stdin)
        assert (done.code, done.problem["code"]) == (2, "unknown_user")
    assert contents(busy_workspace) == before


def test_a_disabled_person_does_nothing(busy_workspace: Path) -> None:
    assert call("users", "disable", "senior", "--data", busy_workspace, "--as", "admin").code == 0
    done = call("clues", "decide", "c1", "confirmed", "--data", busy_workspace, "--as", "senior", "--json")
    assert (done.code, done.problem["code"]) == (1, "forbidden")


def test_reading_needs_no_name(busy_workspace: Path) -> None:
    for words in (
        "clues list",
        "clues show c1",
        "clusters list",
        "posts list",
        "posts count",
        "channels list",
        "lexicon history",
    ):
        assert call(*words.split(), "--data", busy_workspace, "--json").code == 0
    for words in ("batch list", "outcomes list", "stats", "audit verify"):
        assert call(*words.split(), "--data", busy_workspace, "--json").code == 0


def test_the_audit_says_who_did_it_and_by_which_way(busy_workspace: Path) -> None:
    call("clues", "decide", "c1", "confirmed", "--data", busy_workspace, "--as", "analyst")
    with closing(sqlite3.connect(busy_workspace / "qingyuan.db")) as connection:
        last = connection.execute("SELECT actor, via FROM audit_entry ORDER BY sequence DESC").fetchone()
    assert last == ("analyst", "cli")
    assert call("audit", "verify", "--data", busy_workspace, "--json").obj["valid"] is True
