"""Figures over labelled rows: what a ruleset finds, what it flags wrongly, and where.

Pure: rows in, one object out, as the ``evaluate`` row of CONTRACTS §1 describes it. A row is predicted positive
when it is flagged. Rows labelled unsure, and rows without a label, are in neither recall nor
precision; they are counted apart. Every file is judged by itself. Rows are judged some at a time and not kept, so
memory grows with the errors alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifiers.engine import screen_posts
from classifiers.evaluate_gold import read_gold
from classifiers.evaluate_tally import ContactTally, FlagTally, LabelTally, Row, TargetTally, rate
from classifiers.judging import Failure, judge_each
from classifiers.postlines import read_post_line
from classifiers.records import Label, verdict_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from classifiers.engine import Ruleset
    from classifiers.evaluate_gold import Gold
    from classifiers.records import PostText, Verdict

    OnFailure = Callable[[str, str], None]

__all__ = [
    "DETAILS",
    "Figures",
    "Judged",
    "Row",
    "evaluate",
    "evaluate_rows",
    "is_flag_error",
    "judge_portions",
    "rate",
]

DETAILS = ("by_difficulty", "by_label", "contacts_by_kind")
"""Recall by difficulty of a clue; recall and precision of every label; those of every kind of contact."""

# Rows and code points that are judged in one go: enough to be quick, few enough to keep memory flat.
_PORTION_ROWS = 64
_PORTION_LENGTH = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A row as the engine reads it, what it says about itself, and the verdict on it."""

    post: PostText
    gold: Gold
    verdict: Verdict


def evaluate(files: Iterable[tuple[str, Iterable[Mapping[str, object]]]], ruleset: Ruleset) -> Row:
    """Return the figures of every (file name, rows)."""
    return {"files": [evaluate_rows(name, rows, ruleset) for name, rows in files], "ruleset": ruleset.version}


def evaluate_rows(
    name: str,
    rows: Iterable[Mapping[str, object]],
    ruleset: Ruleset,
    *,
    watchers: Sequence[Callable[[Sequence[Judged]], None]] = (),
    details: bool = False,
    on_failure: OnFailure | None = None,
) -> Row:
    """Return the figures of one file.

    Every watcher sees every portion of judged rows as it is counted. ``details`` adds those of :data:`DETAILS`.
    ``on_failure`` is told of every row on which there is no verdict, and the row is in no figure; without it the
    engine's fault is raised.
    """
    figures = Figures()
    errors: list[Row] = []
    for portion in judge_portions(rows, ruleset, on_failure=on_failure):
        for item in portion:
            figures.add(item.gold, item.verdict)
            if is_flag_error(item.gold, item.verdict):
                errors.append({"gold": item.gold.label, **verdict_line(item.post.id, item.verdict)})
        for watcher in watchers:
            watcher(portion)
    more = figures.details() if details else {}
    return {"file": name, **figures.as_row(), "errors": errors, **more}


def judge_portions(
    rows: Iterable[Mapping[str, object]], ruleset: Ruleset, *, on_failure: OnFailure | None = None
) -> Iterator[list[Judged]]:
    """Yield the rows judged, some at a time, in their order; see :func:`evaluate_rows` for ``on_failure``."""
    held: list[tuple[PostText, Gold]] = []
    length = 0
    for row in rows:
        post = read_post_line(row)
        held.append((post, read_gold(row)))
        length += sum(len(text) for _, text in post.fields())
        if len(held) == _PORTION_ROWS or length >= _PORTION_LENGTH:
            yield _judge(held, ruleset, on_failure)
            held, length = [], 0
    if held:
        yield _judge(held, ruleset, on_failure)


def _judge(held: Sequence[tuple[PostText, Gold]], ruleset: Ruleset, on_failure: OnFailure | None) -> list[Judged]:
    posts = [post for post, _ in held]
    verdicts: Sequence[Verdict | Failure] = (
        judge_each(posts, ruleset) if on_failure else screen_posts(posts, ruleset)
    )
    judged: list[Judged] = []
    for (post, gold), verdict in zip(held, verdicts, strict=True):
        if not isinstance(verdict, Failure):
            judged.append(Judged(post=post, gold=gold, verdict=verdict))
        elif on_failure:
            on_failure(post.id, verdict.why)
    return judged


def is_flag_error(gold: Gold, verdict: Verdict) -> bool:
    """Return whether a clue was not flagged or something else was; unsure and unlabelled rows are no error."""
    return gold.is_decided and verdict.flagged != (gold.label is Label.CLUE)


class Figures:
    """The figures of one judge over the rows that it is shown."""

    def __init__(self) -> None:
        """Begin with no row."""
        self._flags = FlagTally()
        self._labels = LabelTally()
        self._targets = TargetTally()
        self._contacts = ContactTally()

    def add(self, gold: Gold, verdict: Verdict) -> None:
        """Count one row."""
        self._flags.add(gold, flagged=verdict.flagged)
        self._contacts.add(gold, verdict)
        if gold.label is not None:
            self._labels.add(gold.label, verdict.label)
            self._targets.add(gold, verdict)

    def as_row(self) -> Row:
        """Return the figures, without file name and errors."""
        return {
            "rows": self._flags.rows,
            **self._flags.counts(),
            "labels": self._labels.right(),
            "targets": self._targets.right(),
            "confusion": self._labels.confusion(),
            **self._flags.rates(),
            "contacts": self._contacts.figures(),
        }

    def details(self) -> Row:
        """Return figures beyond the fixed ones, by the names in :data:`DETAILS`."""
        found = (self._flags.by_difficulty(), self._labels.by_label(), self._contacts.by_kind())
        return dict(zip(DETAILS, found, strict=True))
