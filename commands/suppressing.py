"""The suppressions in force, and the clues that they take out of the queue."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from commands.context import context
from commands.rulesets import overlay_folders, settings_error

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from classifiers.suppressions import Suppression
    from storage.engine import Store
    from storage.records import ClueState
    from storage.suppressing import Coverable

CHECKED = "suppressions_checked"
"""Key of the workspace fact that says up to which clue the present templates were compared."""

_PORTION = 200


def suppressions_in_force(now: datetime) -> list[Suppression]:
    """Return the suppressions of the workspace that hold at ``now``, called by the change that put them there.

    Raises:
        SettingsError: a file cannot be used (exit 2).
    """
    from classifiers.datafiles import DataFileError
    from classifiers.rulefiles import suppression_files
    from classifiers.suppressions import load_suppression
    from storage.rule_changes import active_changes

    files = suppression_files(overlay_folders())
    if not files:
        return []
    with context.store.read() as conn:
        changes = active_changes(conn)
    found = []
    for name, file in files.items():
        try:
            read = load_suppression(file.path)
        except DataFileError as error:
            raise settings_error(error) from None
        change = changes.get(name)
        found.append(replace(read, label=change.key) if change and change.sha256 == file.sha256 else read)
    return [one for one in found if one.holds(now)]


def suppress_clues(store: Store, suppressions: Sequence[Suppression], *, now: datetime) -> int:
    """Suppress the open clues that a suppression covers and that no person has touched; return how many.

    The accounts are looked for among all of them each time; texts are compared once with the same templates.
    """
    if not suppressions:
        return 0
    done = 0
    accounts = {one.account: one for one in suppressions if one.account}
    if accounts:
        for portion in _portions(store, accounts=list(accounts)):
            done += _suppress(store, [(accounts[str(one.account)], one.clue_id) for one in portion], now=now)
    templates = [one for one in suppressions if one.bands]
    return done + (_suppress_copies(store, templates, now=now) if templates else 0)


def covered_clues(store: Store, suppression: Suppression, states: Collection[ClueState]) -> Iterator[Coverable]:
    """Yield the clues in these states that a suppression covers, whoever has touched them."""
    from storage.suppressing import clues_in

    after = 0
    while True:
        with store.read() as conn:
            portion = clues_in(conn, states, after=after, limit=_PORTION)
        if not portion:
            return
        yield from (one for one in portion if covers(suppression, one))
        after = portion[-1].clue_id


def covers(suppression: Suppression, clue: Coverable) -> bool:
    """Tell whether a suppression covers a clue."""
    from classifiers.suppressions import template_bands

    if suppression.account:
        return clue.account == suppression.account
    return suppression.covers(template_bands(clue.text), clue.contacts)


def _suppress_copies(store: Store, templates: Sequence[Suppression], *, now: datetime) -> int:
    """Suppress copies of templates among the clues that were not compared with them yet."""
    from storage.meta import get_meta, put_meta
    from storage.suppressing import last_clue_id

    digest = _digest(templates)
    with store.read() as conn:
        checked, last = get_meta(conn, CHECKED) or {}, last_clue_id(conn)
    after = int(checked.get("clue", 0)) if checked.get("templates") == digest else 0
    done = 0
    for portion in _portions(store, after=after):
        pairs = [(_template_of(one, templates), one.clue_id) for one in portion]
        done += _suppress(store, [(found, number) for found, number in pairs if found], now=now)
    if (after, checked.get("templates")) != (last, digest):
        with store.write(now) as unit:
            put_meta(unit.conn, CHECKED, {"templates": digest, "clue": last})
    return done


def _template_of(clue: Coverable, templates: Sequence[Suppression]) -> Suppression | None:
    from classifiers.suppressions import template_bands

    bands = template_bands(clue.text)
    return next((one for one in templates if one.covers(bands, clue.contacts)), None)


def _portions(store: Store, *, after: int = 0, accounts: list[str] | None = None) -> Iterator[list[Coverable]]:
    from storage.suppressing import untouched_clues

    while True:
        with store.read() as conn:
            portion = untouched_clues(conn, after=after, limit=_PORTION, accounts=accounts)
        if not portion:
            return
        yield portion
        after = portion[-1].clue_id


def _suppress(store: Store, pairs: Sequence[tuple[Suppression, int]], *, now: datetime) -> int:
    from storage.decisions import move_clues
    from storage.transitions.clue import ClueEvent

    by_reason: dict[str, list[int]] = {}
    for suppression, number in pairs:
        by_reason.setdefault(reason_of(suppression), []).append(number)
    done = 0
    for reason, numbers in by_reason.items():
        with store.write(now) as unit:
            done += len(move_clues(unit, numbers, ClueEvent.SUPPRESS, reason=reason))
    return done


def reason_of(suppression: Suppression) -> str:
    """Return what the ledger says of a suppressed clue."""
    what = "its account" if suppression.account else "a text like it"
    return f"{suppression.label} suppresses {what} until {suppression.until.isoformat()}"


def _digest(templates: Sequence[Suppression]) -> str:
    rows = sorted([list(one.bands), sorted(one.contacts)] for one in templates)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
