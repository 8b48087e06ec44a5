"""The note platform as it is served: what can be seen now, what a search finds, which ids there are."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING

from demo.authors import make_author
from demo.records import NOTES
from demo.world import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demo.notes.gate import Gate
    from demo.records import Article, Author, Comment, Platform
    from demo.world import World

OPERATOR = make_author(NOTES, "值班小宋", "")
"""The account that signs in."""

TRICKS: Mapping[str, State] = MappingProxyType({"deleted": State.GONE, "unavailable": State.NOTICE})
TWIN_SHARE = 3
"""Every third note stands on the twin as well, under the same id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSite:
    """One of the two note platforms: base address without slash at the end, notes and accounts by id."""

    base: str
    world: World
    gate: Gate
    notes: Mapping[str, Article]
    authors: Mapping[str, Author]

    @property
    def platform(self) -> Platform:
        """Return the platform's names."""
        return self.world.corpus.platforms[NOTES]


def make_note_site(world: World, base: str, gate: Gate, *, twin: bool) -> NoteSite:
    """Return the platform or its twin as served at this base address."""
    notes = [note for note in world.corpus.of(NOTES) if not twin or note.number % TWIN_SHARE == 0]
    return NoteSite(
        base=base,
        world=world,
        gate=gate,
        notes=MappingProxyType({note.note_id: note for note in notes}),
        authors=MappingProxyType({author.uid: author for author in (*world.corpus.authors(NOTES), OPERATOR)}),
    )


def is_banned(site: NoteSite, author: Author) -> bool:
    """Say whether an account is banned now."""
    if site.world.state(f"{NOTES}{author.path}") is State.BANNED:
        return True
    return any(note.trick == "banned" and note.author.uid == author.uid for note in site.notes.values())


def note_state(site: NoteSite, note: Article) -> State:
    """Return a note's state now; the notes of a banned account are gone with it."""
    if note.trick in TRICKS:
        return TRICKS[note.trick]
    if site.world.state(f"{NOTES}{note.author.path}") is State.BANNED:
        return State.BANNED
    return site.world.state(f"{NOTES}{note.path}")


def live_comments(site: NoteSite, note: Article) -> list[Comment]:
    """Return the comments that can be seen now; a reply goes with what it replies to."""
    kept: dict[str, Comment] = {}
    for comment in note.comments:
        target = f"{NOTES}{note.path}#{comment.element_id}"
        gone = is_banned(site, comment.author) or site.world.state(target) is not State.LIVE
        if not gone and (comment.parent is None or comment.parent in kept):
            kept[comment.element_id] = comment
    return list(kept.values())


def found_notes(site: NoteSite, keyword: str) -> list[Article]:
    """Return what a search finds, in the order of that search; notes with a trick are still listed."""
    words = site.platform.words
    sections = {section for section, known in words.items() if any(word in keyword for word in known)}
    found = [
        note
        for note in site.notes.values()
        if (note.trick or note_state(site, note) is State.LIVE)
        and (note.section in sections or (keyword and keyword in f"{note.title}{note.text}{note.topics}"))
    ]
    return sorted(found, key=lambda note: sha256(f"{keyword}/{note.note_id}".encode()).digest())


def notes_of(site: NoteSite, author: Author) -> list[Article]:
    """Return an account's notes that can be seen now, newest first."""
    if is_banned(site, author):
        return []
    own = [note for note in site.notes.values() if note.author.uid == author.uid]
    return [note for note in own if note_state(site, note) is State.LIVE]
