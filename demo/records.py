"""What stands on the demo platforms: authors, comments, articles, platforms and the whole corpus."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

FORUM = "forum"
FEED = "feed"
NOTES = "notes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Somebody who writes on one of the platforms; ``number`` is part of the profile's address."""

    site: str
    name: str
    bio: str
    number: int

    @property
    def uid(self) -> str:
        """Return the account's id on the note platform: 24 hexadecimal digits."""
        return sha256(f"{self.site}/{self.name}/{self.number}".encode()).hexdigest()[:24]

    @property
    def path(self) -> str:
        """Return the address of the profile within its platform."""
        return f"/user/profile/{self.uid}" if self.site == NOTES else f"/u/{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One comment; ``category`` is set when it is a planted solicitation.

    ``parent`` is the element id of the comment that it replies to; only the note platform has replies.
    """

    element_id: str
    author: Author
    text: str
    published_at: datetime
    category: str | None = None
    how: tuple[str, ...] = ()
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One post of the forum, entry of the feed or note.

    ``kind`` is the class of the text (solicitation, victim, education, news, legit, unrelated), ``sub`` a
    finer name of the near misses. ``category`` and ``how`` (plain, or ways of hiding) belong to the offer;
    ``offer_in`` is ``text``, ``nickname`` or ``bio``, and empty without an offer. ``section`` is the
    forum's board, the feed's or the note platform's column.

    Only notes have ``note_id``, ``topics``, ``likes``, ``video`` and ``trick``: what is wrong with a note that the
    search still lists, ``deleted``, ``unavailable`` (the page that says nothing) or ``banned`` (its author).
    """

    key: str
    site: str
    section: str
    number: int
    title: str
    text: str
    author: Author
    published_at: datetime
    kind: str
    sub: str = ""
    category: str | None = None
    offer_in: str = ""
    ring: str | None = None
    how: tuple[str, ...] = ()
    comments: tuple[Comment, ...] = ()
    note_id: str = ""
    topics: tuple[str, ...] = ()
    likes: int = 0
    video: bool = False
    trick: str = ""

    @property
    def planted(self) -> bool:
        """Say whether the text itself is a planted solicitation."""
        return self.offer_in == "text"

    @property
    def path(self) -> str:
        """Return the address of the page within its platform."""
        if self.site == NOTES:
            return f"/explore/{self.note_id}"
        return f"/thread/{self.number}.html" if self.site == FORUM else f"/notes/{self.number}.html"

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """Return the text's paragraphs, each with its line breaks."""
        return tuple(part for part in self.text.split("\n\n") if part.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Names of one platform; ``sections`` maps the address of a board or column to its title.

    ``words`` are the words of a search that find everything in a section; only the note platform has a search.
    """

    name: str
    slogan: str
    sections: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Everything on the platforms at the start; ``gone`` are old threads as number and way of being gone."""

    seed: int
    start: datetime
    platforms: Mapping[str, Platform]
    articles: tuple[Article, ...]
    gone: Mapping[int, str]

    def of(self, site: str) -> tuple[Article, ...]:
        """Return one platform's articles, newest first."""
        return tuple(article for article in self.articles if article.site == site)

    def authors(self, site: str) -> tuple[Author, ...]:
        """Return everybody who wrote something on one platform, in the order of their numbers."""
        found = {article.author.number: article.author for article in self.of(site)}
        for article in self.of(site):
            for comment in article.comments:
                found.setdefault(comment.author.number, comment.author)
        return tuple(found[number] for number in sorted(found))
