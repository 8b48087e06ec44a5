"""What the product said at each time of the simulation, held against the truth of the world."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from storage.records import OutcomeKind, OutcomeState
from storage.transitions.outcome import PROBED_KINDS, SILENT_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from demo.simulation.world import World

MILESTONES = (14, 30)
"""Days after the first sending at which it is asked whether the outcome is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the product says of one target: the line of ``outcomes list`` with the target's address."""

    address: str
    kind: OutcomeKind
    state: OutcomeState
    cause: str
    at: datetime

    @property
    def known(self) -> bool:
        """Whether it says what became of the target, and not only for the moment."""
        return self.kind not in SILENT_KINDS and self.state is not OutcomeState.PROVISIONAL

    @property
    def says_gone(self) -> bool:
        """Whether it says that the target is gone for good."""
        return self.kind in PROBED_KINDS and self.state is OutcomeState.CONFIRMED

    @property
    def says_live(self) -> bool:
        """Whether it says that the target was seen where it was."""
        return self.kind is OutcomeKind.LIVE and self.state is not OutcomeState.PROVISIONAL


@dataclass(slots=True)
class History:
    """What was said so far: of which targets, and which of it was wrong when it was said.

    ``sent`` is when a target was first sent, ``known`` whether its outcome was known at a milestone.
    """

    sent: dict[str, datetime] = field(default_factory=dict)
    called_gone: set[str] = field(default_factory=set)
    falsely_gone: dict[str, datetime] = field(default_factory=dict)
    called_live: set[str] = field(default_factory=set)
    falsely_live: dict[str, datetime] = field(default_factory=dict)
    known: dict[int, dict[str, bool]] = field(default_factory=lambda: {days: {} for days in MILESTONES})
    unknown_why: dict[str, str] = field(default_factory=dict)

    def note(self, world: World, verdicts: Iterable[Verdict], *, now: datetime) -> None:
        """Compare what is said now with the truth at the time that it speaks of."""
        said = {one.address: one for one in verdicts}
        for one in said.values():
            there = world.status(one.address, one.at).there
            if one.says_gone:
                self.called_gone.add(one.address)
                if there:
                    self.falsely_gone.setdefault(one.address, one.at)
            elif one.says_live:
                self.called_live.add(one.address)
                if not there:
                    self.falsely_live.setdefault(one.address, one.at)
        self._note_milestones(said, now)

    def _note_milestones(self, said: Mapping[str, Verdict], now: datetime) -> None:
        for days, known in self.known.items():
            for address, sent_at in self.sent.items():
                if address in known or now < sent_at + timedelta(days=days):
                    continue
                one = said.get(address)
                known[address] = one is not None and one.known
                if not known[address] and days == MILESTONES[-1]:
                    self.unknown_why[address] = f"{one.kind}/{one.state}" if one else "never looked at"


def verdict_of(line: Mapping[str, Any], address: str) -> Verdict:
    """Return a line of ``outcomes list`` as what it says of a target."""
    return Verdict(
        address=address,
        kind=OutcomeKind(line["kind"]),
        state=OutcomeState(line["state"]),
        cause=line["cause"],
        at=datetime.fromisoformat(line["at"]),
    )
