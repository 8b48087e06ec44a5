"""Trying a change to the rules: figures on the gold set before and after, and what it would do to stored posts."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from commands.context import context
from commands.labelled import Problems, labelled_rows
from commands.suppressing import covered_clues
from storage.records import OPEN_CLUE_STATES, ClueState, public_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from classifiers.engine import Ruleset
    from classifiers.suppressions import Suppression
    from storage.records import Json
    from storage.verdicts import PendingPost

GOLD = "gold"
"""Folder of the workspace's own labelled lines below overlays/; each ``*.jsonl`` in it is a gold set."""

_PORTION = 100
_MOST_IDS = 20
_MOST_ROWS = 20


def gold_files(named: Sequence[Path]) -> list[Path]:
    """Return the labelled files to measure on: those named, else the workspace's own."""
    own = context.workspace.root / "overlays" / GOLD
    return [path.absolute() for path in named] or sorted(own.glob("*.jsonl"))


def try_on_gold(paths: Sequence[Path], before: Ruleset, after: Ruleset, problems: Problems) -> Json:
    """Return ``{before, after, changes}``, each a list with one entry a file; None without a gold set."""
    if not paths:
        return dict.fromkeys(("before", "after", "changes"))
    found = [_measured(path, before, after, problems) for path in paths]
    return {name: [file[name] for file in found] for name in ("before", "after", "changes")}


def _measured(path: Path, before: Ruleset, after: Ruleset, problems: Problems) -> Json:
    from classifiers.comparison import Comparison
    from classifiers.evaluate import evaluate_rows

    comparison = Comparison(after, most=_MOST_ROWS)
    with context.out.progress(f"measuring {path.name}"):
        was = evaluate_rows(str(path), labelled_rows(path, problems), before, watchers=[comparison.watch])
    compared = comparison.as_row()
    return {
        "before": _in_short(path, was),
        "after": _in_short(path, compared["after"]),
        "changes": {"file": str(path), **{name: compared[name] for name in ("changes", "changed", "significance")}},
    }


def try_on_history(before: Ruleset, after: Ruleset) -> Json:
    """Return what the change would do to the current revision of every stored post, in portions of flat size.

    A post on which either ruleset gives no verdict is counted as ``failed``.
    """
    from classifiers.judging import judge_each
    from classifiers.records import Verdict
    from classifiers.run import text_of
    from classifiers.trial import Trial

    trial, failed = Trial(), 0
    with context.out.progress("trying on stored posts") as update:
        for posts in _stored_posts():
            texts = [text_of(post) for post in posts]
            for text, old, new in zip(texts, judge_each(texts, before), judge_each(texts, after), strict=True):
                if isinstance(old, Verdict) and isinstance(new, Verdict):
                    trial.add(text, old, new)
                else:
                    failed += 1
            update(trial.posts + failed)
    return {"posts": trial.posts, **trial.counts(), "failed": failed, "samples": trial.samples()}


def try_suppression(suppression: Suppression) -> Json:
    """Return the clues a suppression would take out of the queue, and the confirmed ones it would have hidden."""
    found: dict[str, list[str]] = {"suppressed": [], "confirmed": []}
    counts = dict.fromkeys(found, 0)
    states = (*OPEN_CLUE_STATES, ClueState.CONFIRMED)
    for clue in covered_clues(context.store, suppression, states):
        kind = "confirmed" if clue.state is ClueState.CONFIRMED else "suppressed"
        counts[kind] += 1
        if len(found[kind]) < _MOST_IDS:
            found[kind].append(public_id("clue", clue.clue_id))
    nothing = dict.fromkeys(("newly_flagged", "newly_cleared", "recategorised"), 0)
    return {
        **nothing,
        "newly_suppressed": counts["suppressed"],
        "confirmed_like_it": counts["confirmed"],
        "samples": {"newly_suppressed": found["suppressed"], "confirmed_like_it": found["confirmed"]},
    }


def trial_record(gold: Json, history: Json, *, before: str, after: str) -> Json:
    """Return what is kept of a trial: versions and numbers, no text of anybody."""
    figures = {name: gold[name] for name in ("before", "after")}
    numbers = {name: value for name, value in history.items() if name != "samples"}
    return {"ruleset": {"before": before, "after": after}, "gold": figures, "history": numbers}


def _stored_posts() -> Iterator[list[PendingPost]]:
    from storage.verdicts import current_posts

    below = None
    while True:
        with context.store.read() as conn:
            posts = current_posts(conn, below=below, limit=_PORTION)
        if not posts:
            return
        yield posts
        below = posts[-1].post_id


def _in_short(path: Path, measured: object) -> Json:
    figures = cast("Json", measured)
    names = ("rows", "recall", "precision", "labels", "targets", "contacts", "by_category")
    return {"file": str(path), **{name: figures[name] for name in names}}
