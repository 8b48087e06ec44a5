"""Everything that the page of one clue shows, ready for its template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from review.explaining import explain, marks_of
from review.links import outward_link
from review.marking import LONGEST_SHOWN, decode_text, mark_text
from review.masking import find_private, hide
from storage.clue_details import clue_details

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from review.explaining import Explanation
    from review.links import OutwardLink
    from review.marking import Decoded, Piece
    from review.masking import Span
    from storage.records import Json
    from storage.sealing import Sealer


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldView:
    """One field: its pieces, what the machine read where that differs, and how much was left out."""

    name: str
    pieces: list[Piece]
    decoded: list[Decoded]
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentView:
    """One comment with its fields; ``hits`` tells that something was found in it."""

    details: Json
    author: FieldView
    bio: FieldView
    text: FieldView
    hits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonView:
    """One reason of the score: the words it points to and how they read decoded."""

    finding: Json
    text: list[Piece]
    decoded: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CluePage:
    """The page of one clue."""

    details: Json
    fields: dict[str, FieldView]
    comments: list[CommentView]
    explanation: Explanation
    reasons: list[ReasonView]
    contacts: list[Json]
    link: OutwardLink | None


def read_clue_page(conn: Connection, clue_id: int, *, now: datetime, opened_with: Sealer | None = None) -> CluePage:
    """Return the page of a clue; with a sealer, contacts and texts are shown in full."""
    details = clue_details(conn, clue_id, sealer=opened_with, now=now)
    texts = shown_texts(details)
    findings = details["verdict"]["findings"]
    private: dict[str, list[Span]] = {} if opened_with else find_private(texts, _stored_spans(details))
    views = {name: _field(name, text, findings, private.get(name, [])) for name, text in texts.items()}
    explanation = explain(details["verdict"]["bias"], findings)
    return CluePage(
        details=details,
        fields=views,
        comments=[_comment(one, views) for one in details["comments"]],
        explanation=explanation,
        reasons=[_reason(finding, texts, private) for finding in explanation.weighty],
        contacts=_contacts(details["contacts"]),
        link=outward_link(details["target"]["url"]),
    )


def shown_texts(details: Json) -> dict[str, str]:
    """Return every text of the page by its field's name in the verdict."""
    content, above = details["content"], details["above"] or {}
    judged_above = "\n".join(part for part in (above.get("title"), above.get("text")) if part)
    texts = {
        "title": content["title"],
        "text": content["text"],
        "author.name": content["author"]["name"],
        "author.bio": content["author"]["bio"],
        "parent": content["parent"] or judged_above,
    }
    for comment in details["comments"]:
        prefix = f"comments[{comment['index']}]"
        texts[f"{prefix}.author"] = comment["author"]["name"]
        texts[f"{prefix}.author.bio"] = comment["author"]["bio"]
        texts[f"{prefix}.text"] = comment["text"]
    return texts


def _stored_spans(details: Json) -> dict[str, list[Span]]:
    spans: dict[str, list[Span]] = {}
    for use in details["contacts"]:
        spans.setdefault(use["field"], []).append((use["start"], use["end"]))
    return spans


def _field(name: str, text: str, findings: list[Json], private: list[Span]) -> FieldView:
    marks, shown = marks_of(findings, name, text), hide(text, private)
    return FieldView(
        name=name,
        pieces=mark_text(shown, marks, private),
        decoded=decode_text(text, marks, shown=shown),
        left_out=max(len(text) - LONGEST_SHOWN, 0),
    )


def _comment(details: Json, views: dict[str, FieldView]) -> CommentView:
    prefix = f"comments[{details['index']}]"
    author, bio, text = (views[f"{prefix}.{name}"] for name in ("author", "author.bio", "text"))
    hits = any(piece.marks for view in (author, bio, text) for piece in view.pieces)
    return CommentView(details=details, author=author, bio=bio, text=text, hits=hits)


def _reason(finding: Json, texts: dict[str, str], private: dict[str, list[Span]]) -> ReasonView:
    """Return a reason; its words are cut out of the masked field, never taken from the verdict as they are."""
    start, end, field = finding["start"], finding["end"], finding["field"]
    written = texts.get(field, "")
    shown = hide(written, private.get(field, []))[start:end]
    marks = marks_of([{**finding, "start": 0, "end": end - start}], field, written[start:end])
    decoded = decode_text(written[start:end], marks, shown=shown)
    return ReasonView(finding=finding, text=mark_text(shown), decoded="".join(piece.text for piece in decoded))


def _contacts(uses: list[Json]) -> list[Json]:
    """Return each contact once, with the fields it stands in."""
    found: dict[int, Json] = {}
    for use in uses:
        entry = found.setdefault(use["contact"], {**use, "fields": []})
        if use["field"] not in entry["fields"]:
            entry["fields"].append(use["field"])
    return list(found.values())
