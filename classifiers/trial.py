"""What a change to the rules would do to many posts: each judged by the rules in force and by the changed ones.

Counts hold all posts; of each kind some samples are kept, chosen by a hash of their id, so that memory stays flat
and the same posts show the same samples.
"""

from __future__ import annotations

import hashlib
import heapq
from typing import TYPE_CHECKING

from classifiers.comparison import ChangeKind, change_between, excerpt_of

if TYPE_CHECKING:
    from classifiers.evaluate_tally import Row
    from classifiers.records import PostText, Verdict

MOST_SAMPLES = 20


class Trial:
    """Adds up how two rulesets differ on posts."""

    def __init__(self, most: int = MOST_SAMPLES) -> None:
        """Begin with nothing; ``most`` samples of a kind are kept."""
        self.posts = 0
        self._counts = dict.fromkeys(ChangeKind, 0)
        self._most = most
        self._kept: dict[ChangeKind, list[tuple[int, int, Row]]] = {kind: [] for kind in ChangeKind}

    def add(self, post: PostText, before: Verdict, after: Verdict) -> None:
        """Count one post with its two verdicts."""
        self.posts += 1
        change = change_between(before, after)
        if change is None:
            return
        sample = {"post": post.id, **change.as_row(), "excerpt": excerpt_of(post)}
        for kind in change.kinds:
            self._counts[kind] += 1
            self._keep(self._kept[kind], sample)

    def counts(self) -> dict[str, int]:
        """Return how many posts changed, by kind."""
        return {kind.value: number for kind, number in self._counts.items()}

    def samples(self) -> dict[str, list[Row]]:
        """Return the samples of each kind, by id."""
        return {
            kind.value: sorted((one for _, _, one in kept), key=lambda one: str(one["post"]))
            for kind, kept in self._kept.items()
        }

    def _keep(self, kept: list[tuple[int, int, Row]], sample: Row) -> None:
        """Keep the samples whose ids have the smallest hashes."""
        digest = hashlib.sha256(str(sample["post"]).encode("utf-8", "replace")).digest()
        entry = (-int.from_bytes(digest[:8], "big"), self.posts, sample)
        if len(kept) < self._most:
            heapq.heappush(kept, entry)
        elif entry[0] > kept[0][0]:
            heapq.heapreplace(kept, entry)
