"""From the evidence of a unit to a label of the codebook and to categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifiers.clear_labels import label_features
from classifiers.datafiles import read_data_file
from classifiers.records import Category, Label, Role
from classifiers.terms import Weight
from classifiers.units import PROVIDER_ROLES

if TYPE_CHECKING:
    from pathlib import Path

    from classifiers.clear_labels import ClearLabels
    from classifiers.model import Weights
    from classifiers.units import UnitEvidence

_CLASS_POINTS = {Weight.STRONG: 3.0, Weight.NORMAL: 2.0, Weight.WEAK: 0.75}
# A text up to so many code points may be a fragment of which nobody can say what it offers.
BAIT_LENGTH = 40
# Evidence that is not told in the speaker's own voice.
_NO_OFFER = frozenset({"", "contact.named", "quoted.offer"})
BAIT_ROLES = frozenset({Role.CONTACT, Role.PROMISE, Role.FEE})
_SAYS_WHAT_FOR = frozenset({Role.TOPIC, Role.OTHER_TRADE, Role.LICENSED, Role.WARNING, Role.VICTIM})
# A category is named beside the first one from this share of its points.
_SECOND_SHARE = 0.5
_MOST_CATEGORIES = 3
# What stands in nickname, bio or parent says less about the offer than the text itself.
_PLACE_FACTORS = {"profile": 0.8, "context": 0.25}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedKinds:
    """Words of verified names, by the kind of speaker that they show."""

    words: tuple[tuple[str, tuple[str, ...]], ...]

    def kind_of(self, verified_as: str) -> str:
        """Return law, media, public or licensed, or the empty string where the mark says nothing."""
        for kind, words in self.words:
            if any(word in verified_as for word in words):
                return "" if kind == "none" else kind
        return ""


def load_verified_kinds(path: Path) -> VerifiedKinds:
    """Read the words of verified names; raise DataFileError on an unknown or missing key."""
    data = read_data_file(path)
    words = tuple((kind, data.texts(kind)) for kind in ("law", "none", "media", "public", "licensed"))
    data.close()
    return VerifiedKinds(words=words)


def choose_label(unit: UnitEvidence, log_odds: float, *, weights: Weights, clear: ClearLabels) -> Label:
    """Return clue or unsure by the log-odds, else the class that the voices point to.

    Whoever offers, promises, asks or invites nothing is no clue, however much he speaks of the trade (R1); only a
    wording that leaves little doubt stands for an offer that no cue knows.
    """
    is_plain = log_odds >= weights.flagged_from + weights.silent_margin
    if not offers_anything(unit) and not is_plain:
        return clear.choose(label_features(unit), unit.heard.labels)
    if log_odds >= weights.flagged_from:
        sold = names_service(unit) and not (
            names_other_goods(unit) and log_odds < weights.flagged_from + weights.other_margin
        )
        return Label.CLUE if is_plain or sold else Label.UNSURE
    if log_odds >= weights.unsure_from or is_bare_bait(unit):
        return Label.UNSURE
    return clear.choose(label_features(unit), unit.heard.labels)


def offers_anything(unit: UnitEvidence) -> bool:
    """Return whether the unit holds an offer, promise or way of contact in its own voice, or two forms of fee.

    One percentage or price alone is what every bank states. Several words of the cash-out trade in one breath are a
    price list.
    """
    told = [piece for piece in unit.pieces if piece.role in PROVIDER_ROLES and piece.feature not in _NO_OFFER]
    fees = {piece.feature for piece in told if piece.role is Role.FEE}
    return "topic.jargon" in unit.features or len(fees) > 1 or any(piece.role is not Role.FEE for piece in told)


def names_service(unit: UnitEvidence) -> bool:
    """Return whether the unit says or answers what the service is, or offers it in two ways at least.

    Without any word of the trade a single invitation is a fragment (R1, R7): "message me for details".
    """
    if any(piece.role is Role.TOPIC for piece in unit.pieces):
        return True
    roles = {piece.role for piece in unit.pieces if piece.role in PROVIDER_ROLES and piece.feature not in _NO_OFFER}
    return len(roles) > 1


def names_other_goods(unit: UnitEvidence) -> bool:
    """Return whether the unit names goods of another trade beside at most weak words of this one (R9)."""
    if "topic.core" in unit.features:
        return False
    return any(piece.role is Role.OTHER_TRADE and piece.feature for piece in unit.pieces)


def is_bare_bait(unit: UnitEvidence) -> bool:
    """Return whether a short text only asks to be reached, or only names terms, without saying what for (R7).

    Such a fragment is undecidable by itself: "message me", "no success no fee".
    """
    size = sum(len(reading.text) for reading in unit.unit.main)
    if size > BAIT_LENGTH or unit.voice_counts or unit.unit.verified_kind:
        return False
    roles = {piece.role for piece in unit.pieces if piece.feature and not piece.feature.startswith("context.")}
    main = {reading.field for reading in unit.unit.main}
    baits = {piece.feature for piece in unit.pieces if piece.field in main and piece.role in BAIT_ROLES}
    return bool(baits - {"", "contact.named"}) and not roles & _SAYS_WHAT_FOR


def rank_categories(unit: UnitEvidence) -> tuple[Category, ...]:
    """Return the categories of the offer, the main one first."""
    points: dict[Category, float] = {}
    seen: set[str] = set()
    for piece in unit.pieces:
        if piece.category is None or piece.weight_class is None or piece.rule in seen:
            continue
        seen.add(piece.rule)
        factor = _PLACE_FACTORS.get(piece.feature.partition(".")[0], 1.0)
        points[piece.category] = points.get(piece.category, 0.0) + factor * _CLASS_POINTS[piece.weight_class]
    ranked = sorted(points.items(), key=lambda item: (-item[1], item[0]))
    if not ranked:
        return ()
    least = _SECOND_SHARE * ranked[0][1]
    return tuple(category for category, value in ranked if value >= least)[:_MOST_CATEGORIES]
