"""One speaker's texts put together, and the evidence in them as features.

A unit is what one person says: title, text, profile and own comments of the author, or one comment of somebody
else with his profile. What it answers (the parent, or the post above a comment) is context: it gives the topic,
never the offer (R7).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from classifiers.cues import Voice
from classifiers.records import Category, Role
from classifiers.terms import Weight
from classifiers.voice import is_active
from classifiers.wording import Heard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from classifiers.cues import CueHit
    from classifiers.hits import Hit
    from classifiers.voice import Reading

PROVIDER_ROLES = frozenset({Role.OFFER, Role.PROMISE, Role.FEE, Role.CONTACT})
OTHER_VOICES = frozenset({Voice.WARNER, Voice.REPORTER, Voice.DEBTOR})
# The end of a text, in which a warning that is only a wrapper turns into the pitch (R3).
LAST_PART = 0.6
MANY_CUES, FULL_OFFER = 3, 5
MANY_VOICE_CUES = 3
# Different services of the cash-out trade that make a price list.
PRICE_LIST = 3
# Code points within which the parts of one offer stand.
CLUSTER_SPAN = 260
# Topics of what a comment answers that are listed with it; more of them say nothing new.
MOST_CONTEXT = 40
# Fees that hang on a result: the shape of an offer that stays when its words are disguised as another story.
RESULT_FEES = frozenset({"fee.share", "promise.nowinnofee"})
PROFILE_FIELDS = frozenset({"author.name", "author.bio"})
OWN_TOPICS = frozenset(
    f"{place}topic.{level}" for place in ("", "profile.") for level in (Weight.STRONG, Weight.NORMAL, Weight.WEAK)
)


class Evidence(NamedTuple):
    """One piece of evidence: its rule and place, and the feature it stands for ('' for none)."""

    feature: str
    rule: str
    role: Role
    field: str
    start: int
    end: int
    view: str
    category: Category | None = None
    weight_class: Weight | None = None

    @property
    def is_offer(self) -> bool:
        """Say whether the piece is part of an offer in the speaker's own voice, apart from lexicon words."""
        return (
            bool(self.feature)
            and self.role in PROVIDER_ROLES
            and self.rule.partition(":")[0] == self.rule
            and (self.feature not in ("contact.named", "quoted.offer"))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """The fields of one speaker and the topics of what he answers; ``comment`` is None for the post's author."""

    comment: int | None
    main: tuple[Reading, ...]
    profile: tuple[Reading, ...]
    replies: tuple[Reading, ...] = ()
    context: tuple[Evidence, ...] = ()
    verified_kind: str = ""

    @property
    def own(self) -> tuple[Reading, ...]:
        """Everything that the speaker says himself, the text first."""
        return (*self.main, *self.replies, *self.profile)


@dataclass(slots=True)
class UnitEvidence:
    """What a unit gives: all evidence, and for each feature the piece that carries its weight."""

    unit: Unit
    pieces: list[Evidence] = field(default_factory=list)
    features: dict[str, Evidence] = field(default_factory=dict)
    voice_counts: dict[Voice, int] = field(default_factory=dict)
    quotes_count: bool = False
    heard: Heard = field(default_factory=Heard)

    def add(self, piece: Evidence) -> None:
        """Keep a piece; the first one for a feature will carry the weight."""
        self.pieces.append(piece)
        if piece.feature:
            self.features.setdefault(piece.feature, piece)

    def active(self, role: Role) -> list[Evidence]:
        """Return the active evidence of a role, wherever the speaker says it."""
        return [piece for piece in self.pieces if piece.role is role and piece.feature]


def gather(unit: Unit) -> UnitEvidence:
    """Return the evidence of a unit: what stands there, whose voice it is in, and what follows from both."""
    found = UnitEvidence(unit=unit)
    for reading in (*unit.main, *unit.replies):
        for hit in reading.cues:
            if hit.cue.speaks in OTHER_VOICES and not reading.is_quoted(hit.start):
                found.voice_counts[hit.cue.speaks] = found.voice_counts.get(hit.cue.speaks, 0) + 1
    found.quotes_count = bool(found.voice_counts)
    for reading in unit.main:
        _add_reading(found, reading, "")
    for reading in unit.profile:
        _add_reading(found, reading, "profile.")
    for reading in unit.replies:
        _add_reading(found, reading, "")
    for topic in unit.context:
        found.add(topic)
    _add_voices(found)
    _add_conclusions(found)
    return found


def _add_reading(found: UnitEvidence, reading: Reading, place: str) -> None:
    _add_topics(found, reading, place)
    for term in reading.terms:
        if term.role is not Role.TOPIC:
            _add_term(found, reading, term, place)
    for cue in reading.cues:
        _add_cue(found, reading, cue, place)
    for contact in reading.contacts:
        told = _is_active(found, reading, contact.start, Role.CONTACT)
        feature = (
            f"{place}contact.{'id' if contact.kind not in ('qr', 'account_jump') else 'jump'}"
            if told
            else "contact.named"
        )
        _add(
            found,
            reading,
            feature,
            rule=f"contact.{contact.kind}",
            role=Role.CONTACT,
            span=(contact.start, contact.end),
        )


def _is_active(found: UnitEvidence, reading: Reading, start: int, role: Role) -> bool:
    return is_active(reading, start, quotes_count=found.quotes_count, role=role)


def context_topics(readings: Iterable[Reading]) -> tuple[Evidence, ...]:
    """Return the topics of fields that somebody answers: the first ones, and the first of each feature.

    They are the same for every comment below a post: many comments below a long post must not cost their product.
    """
    told: list[Evidence] = []
    features: set[str] = set()
    for topic in (topic for reading in readings for topic in _topics(reading, "context.")):
        if len(told) < MOST_CONTEXT or topic.feature not in features:
            told.append(topic)
            features.add(topic.feature)
    return tuple(told)


def _add_topics(found: UnitEvidence, reading: Reading, place: str) -> None:
    for topic in _topics(reading, place):
        found.add(topic)


def _topics(reading: Reading, place: str) -> Iterator[Evidence]:
    for term in reading.terms:
        if term.role is Role.TOPIC:
            yield Evidence(
                feature=f"{place}topic.{term.weight}",
                rule=term.rule,
                role=Role.TOPIC,
                field=reading.field,
                start=term.start,
                end=term.end,
                view=term.view,
                category=term.category,
                weight_class=term.weight,
            )


def _add_term(found: UnitEvidence, reading: Reading, term: Hit, place: str) -> None:
    """Add a lexicon term of another role; a provider's word counts in a provider's voice only."""
    feature = f"{place}term.{term.role}"
    if term.role in PROVIDER_ROLES:
        counts = _is_active(found, reading, term.start, term.role)
    else:
        counts = not reading.is_quoted(term.start)
    if not counts:
        feature = ""
    if term.weight is Weight.WEAK and term.role in PROVIDER_ROLES:
        feature = ""  # an everyday word is company for the cues, no reason of its own
    elif term.weight is Weight.WEAK and feature:
        feature += ".weak"
    _add(found, reading, feature, rule=term.rule, role=term.role, span=(term.start, term.end), view=term.view)


def _add_cue(found: UnitEvidence, reading: Reading, hit: CueHit, place: str) -> None:
    role = hit.cue.role
    if role in PROVIDER_ROLES:
        told = _is_active(found, reading, hit.start, role)
        feature = (f"{place}{role}" if place else hit.cue.id) if told else ""
        if not told and reading.is_quoted(hit.start):
            feature = "quoted.offer"
    else:
        feature = "" if reading.is_quoted(hit.start) or place == "profile." else hit.cue.id
    _add(found, reading, feature, rule=hit.cue.id, role=role, span=(hit.start, hit.end))


def _add(
    found: UnitEvidence,
    reading: Reading,
    feature: str,
    *,
    rule: str,
    role: Role,
    span: tuple[int, int],
    view: str = "folded",
) -> None:
    start, end = span
    found.add(Evidence(feature=feature, rule=rule, role=role, field=reading.field, start=start, end=end, view=view))


def _add_voices(found: UnitEvidence) -> None:
    """Add how strongly the unit speaks in another voice, and what the platform verified."""
    for voice, count in found.voice_counts.items():
        first = next((p for p in found.pieces if p.feature.startswith("voice.") and _voice_of(p) is voice), None)
        if first is not None and count >= MANY_VOICE_CUES:
            found.add(_conclusion(f"voice.{voice}.many", first))
    profile = found.unit.profile
    if found.unit.verified_kind and profile:
        name = profile[0]
        _add(
            found,
            name,
            f"verified.{found.unit.verified_kind}",
            rule=f"verified.{found.unit.verified_kind}",
            role=Role.LICENSED,
            span=(0, len(name.text)),
            view="surface",
        )


_VOICE_RULES = {
    "voice.warner": Voice.WARNER,
    "voice.attribution": Voice.REPORTER,
    "voice.reporter": Voice.REPORTER,
    "voice.debtor": Voice.DEBTOR,
    "voice.question": Voice.DEBTOR,
    "voice.selfhelp": Voice.DEBTOR,
}


def _voice_of(piece: Evidence) -> Voice | None:
    return _VOICE_RULES.get(piece.rule)


def _conclusion(feature: str, on: Evidence) -> Evidence:
    """Return a piece that follows from others, shown where the one it leans on stands."""
    return Evidence(
        feature=feature,
        rule=feature,
        role=Role.VOICE,
        field=on.field,
        start=on.start,
        end=on.end,
        view=on.view,
    )


def _add_conclusions(found: UnitEvidence) -> None:
    """Add what only several pieces together say (R1, R3)."""
    provider = [piece for piece in found.pieces if piece.is_offer]
    _forget_other_goods(found, provider)
    _add_topic_levels(found)
    cluster = _densest(provider)
    if not cluster:
        return
    roles = {piece.role for piece in cluster}
    kinds = {piece.rule for piece in cluster}
    for least, name in ((MANY_CUES, "offer.many"), (FULL_OFFER, "offer.full")):
        if len(kinds) >= least:
            found.add(_conclusion(name, cluster[0]))
    topics = {piece.feature for piece in found.pieces if piece.role is Role.TOPIC}
    if topics and Role.OFFER in roles and len(roles) > 1:
        found.add(_conclusion("r1.offer", next(p for p in cluster if p.role is Role.OFFER)))
    if topics & OWN_TOPICS and len(roles) >= MANY_CUES:
        found.add(_conclusion("r1.full", cluster[0]))
    if not topics & OWN_TOPICS and {Role.OFFER, Role.CONTACT} <= roles and kinds & RESULT_FEES:
        found.add(_conclusion("coded.offer", cluster[0]))
    _add_late_pitch(found, provider)
    _add_full_profile(found, provider)


def _add_full_profile(found: UnitEvidence, provider: Iterable[Evidence]) -> None:
    """Add that nickname and bio alone name the service, offer it, and ask, promise or invite (R1)."""
    own = [piece for piece in provider if piece.field in PROFILE_FIELDS]
    named = any(piece.role is Role.TOPIC and piece.field in PROFILE_FIELDS for piece in found.pieces)
    roles = {piece.role for piece in own}
    if named and Role.OFFER in roles and len(roles) > 1:
        found.add(_conclusion("profile.full", own[0]))


def _add_late_pitch(found: UnitEvidence, provider: Iterable[Evidence]) -> None:
    """Add that a text which began in another voice ends in an offer, and whether in a full one (R3)."""
    late = _late_offer(found, provider)
    roles = {piece.role for piece in late}
    if {Role.OFFER, Role.CONTACT} <= roles:
        found.add(_conclusion("voice.pitch_last", late[-1]))
        if roles & {Role.FEE, Role.PROMISE}:
            found.add(_conclusion("voice.pitch_full", late[-1]))


def _add_topic_levels(found: UnitEvidence) -> None:
    """Add how firmly the speaker's own words belong to the trade, and whether he names goods of another one."""
    own = [p for p in found.pieces if p.role is Role.TOPIC and not p.feature.startswith("context.")]
    core = [p for p in own if p.weight_class is not Weight.WEAK]
    if core:
        found.add(_conclusion("topic.core", core[0]))
    if len({piece.rule for piece in own}) > 1:
        found.add(_conclusion("topic.several", own[0]))
    _add_price_list(found, [piece for piece in own if piece.category is Category.CARD_CASHOUT])
    other = found.features.get("other.trade") or found.features.get("term.other_trade")
    if other is not None and not core:
        found.add(_conclusion("other.trade.alone", other))


def _add_price_list(found: UnitEvidence, jargon: list[Evidence]) -> None:
    """Add that the speaker names several services of the cash-out trade in one breath: only sellers do."""
    texts = {reading.field: reading.folded for reading in found.unit.own}
    services = {texts[piece.field][piece.start : piece.end] for piece in jargon if piece.field in texts}
    if len({piece.rule for piece in jargon}) > 1:
        found.add(_conclusion("topic.jargon", jargon[0]))
    if len(services) >= PRICE_LIST:
        found.add(_conclusion("offer.pricelist", jargon[0]))


def _forget_other_goods(found: UnitEvidence, provider: list[Evidence]) -> None:
    """Let goods of another trade in the post say nothing about an offer that only the author's comments make."""
    replies = {reading.field for reading in found.unit.replies}
    if not provider or any(piece.field not in replies for piece in provider):
        return
    for feature, piece in list(found.features.items()):
        if piece.role is Role.OTHER_TRADE and piece.field not in replies:
            del found.features[feature]


def _densest(provider: list[Evidence]) -> list[Evidence]:
    """Return the largest group of offering pieces that stand together: an offer is made in one place."""
    best: list[Evidence] = []
    fields: dict[str, list[Evidence]] = {}
    for piece in provider:
        fields.setdefault(piece.field, []).append(piece)
    for held in fields.values():
        pieces = sorted(held, key=lambda piece: piece.start)
        first = 0
        for last in range(len(pieces)):
            while pieces[last].start - pieces[first].start > CLUSTER_SPAN:
                first += 1
            if last + 1 - first > len(best):
                best = pieces[first : last + 1]
    profile = [piece for piece in provider if piece.field in PROFILE_FIELDS]
    return best if best and best[0].field in PROFILE_FIELDS else [*best, *profile]


def _late_offer(found: UnitEvidence, provider: Iterable[Evidence]) -> list[Evidence]:
    """Return the parts of an offer that end a text which began in another voice (R3)."""
    if not found.quotes_count:
        return []
    lengths = {reading.field: len(reading.text) for reading in found.unit.main}
    return [
        piece for piece in provider if piece.field in lengths and piece.start >= LAST_PART * lengths[piece.field]
    ]
