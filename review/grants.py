"""Which clues are unmasked for which session at the moment; kept in memory, gone with the process."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class Grants:
    """Clues that a session may see unmasked until a time; every grant was audited with its reason when given."""

    def __init__(self) -> None:
        self._until: dict[tuple[int, int], datetime] = {}
        self._lock = Lock()

    def give(self, session_id: int, clue_id: int, *, until: datetime, now: datetime) -> None:
        """Let a session see a clue unmasked until a time, and forget what has run out."""
        with self._lock:
            self._until = {key: end for key, end in self._until.items() if end > now}
            self._until[session_id, clue_id] = until

    def until(self, session_id: int, clue_id: int, *, now: datetime) -> datetime | None:
        """Return until when a clue is unmasked for a session; None when it is masked."""
        with self._lock:
            end = self._until.get((session_id, clue_id))
        return end if end is not None and end > now else None
