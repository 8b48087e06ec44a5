"""Whether a run through a browser read what a healthy one reads: counts, and shares of notes with a field."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler.adapter_sections import Assertions
    from storage.records import PostFacts


@dataclass(slots=True)
class RunHealth:
    """What this process read so far; ``since_start`` counts the notes since the browser was started."""

    listed: int = 0
    notes: int = 0
    since_start: int = 0
    searches_ended: int = 0
    filled: Counter[str] = field(default_factory=Counter)

    def opened(self, post: PostFacts | None) -> None:
        """Count an opened note; None = it was not there."""
        self.since_start += 1
        if post is None:
            return
        self.notes += 1
        shown = {
            "author.native_id": post.author.native_id,
            "author.name": post.author.name,
            "title": post.title,
            "text": post.text,
            "published_at": post.published_at,
            "images": post.images,
            "ip_region": post.ip_region,
        }
        self.filled.update(name for name, value in shown.items() if value)

    def judge(self, expected: Assertions) -> str | None:
        """Return which assertion of the platform's file does not hold, None where all do."""
        for name, bounds in (("listed", expected.listed), ("notes", expected.notes)):
            count = getattr(self, name)
            if self.searches_ended and not bounds.min <= count <= bounds.max:
                return f"{count} {name} in this run, expected {bounds.min} to {bounds.max}"
        if self.notes < expected.after:
            return None
        for name, share in expected.min_fill.items():
            if self.filled[name] < share * self.notes:
                return f"only {self.filled[name]} of {self.notes} notes have {name}, expected {share:.0%}"
        return None
