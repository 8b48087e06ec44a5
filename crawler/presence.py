"""Whether a page that answers still shows a target: by what it says, not by its address alone. Pure functions.

A site may answer with a notice, an empty shell or its front page under the address of what is gone, and fold or
page the comments that it has. So a look claims no more than it recognises: the target's stored text must be there,
and a missing comment counts only on the page it stood on, and only where that page shows all of its comments.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from crawler.comments import find_comments
from crawler.markup import decode_page, drop, parse_html, select, text_of
from crawler.schema_org import things
from storage.records import OutcomeKind, ReadOutcome, TargetKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.adapters import Markers
    from crawler.reading import PageParse, PageRead, ReadRules
    from storage.clues import ClueRow

LEAST_LIKENESS = 0.3
"""Share of the stored text's character pairs that must be found again; unrelated Chinese pages share below 0.1."""

_LEAST_CHARS = 10
_NEXT = "link[rel~=next], a[rel~=next]"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one look says of a target."""

    kind: OutcomeKind
    marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is stored of a target: its own words, and those of the page on which it stands; None = nothing is."""

    own: str | None
    page: str | None


def words(title: str, text: str) -> str:
    """Return what a post is recognised by: its text, with the title where there is little of it."""
    return text if len(_letters(text)) >= _LEAST_CHARS else f"{title}\n{text}"


def likeness(stored: str, shown: str) -> float:
    """Return how much of a stored text is shown, 0 to 1: the share of its pairs of neighbouring letters."""
    ours, theirs = _letters(stored), _letters(shown)
    pairs = set(pairwise(ours))
    if not pairs:
        return float(bool(ours) and ours in theirs)
    return len(pairs & set(pairwise(theirs))) / len(pairs)


def look_at(
    read: PageRead, parsed: PageParse, clue: ClueRow, *, known: Known, rules: ReadRules, markers: Markers
) -> Sighting:
    """Return what a page that could be read says of a clue's target."""
    if parsed.outcome is not ReadOutcome.OK:
        return Sighting(OutcomeKind.UNKNOWN, parsed.reason or parsed.outcome.value)
    is_comment = clue.target_kind is TargetKind.COMMENT
    page_id = clue.target_native_id.partition("#")[0] if is_comment else clue.target_native_id
    post = next((one for one in parsed.posts if one.native_id == page_id), None)
    if post is None:
        return Sighting(OutcomeKind.UNKNOWN, "another_page")
    is_same = _is_like(known.page, f"{post.title}\n{post.text}")
    if not is_comment:
        return Sighting(OutcomeKind.LIVE) if is_same else Sighting(OutcomeKind.UNKNOWN, "another_text")
    shown = {comment.native_id: comment.text for comment in post.comments}
    if _is_like(known.own, shown.get(clue.target_native_id, "")):
        return Sighting(OutcomeKind.LIVE)
    if not is_same or clue.target_native_id in shown:
        return Sighting(OutcomeKind.UNKNOWN, "another_text")
    if not shows_all_comments(read, rules, markers, shown=len(shown)):
        return Sighting(OutcomeKind.UNKNOWN, "comments_not_all_shown")
    return Sighting(OutcomeKind.CONTENT_REMOVED, "comment_absent")


def shows_all_comments(read: PageRead, rules: ReadRules, markers: Markers, *, shown: int) -> bool:
    """Tell whether nothing on a page speaks of comments beyond those it shows.

    Signs are a next page, a word of the platform's ``hidden_comments``, or a count of ``comment_count`` above what
    is shown. The comments themselves are left out: people write such words too.
    """
    root = parse_html(decode_page(read.body, read.headers.get("content-type")))
    if root is None or shown >= rules.limits.max_comments:
        return False
    found = things(root)
    comments = find_comments(
        root, read.url, selectors=rules.comments, things=found, at=read.at, limit=rules.limits.max_comments
    )
    drop(list(comments.nodes))
    text = text_of(root)
    if select(root, _NEXT) or any(_compiled(pattern).search(text) for pattern in markers.hidden_comments):
        return False
    return all(count <= shown for count in _counts(text, markers.comment_count))


def _counts(text: str, patterns: Sequence[str]) -> list[int]:
    return [int(match[1]) for pattern in patterns for match in _compiled(pattern).finditer(text)]


def _is_like(stored: str | None, shown: str) -> bool:
    return stored is not None and likeness(stored, shown) >= LEAST_LIKENESS


def _letters(text: str) -> str:
    """Return the letters and digits of a text, in one form and case."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).lower() if char.isalnum())


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
