"""Wrongly judged rows: in what a verdict differs from what the row says, and the line that shows both.

A flag on a row without a label is not known to be wrong; it is kept beside them, for somebody to read.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from classifiers.evaluate import is_flag_error
from classifiers.evaluate_gold import gold_line
from classifiers.evaluate_tally import Row, expected_target, has_right_target, missed_and_false
from classifiers.records import verdict_line

if TYPE_CHECKING:
    from classifiers.evaluate import Judged
    from classifiers.records import CommentText, PostText


class Wrong(StrEnum):
    """What is wrong with a verdict, the worst first."""

    MISSED = "missed"
    FALSE_FLAG = "false_flag"
    LABEL = "label"
    CONTACTS = "contacts"
    TARGET = "target"
    UNKNOWN_FLAG = "unknown_flag"


# Shown titles: Chinese first, then English.
WRONG_TITLES: dict[Wrong, tuple[str, str]] = {
    Wrong.MISSED: ("漏报", "Missed clue"),
    Wrong.FALSE_FLAG: ("误报", "False flag"),
    Wrong.LABEL: ("标签有误", "Wrong label"),
    Wrong.CONTACTS: ("联系方式有误", "Wrong contacts"),
    Wrong.TARGET: ("对象有误", "Wrong target"),
    Wrong.UNKNOWN_FLAG: ("无标签而命中，待读", "Flagged without a label, to be read"),
}


def wrongs_of(item: Judged) -> tuple[Wrong, ...]:
    """Return everything that is wrong with the verdict on a row, the worst first; empty where nothing is.

    Last comes a flag on a row without a label.
    """
    gold, verdict = item.gold, item.verdict
    found = []
    if is_flag_error(gold, verdict):
        found.append(Wrong.FALSE_FLAG if verdict.flagged else Wrong.MISSED)
    if gold.label is not None and verdict.label is not gold.label:
        found.append(Wrong.LABEL)
    if any(missed_and_false(gold, verdict)):
        found.append(Wrong.CONTACTS)
    if has_right_target(gold, verdict) is False:
        found.append(Wrong.TARGET)
    if gold.label is None and verdict.flagged:
        found.append(Wrong.UNKNOWN_FLAG)
    return tuple(found)


def error_line(item: Judged, file: str) -> Row:
    """Return a wrongly judged row as a JSON object.

    ``kind`` is the worst fault and ``wrong`` names all. ``gold`` is what the row says, ``verdict`` the answer of
    ``screen``, ``post`` holds the texts that the offsets of its findings count in. ``expected_target`` is null
    where the target is not wrong.
    """
    wrong = wrongs_of(item)
    missed, false = missed_and_false(item.gold, item.verdict)
    return {
        "file": file,
        "id": item.post.id,
        "kind": wrong[0].value,
        "wrong": [kind.value for kind in wrong],
        "missed_contacts": missed,
        "false_contacts": false,
        "expected_target": expected_target(item.gold).value if Wrong.TARGET in wrong else None,
        "gold": gold_line(item.gold),
        "verdict": verdict_line(item.post.id, item.verdict),
        "post": post_line(item.post),
    }


def post_line(post: PostText) -> Row:
    """Return the texts of a post as a post line; absent fields are left out."""
    author = {"name": post.author_name, "bio": post.author_bio, "verified_as": post.verified_as}
    line: Row = {
        "id": post.id,
        "platform": post.platform,
        "kind": post.kind,
        "title": post.title,
        "text": post.text,
    }
    line |= {"author": _filled({**author, "verified": post.verified}), "parent": post.parent}
    line["comments"] = [_comment_line(comment) for comment in post.comments]
    return _filled(line)


def _comment_line(comment: CommentText) -> Row:
    author = _filled({"name": comment.author_name, "bio": comment.author_bio})
    return {"author": author, "text": comment.text}


def _filled(line: Row) -> Row:
    return {key: value for key, value in line.items() if value}
