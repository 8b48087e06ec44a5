"""What a change to the rules would do to posts: each judged by the rules in force and by the changed ones.

Counts hold all posts; of each kind some samples are kept, chosen by a hash of their id, so that memory stays flat
and the same posts show the same samples.
"""

from __future__ import annotations

import hashlib
import heapq
from typing import TYPE_CHECKING

from classifiers.records import Band, verdict_line

if TYPE_CHECKING:
    from classifiers.records import PostText, Verdict

MOST_SAMPLES = 20
KINDS = ("newly_flagged", "newly_unsure", "newly_cleared", "recategorised")

_EXCERPT = 120
_NEW_BAND = {Band.FLAGGED: "newly_flagged", Band.UNSURE: "newly_unsure", Band.CLEAR: "newly_cleared"}


class Trial:
    """Adds up how two rulesets differ on posts."""

    def __init__(self, most: int = MOST_SAMPLES) -> None:
        """Begin with nothing; ``most`` samples of a kind are kept."""
        self.posts = 0
        self.counts = dict.fromkeys(KINDS, 0)
        self._most = most
        self._kept: dict[str, list[tuple[int, int, dict[str, object]]]] = {kind: [] for kind in KINDS}

    def add(self, post: PostText, before: Verdict, after: Verdict) -> None:
        """Count one post with its two verdicts."""
        self.posts += 1
        kind = kind_of_change(before, after)
        if kind is None:
            return
        self.counts[kind] += 1
        place = -int.from_bytes(hashlib.sha256(post.id.encode("utf-8", "replace")).digest()[:8], "big")
        kept = self._kept[kind]
        if len(kept) < self._most:
            heapq.heappush(kept, (place, self.posts, sample(post, before, after)))
        elif place > kept[0][0]:
            heapq.heapreplace(kept, (place, self.posts, sample(post, before, after)))

    def samples(self) -> dict[str, list[dict[str, object]]]:
        """Return the samples of each kind, by id."""
        return {
            kind: sorted((one for _, _, one in kept), key=lambda one: str(one["post"]))
            for kind, kept in self._kept.items()
        }


def kind_of_change(before: Verdict, after: Verdict) -> str | None:
    """Return what became of a post: another band, else other categories; None when neither changed."""
    if before.band is not after.band:
        return _NEW_BAND[after.band]
    return None if before.categories == after.categories else "recategorised"


def sample(post: PostText, before: Verdict, after: Verdict) -> dict[str, object]:
    """Return a post with what the two rulesets say about it and the findings that differ."""
    old, new = verdict_line(post.id, before), verdict_line(post.id, after)
    was, becomes = _findings(old), _findings(new)
    pairs = {name: {"before": old[name], "after": new[name]} for name in ("band", "label", "score", "categories")}
    text = post.text or post.title or post.author_bio
    return {
        "post": post.id,
        **pairs,
        "findings": {
            "added": [finding for finding in becomes if finding not in was],
            "removed": [finding for finding in was if finding not in becomes],
        },
        "excerpt": text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…",
    }


def _findings(line: dict[str, object]) -> list[object]:
    found = line["findings"]
    return found if isinstance(found, list) else []
