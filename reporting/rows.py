"""Rows of a package: one per item, computed from frozen facts alone, other people masked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reporting.weeks import shown_time
from storage.masking import half_hide, hide, mask_others
from storage.records import TargetKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reporting.channel import ChannelSpec
    from storage.masking import Span
    from storage.records import Json

FIELDS = {"title": "title", "text": "text", "author.name": "author_name", "author.bio": "author_bio"}
"""Field names of verdicts to those of a dossier's post."""

_LEAD = 20  # characters of the excerpt before the first thing that spoke for the verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenItem:
    """One item as frozen: its public id, its dossier, and when its target was last seen live before the export.

    ``contacts`` are the contacts' values as far as the channel asks for them in full, by contact id.
    """

    item: str
    dossier: Json
    last_seen_live: str | None
    contacts: Mapping[int, str]


def item_row(frozen: FrozenItem, spec: ChannelSpec, evidence: Sequence[str]) -> Json:
    """Return the values of all columns of :mod:`reporting.columns` for one item."""
    facts = frozen.dossier
    kind = TargetKind(facts["target_kind"])
    own = own_fields(frozen, spec)
    earlier = [one["item"] for one in facts["earlier"] if one["same_target"]]
    category = facts["category"]
    return {
        "item": frozen.item,
        "attempt": len(earlier) + 1,
        "earlier_items": earlier,
        "platform": facts["platform"],
        "native_id": facts["native_id"],
        "target_kind": kind.value,
        "place": _place(kind, facts),
        "url": facts["url"],
        "handle": facts["account"]["handle"],
        "nickname": own["author_name"] or None,
        "rule": spec.rules.get(category or "", spec.rules["default"]),
        "category": category,
        "measure": spec.measures[kind],
        "excerpt": _excerpt(own, facts["spans"], kind, spec.limits.excerpt_characters) or None,
        "contacts": _contacts(frozen, spec),
        "published_at": shown_time(facts["post"]["published_at"]),
        "captured_at": shown_time(facts["captured_at"]),
        "last_seen_live": shown_time(frozen.last_seen_live) if frozen.last_seen_live else "unprobed",
        "ip_region": facts["post"]["ip_region"],
        "evidence": list(evidence),
    }


def own_fields(frozen: FrozenItem, spec: ChannelSpec) -> Json:
    """Return the target's own texts: other people masked, its contacts shown as far as the channel asks.

    The nickname names the account to the platform and is nobody else's.
    """
    post = frozen.dossier["post"]
    shown: Json = {}
    for field, key in FIELDS.items():
        text = post[key] or ""
        spans = [(use["start"], use["end"]) for use in frozen.dossier["contacts"] if use["field"] == field]
        masked = text if key == "author_name" else mask_others(text, spans)
        shown[key] = _disclose(masked, spans, spec)
    return shown


def post_facts(frozen: FrozenItem, spec: ChannelSpec) -> Json:
    """Return ``post.json``: the target's own fields and nobody else's."""
    facts = frozen.dossier
    own = own_fields(frozen, spec)
    profile = facts["target_kind"] == TargetKind.ACCOUNT
    return {
        "item": frozen.item,
        "platform": facts["platform"],
        "native_id": facts["native_id"],
        "target_kind": facts["target_kind"],
        "url": facts["url"],
        "title": None if profile else own["title"],
        "text": None if profile else own["text"],
        "author": {"handle": facts["account"]["handle"], "name": own["author_name"], "bio": own["author_bio"]},
        "published_at": shown_time(facts["post"]["published_at"]),
        "ip_region": facts["post"]["ip_region"],
    }


def capture_facts(frozen: FrozenItem) -> Json:
    """Return ``capture.json``: where the text was read and the hash of the original bytes, or why there is none.

    A handed-over file has no address: its name is the house's own business.
    """
    capture = frozen.dossier["capture"]
    url = capture.get("url") or ""
    shown = url if url.startswith(("http://", "https://")) else None
    return {**capture, "item": frozen.item, "url": shown, "at": shown_time(capture.get("at"))}


def account_rows(frozen: Sequence[FrozenItem], spec: ChannelSpec) -> list[Json]:
    """Return one row per account of the package: its items now, and what was sent about it before.

    A post that shows no author makes no row: there is nobody to name.
    """
    rows: dict[tuple[str, str], Json] = {}
    for one in frozen:
        account = one.dossier["account"]
        if not account["native_id"] and not account["name"]:
            continue
        platform = one.dossier["platform"]
        key = (platform, account["native_id"] or f"name:{account['name']}")
        row = rows.setdefault(
            key,
            {
                "platform": platform,
                "account": account["native_id"],
                "handle": account["handle"],
                "nickname": own_fields(one, spec)["author_name"] or None,
                "items": [],
                "earlier_items": [],
                "came_back": account["strikes"],
            },
        )
        row["items"].append(one.item)
        known = row["earlier_items"]
        known += [sent["item"] for sent in one.dossier["earlier"] if sent["item"] not in known]
    return [rows[key] for key in sorted(rows)]


def network_rows(frozen: Sequence[FrozenItem]) -> list[Json]:
    """Return one row per confirmed ring with two members in this package or more."""
    rings: dict[str, Json] = {}
    for one in frozen:
        ring = one.dossier["ring"]
        if ring is not None:
            row = rings.setdefault(
                ring["cluster"], {"network": ring["cluster"], "basis": ring["basis"], "items": []}
            )
            row["items"].append(one.item)
    return [rings[key] for key in sorted(rings) if len(rings[key]["items"]) > 1]


def _place(kind: TargetKind, facts: Json) -> str:
    """Return where the provider speaks: the post, the comment's id, or the part of the profile."""
    if kind is TargetKind.POST:
        return "post"
    if kind is TargetKind.COMMENT:
        return str(facts["native_id"])
    fields = [span["field"] for span in facts["spans"]]
    return "nickname" if fields and "author.bio" not in fields else "bio"


def _disclose(text: str, spans: Sequence[Span], spec: ChannelSpec) -> str:
    if spec.contacts == "full":
        return text
    return hide(text, spans) if spec.contacts == "none" else half_hide(text, spans)


def _contacts(frozen: FrozenItem, spec: ChannelSpec) -> list[str]:
    if spec.contacts == "none":
        return []
    shown = []
    for use in frozen.dossier["contacts"]:
        value = frozen.contacts.get(use["contact"]) if spec.contacts == "full" else None
        text = f"{use['kind']}:{value or use['masked']}"
        if text not in shown:
            shown.append(text)
    return shown


def _excerpt(own: Json, spans: Sequence[Json], kind: TargetKind, limit: int) -> str:
    """Return a piece of the field that speaks most for the verdict, from shortly before its first reason."""
    allowed = ("author.bio", "author.name") if kind is TargetKind.ACCOUNT else ("text", "title", "author.bio")
    by_field = {field: [span for span in spans if span["field"] == field] for field in allowed}
    field = max(allowed, key=lambda name: (len(by_field[name]), bool(own[FIELDS[name]])))
    text = own[FIELDS[field]]
    start = max(min((span["start"] for span in by_field[field]), default=0) - _LEAD, 0)
    if len(text) <= limit:
        start = 0
    end = start + limit
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
