"""Which part of the queue a person looks at: read from an address, written into addresses."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from classifiers.records import Category
from storage.records import OPEN_CLUE_STATES, Band, ClueState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storage.clues import ClueFilter, Order

OPEN, EVERY = "open", "every"
"""State choices beside the states themselves: what waits for a person, and everything."""

STATE_CHOICES = (OPEN, *(state.value for state in ClueState), EVERY)
BAND_CHOICES = (Band.FLAGGED.value, Band.UNSURE.value, EVERY)
_LONGEST_SEARCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """A choice of clues; the default is what the machine flagged and nobody has decided."""

    state: str = OPEN
    band: str = Band.FLAGGED.value
    platform: str = ""
    category: str = ""
    search: str = ""

    @property
    def wanted(self) -> ClueFilter:
        """The filter as storage takes it."""
        states = {OPEN: OPEN_CLUE_STATES, EVERY: ()}.get(self.state)
        return {
            "states": (ClueState(self.state),) if states is None else states,
            "band": None if self.band == EVERY else Band(self.band),
            "platform": self.platform or None,
            "category": self.category or None,
            "search": self.search or None,
        }

    @property
    def order(self) -> Order:
        """What waits comes by score, what is settled newest first."""
        return "score" if self.state in {OPEN, *OPEN_CLUE_STATES, ClueState.UNSURE} else "newest"

    @property
    def query(self) -> str:
        """The filter as the query of an address, without what is default."""
        default = asdict(QueueFilter())
        return urlencode({name: value for name, value in asdict(self).items() if value != default[name]})

    def address(self, path: str, **more: str | int | None) -> str:
        """Return the address of a page that keeps this filter; ``more`` are further query values."""
        parts = [self.query, urlencode({name: value for name, value in more.items() if value is not None})]
        query = "&".join(part for part in parts if part)
        return f"{path}?{query}" if query else path

    def having(self, **changes: str) -> QueueFilter:
        """Return the filter with some choices changed."""
        return replace(self, **changes)


def read_filter(values: Mapping[str, str]) -> QueueFilter:
    """Return the filter of an address; what cannot be meant counts as not chosen."""
    chosen = QueueFilter()
    state, band = values.get("state", ""), values.get("band", "")
    category = values.get("category", "")
    return QueueFilter(
        state=state if state in STATE_CHOICES else chosen.state,
        band=band if band in BAND_CHOICES else (EVERY if state in STATE_CHOICES[1:] else chosen.band),
        platform=values.get("platform", "").strip()[:_LONGEST_SEARCH],
        category=category if category in set(Category) else "",
        search=values.get("search", "").strip()[:_LONGEST_SEARCH],
    )


def parse_filter(query: str) -> QueueFilter:
    """Return the filter that :attr:`QueueFilter.query` wrote."""
    return read_filter(dict(parse_qsl(query)))
