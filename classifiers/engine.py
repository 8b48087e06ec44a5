"""The verdict on one post: pure, deterministic, with a reason for every point of the score.

The post is read field by field, put together into units of one speaker each, and the unit that offers most
clearly decides. A post in which no term of the trade stands anywhere leaves early. Nothing here reads a clock,
a database or the network.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from classifiers.clear_labels import ClearLabels, load_clear_labels
from classifiers.contact_tables import ContactTables, load_contact_tables
from classifiers.contacts import Speaker, texts_with_contacts
from classifiers.cues import CueSet, load_cues
from classifiers.keywords import join_texts
from classifiers.labels import (
    VerifiedKinds,
    choose_label,
    load_verified_kinds,
    offers_anything,
    rank_categories,
)
from classifiers.lexicon import PACKAGED_LEXICONS, Lexicon, load_lexicon
from classifiers.model import Weights, add_up, load_weights, to_score
from classifiers.records import Band, Finding, Label, PostText, Role, Target, TargetKind, Verdict
from classifiers.severity import SeverityScale, load_severity
from classifiers.units import PROVIDER_ROLES, Unit, UnitEvidence, context_topics, gather
from classifiers.voice import Reading, read_field
from classifiers.windows import find_contacts_in, find_cues_in, find_terms_in
from classifiers.wording import WORDING_RULE, Wording, hear, load_wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from classifiers.hits import Hit
    from classifiers.records import ContactFound
    from classifiers.units import Evidence
    from classifiers.wording import SentenceWording

DATA = Path(__file__).parent / "data"
DATA_FILES = ("clear_labels", "contacts", "cues", "severity", "verified", "weights", "wording")
# Pieces without weight that are listed per rule and field; more of them say nothing new.
SHOWN_PER_RULE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset:
    """Everything a verdict depends on; ``version`` is a hash of its content, ``clear`` what most posts get."""

    lexicon: Lexicon
    cues: CueSet
    weights: Weights
    contacts: ContactTables
    verified: VerifiedKinds
    severity: SeverityScale
    clear_labels: ClearLabels
    wording: Wording
    version: str
    clear: Verdict = field(init=False)

    def __post_init__(self) -> None:
        """Make the one verdict that posts without trade and contact share."""
        object.__setattr__(self, "clear", _clear_verdict(self.weights.bias, self.version))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """One field before its voice is read."""

    text: str
    folded: str
    terms: list[Hit]
    contacts: list[ContactFound]


def load_ruleset(overlays: Sequence[Path] = ()) -> Ruleset:
    """Return the packaged ruleset with these overlay folders on top.

    An overlay folder may hold ``lexicons/*.yml`` and ``data/*.yml``; a file replaces the packaged one of that name,
    whole. Raises DataFileError when a file cannot be used.
    """
    folders = [
        PACKAGED_LEXICONS,
        *(overlay / "lexicons" for overlay in overlays if (overlay / "lexicons").is_dir()),
    ]
    return load_ruleset_of(folders, {name: _data_file(name, overlays) for name in DATA_FILES})


def load_ruleset_of(lexicons: Sequence[Path], files: Mapping[str, Path]) -> Ruleset:
    """Return the ruleset of these lexicon folders and data files, one for each of :data:`DATA_FILES`."""
    lexicon = load_lexicon(lexicons)
    digest = hashlib.sha256(lexicon.version.encode())
    for name in sorted(files):
        digest.update(files[name].read_bytes())
    return Ruleset(
        lexicon=lexicon,
        cues=load_cues(files["cues"]),
        weights=load_weights(files["weights"]),
        contacts=load_contact_tables(files["contacts"]),
        verified=load_verified_kinds(files["verified"]),
        severity=load_severity(files["severity"]),
        clear_labels=load_clear_labels(files["clear_labels"]),
        wording=load_wording(files["wording"]),
        version=digest.hexdigest()[:12],
    )


def _data_file(name: str, overlays: Sequence[Path]) -> Path:
    name += ".json" if name == "wording" else ".yml"
    path = DATA / name
    for overlay in overlays:
        other = overlay / "data" / name
        if other.is_file():
            path = other
    return path


def screen_post(post: PostText, ruleset: Ruleset) -> Verdict:
    """Return the verdict on one post.

    Offsets of findings and contacts count code points of the field as given, whatever it holds.
    """
    return screen_posts([post], ruleset)[0]


def screen_posts(posts: Sequence[PostText], ruleset: Ruleset) -> list[Verdict]:
    """Return the verdict on each post, as :func:`screen_post` would, terms looked for in all at once."""
    verdicts = [ruleset.clear] * len(posts)
    for index, fields in _scan_posts(posts, ruleset):
        verdicts[index] = _judge(posts[index], fields, ruleset)
    return verdicts


def _judge(post: PostText, fields: dict[str, _Field], ruleset: Ruleset) -> Verdict:
    contacts = tuple(contact for field in fields.values() for contact in field.contacts)
    if not _is_worth_judging(fields):
        return replace(ruleset.clear, contacts=contacts) if contacts else ruleset.clear
    units = _weigh_units(post, fields, ruleset)
    best = speaking_unit(units, ruleset.weights)
    findings = _make_findings(best, fields, ruleset.weights)
    log_odds = add_up(ruleset.weights.bias, findings)
    label = choose_label(best, log_odds, weights=ruleset.weights, clear=ruleset.clear_labels)
    band = {Label.CLUE: Band.FLAGGED, Label.UNSURE: Band.UNSURE}.get(label, Band.CLEAR)
    return Verdict(
        flagged=band is Band.FLAGGED,
        band=band,
        score=to_score(log_odds),
        bias=ruleset.weights.bias,
        label=label,
        categories=rank_categories(best) if band is not Band.CLEAR else (),
        target=_make_target(best) if band is not Band.CLEAR else None,
        findings=findings,
        contacts=contacts,
        ruleset=ruleset.version,
    )


def post_units(post: PostText, ruleset: Ruleset) -> list[UnitEvidence]:
    """Return the evidence of every speaker, the author first; none where the trade is not mentioned at all."""
    for _, fields in _scan_posts([post], ruleset):
        if _is_worth_judging(fields):
            return _weigh_units(post, fields, ruleset)
    return []


def _weigh_units(post: PostText, fields: dict[str, _Field], ruleset: Ruleset) -> list[UnitEvidence]:
    """Return the evidence of every speaker and what the wording of each says."""
    found = [gather(unit) for unit in _make_units(post, fields, ruleset)]
    for evidence in found:
        evidence.heard = hear(evidence.unit.own, ruleset.wording, scale=ruleset.weights.wording)
    return found


def _is_worth_judging(fields: dict[str, _Field]) -> bool:
    return any(_tells(field.terms) for field in fields.values())


def _tells(terms: list[Hit]) -> bool:
    """Say whether the terms of a field make its post worth judging: the trade, or anything of an offer.

    An offer keeps its fee, its result or its way of contact when its goods are disguised as another story.
    """
    return any(hit.role is Role.TOPIC or hit.role in PROVIDER_ROLES for hit in terms)


def _clear_verdict(bias: float, version: str) -> Verdict:
    """Return the verdict on a post that never mentions the trade."""
    return Verdict(
        flagged=False,
        band=Band.CLEAR,
        score=to_score(bias),
        bias=bias,
        label=Label.UNRELATED,
        categories=(),
        target=None,
        findings=(),
        contacts=(),
        ruleset=version,
    )


def _scan_posts(posts: Sequence[PostText], ruleset: Ruleset) -> Iterator[tuple[int, dict[str, _Field]]]:
    """Yield (index, every field) of the posts with a topic or a contact: nothing is made for the others."""
    named = [(index, name, text) for index, post in enumerate(posts) for name, text in post.fields()]
    folded: list[str] = []
    terms: list[list[Hit]] = []
    telling: set[int] = set()
    for joined in join_texts([text for _, _, text in named]):
        first = len(folded)
        folded += joined.folded()
        terms += find_terms_in(joined, ruleset.lexicon)
        holding = texts_with_contacts(joined.views.folded.text, joined.offsets)
        telling |= {named[first + at][0] for at in holding}
    telling |= {index for (index, _, _), hits in zip(named, terms, strict=True) if hits and _tells(hits)}
    if not telling:
        return
    posts_fields: dict[int, dict[str, _Field]] = {index: {} for index in sorted(telling)}
    for at, (index, name, text) in enumerate(named):
        if index in telling:
            fields = posts_fields[index]
            fields[name] = _make_field(posts[index], name, text, found=(folded[at], terms[at]), ruleset=ruleset)
    yield from posts_fields.items()


def _make_field(post: PostText, name: str, text: str, *, found: tuple[str, list[Hit]], ruleset: Ruleset) -> _Field:
    """Return a field with its contacts; the parent's contacts belong to the parent."""
    folded, terms = found
    contacts: list[ContactFound] = []
    if name != "parent":
        contacts = find_contacts_in(name, text, _speaker(post, name), tables=ruleset.contacts, folded=folded)
    return _Field(text=text, folded=folded, terms=terms, contacts=contacts)


def _speaker(post: PostText, name: str) -> Speaker:
    """Return who stands behind a field."""
    if name.startswith("comments["):
        comment = post.comments[_comment_index(name)]
        return Speaker(name=comment.author_name, is_bio=name.endswith(".bio"))
    return Speaker(name=post.author_name, verified_as=post.verified_as, is_bio=name == "author.bio")


def _comment_index(name: str) -> int:
    """Return the index in a field name of the form ``comments[i]…``."""
    return int(name[len("comments[") : name.index("]")])


def _read(names: Iterable[str], fields: dict[str, _Field], ruleset: Ruleset) -> tuple[Reading, ...]:
    readings = []
    for name in names:
        held = fields.get(name)
        if held is not None:
            readings.append(
                read_field(
                    name,
                    held.text,
                    held.folded,
                    terms=held.terms,
                    cues=find_cues_in(held.folded, ruleset.cues),
                    contacts=held.contacts,
                )
            )
    return tuple(readings)


def _make_units(post: PostText, fields: dict[str, _Field], ruleset: Ruleset) -> list[Unit]:
    """Return the author's unit, then one per comment of somebody else."""
    own: list[int] = []
    others: list[int] = []
    for index, comment in enumerate(post.comments):
        is_own = bool(post.author_name) and comment.author_name == post.author_name
        (own if is_own else others).append(index)
    parent = _read(("parent",), fields, ruleset)
    main = _read(("title", "text"), fields, ruleset)
    units = [
        Unit(
            comment=None,
            main=main,
            profile=_read(("author.name", "author.bio"), fields, ruleset),
            replies=_read((f"comments[{index}].text" for index in own), fields, ruleset),
            context=context_topics(parent),
            verified_kind=ruleset.verified.kind_of(post.verified_as),
        )
    ]
    above = context_topics((*main, *parent)) if others else ()
    for index in others:
        text, name, bio = f"comments[{index}].text", f"comments[{index}].author", f"comments[{index}].author.bio"
        units.append(
            Unit(
                comment=index,
                main=_read((text,), fields, ruleset),
                profile=_read((name, bio), fields, ruleset),
                context=above,
            )
        )
    return units


def speaking_unit(units: list[UnitEvidence], weights: Weights) -> UnitEvidence:
    """Return the author's unit, or the comment that solicits most clearly if only a comment does."""
    odds = [_log_odds(unit, weights) if offers_anything(unit) else -math.inf for unit in units]
    best = max(range(len(units)), key=lambda index: odds[index])
    if odds[0] >= weights.flagged_from or odds[best] < weights.unsure_from:
        return units[0]
    return units[best]


def _log_odds(unit: UnitEvidence, weights: Weights) -> float:
    return weights.bias + sum(weights.of(feature) for feature in unit.features) + unit.heard.total


def _make_findings(unit: UnitEvidence, fields: dict[str, _Field], weights: Weights) -> tuple[Finding, ...]:
    """Return the evidence as findings, by field and place; the first piece of a feature carries its weight."""
    order = {name: number for number, name in enumerate(fields)}
    carriers = {id(piece) for piece in unit.features.values()}
    shown: dict[tuple[str, str], int] = {}
    findings = []
    for piece in sorted(unit.pieces, key=lambda piece: (order[piece.field], piece.start, piece.end, piece.rule)):
        carries = id(piece) in carriers
        key = (piece.rule, piece.field)
        shown[key] = shown.get(key, 0) + (not carries)
        if carries or shown[key] <= SHOWN_PER_RULE:
            findings.append(_make_finding(piece, fields, weights.of(piece.feature) if carries else 0.0))
    findings.extend(_wording_finding(sentence, fields) for sentence in unit.heard.sentences)
    return tuple(findings)


def _wording_finding(sentence: SentenceWording, fields: dict[str, _Field]) -> Finding:
    return Finding(
        rule=WORDING_RULE,
        role=Role.VOICE.value,
        field=sentence.field,
        start=sentence.start,
        end=sentence.end,
        text=fields[sentence.field].text[sentence.start : sentence.end],
        view="surface",
        weight=sentence.weight,
    )


def _make_finding(piece: Evidence, fields: dict[str, _Field], weight: float) -> Finding:
    return Finding(
        rule=piece.rule,
        role=piece.role.value,
        field=piece.field,
        start=piece.start,
        end=piece.end,
        text=fields[piece.field].text[piece.start : piece.end],
        view=piece.view,
        weight=weight,
    )


def _make_target(unit: UnitEvidence) -> Target:
    """Return where the provider speaks: his comment, the post, or the account if only the profile offers."""
    if unit.unit.comment is not None:
        return Target(kind=TargetKind.COMMENT, comment=unit.unit.comment)
    main = {reading.field for reading in unit.unit.main}
    offering = {piece.field for piece in unit.pieces if piece.feature and piece.role in PROVIDER_ROLES}
    talked = {piece.field for piece in unit.pieces if piece.role is Role.TOPIC}
    if offering & main:
        return Target(kind=TargetKind.POST)
    replies = [reading.field for reading in unit.unit.replies if reading.field in offering]
    if replies:
        return Target(kind=TargetKind.COMMENT, comment=_comment_index(replies[0]))
    if offering & {"author.name", "author.bio"} or not talked & main:
        return Target(kind=TargetKind.ACCOUNT)
    return Target(kind=TargetKind.POST)
