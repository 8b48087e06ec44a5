"""The notes of the third platform: their ids, topics, numbers, comments and replies.

They are made from a seed of their own, so that what stands on the other two platforms does not depend on them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from demo.authors import endless, known_authors, make_author
from demo.drafts import comment_fields, note_drafts, read_content
from demo.records import NOTES, Article, Comment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from demo.drafts import Draft

OLDEST_DAYS = 60
REGULARS = 25
"""So many people write what names no author; each of them has several notes."""

LONG_THREAD = 24
"""So many comments the busiest notes have at least: more than two pages of them."""

_SMALL_TALK = {"solicitation": "echoes", "victim": "consolations"}
_ID_OFFSET_HOURS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """A comment before it has a time: what was said, and under which other one (an index), if any."""

    fields: Mapping[str, Any]
    under: int | None = None


def load_notes(*, seed: int, start: datetime) -> list[Article]:
    """Return the notes as they stand at ``start``, oldest first; raises ContentError on bad data."""
    drafts = list(note_drafts())
    rng = random.Random(f"notes/{seed}")
    rng.shuffle(drafts)
    people = read_content("people")
    names = endless(people["nicknames"][:REGULARS], rng)
    moments = sorted(start - timedelta(minutes=rng.randint(180, OLDEST_DAYS * 1440)) for _ in drafts)
    notes = []
    for number, (draft, moment) in enumerate(zip(drafts, moments, strict=True), 1):
        note = _note(draft, number=number, moment=moment, name=next(names))
        notes.append(replace(note, comments=_comments(note, draft, people, start)))
    return known_authors(notes, people["bios"])


def _note(draft: Draft, *, number: int, moment: datetime, name: str) -> Article:
    fields = draft.fields
    published_at = moment.replace(second=number % 60, microsecond=0)
    return Article(
        key=draft.key,
        site=NOTES,
        section=str(fields.get("column", "debt")),
        number=number,
        title=str(fields["title"]),
        text=str(fields["text"]).strip(),
        author=make_author(NOTES, str(fields.get("by", name)), str(fields.get("bio", ""))),
        published_at=published_at,
        kind=draft.kind,
        sub=str(fields.get("sub", "")),
        category=fields.get("category"),
        offer_in=str(fields.get("offer_in", "text")) if "category" in fields else "",
        ring=draft.ring,
        how=tuple(fields.get("how", ())),
        note_id=_timed_id(f"note/{draft.key}", published_at),
        topics=tuple(fields.get("topics", ())),
        likes=int(fields.get("likes", sha256(draft.key.encode()).digest()[0])),
        video=bool(fields.get("video", False)),
        trick=str(fields.get("trick", "")),
    )


def _timed_id(key: str, moment: datetime) -> str:
    """Return 24 hexadecimal digits; the first eight are a time up to some hours before the moment."""
    digest = sha256(key.encode()).digest()
    made_at = int(moment.timestamp()) - int.from_bytes(digest[:3], "big") % (_ID_OFFSET_HOURS * 3600)
    return f"{made_at:08x}{digest.hex()[:16]}"


def _comments(note: Article, draft: Draft, people: Mapping[str, Any], start: datetime) -> tuple[Comment, ...]:
    rng = random.Random(f"comments/{note.key}")
    said = list(_said(note, draft, people, rng))
    latest = max(120.0, (start - note.published_at).total_seconds() - 3600)
    moments = sorted(note.published_at + timedelta(seconds=rng.uniform(60, latest)) for _ in said)
    made: list[Comment] = []
    for index, (entry, moment) in enumerate(zip(said, moments, strict=True)):
        made.append(
            Comment(
                element_id=_timed_id(f"comment/{note.key}/{index}", moment),
                author=make_author(NOTES, str(entry.fields["by"]), ""),
                text=str(entry.fields["text"]),
                published_at=moment.replace(microsecond=0),
                category=entry.fields.get("category"),
                how=tuple(entry.fields.get("how", ())),
                parent=None if entry.under is None else made[entry.under].element_id,
            )
        )
    return tuple(made)


def _said(note: Article, draft: Draft, people: Mapping[str, Any], rng: random.Random) -> Iterator[_Said]:
    """Yield the comments written for the note with their replies, then small talk; replies follow their parent."""
    count = 0
    for entry in map(comment_fields, draft.fields.get("comments", ())):
        parent = count
        yield _Said(fields=entry)
        count += 1
        for reply in map(comment_fields, entry.get("replies", ())):
            yield _Said(fields=reply, under=parent)
            count += 1
    talk = people[_SMALL_TALK.get(note.kind, "remarks")]
    wanted = max(0, LONG_THREAD - count) if draft.fields.get("sub") == "busy" else rng.choice((0, 0, 1, 2, 3))
    for _ in range(wanted):
        yield _Said(fields={"by": rng.choice(people["nicknames"]), "text": rng.choice(talk)})
