"""The content of the demo platforms: who wrote what, where and when.

The texts stand as data in ``demo/content``; this module checks them, fills in what the data leaves open
(nicknames, small talk, numbers, times) from a seed, and hands out immutable records. Nothing here knows
the product: the same seed and start give the same two platforms, word for word.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONTENT = Path(__file__).parent / "content"
SEED = 20261116
START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)  # Monday of 2026-W47, 09:00 in Shanghai
FORUM = "forum"
FEED = "feed"
TEXT_FILES = ("solicitations", "victims", "warnings", "news", "legit", "fringe", "everyday")
OLDEST_DAYS = 75

OFFER_KEYS = ("category", "how", "sub", "offer_in")
ARTICLE_KEYS = frozenset(
    ("id", "site", "board", "column", "title", "by", "bio", "text", "comments", "contact", *OFFER_KEYS)
)
COMMENT_KEYS = frozenset(("by", "text", "category", "how"))
SMALL_TALK = {"solicitation": "echoes", "victim": "consolations"}
SLOT = re.compile(r"\{([^{}]*)\}")


class ContentError(ValueError):
    """A data file of the demo does not have the agreed form."""

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(f"demo/content/{file}.yml: {problem}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Somebody who writes on one of the platforms; ``number`` is part of the profile's address."""

    site: str
    name: str
    bio: str
    number: int

    @property
    def path(self) -> str:
        """Return the address of the profile within its platform."""
        return f"/u/{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One comment; ``category`` is set when it is a planted solicitation."""

    element_id: str
    author: Author
    text: str
    published_at: datetime
    category: str | None = None
    how: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One post of the forum or entry of the feed.

    ``kind`` is the class of the text (solicitation, victim, education, news, legit, unrelated), ``sub`` a
    finer name of the near misses. ``category`` and ``how`` (plain, or ways of hiding) belong to the offer;
    ``offer_in`` is ``text``, ``nickname`` or ``bio``, and empty without an offer. ``section`` is the
    forum's board or the feed's column.
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

    @property
    def planted(self) -> bool:
        """Say whether the text itself is a planted solicitation."""
        return self.offer_in == "text"

    @property
    def path(self) -> str:
        """Return the address of the page within its platform."""
        return f"/thread/{self.number}.html" if self.site == FORUM else f"/notes/{self.number}.html"

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """Return the text's paragraphs, each with its line breaks."""
        return tuple(part for part in self.text.split("\n\n") if part.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Names of one platform; ``sections`` maps the address of a board or column to its title."""

    name: str
    slogan: str
    sections: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Everything on both platforms at the start; ``gone`` are old threads as number and way of being gone."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """An entry of a data file together with what its file says about all of its entries."""

    key: str
    kind: str
    fields: Mapping[str, Any]
    ring: str | None = None


def load_corpus(*, seed: int = SEED, start: datetime = START) -> Corpus:
    """Return both platforms as they stand at ``start``, an aware datetime; raises ContentError on bad data."""
    drafts = list(_drafts())
    rng = random.Random(seed)
    rng.shuffle(drafts)
    people = _read("people")
    names = _endless(people["nicknames"], rng)
    articles: list[Article] = []
    numbers = {FORUM: 20100, FEED: 3100}
    moments = sorted(start - timedelta(minutes=rng.randint(180, OLDEST_DAYS * 1440)) for _ in drafts)
    for draft, moment in zip(drafts, moments, strict=True):
        site = draft.fields.get("site", FORUM)
        numbers[site] += rng.randint(1, 9)
        article = _article(draft, number=numbers[site], moment=moment, name=next(names))
        articles.append(_with_comments(article, draft, people, start))
    site_names = _read("site")
    gone = {numbers[FORUM] - 31 * step: way for step, way in enumerate(site_names["gone_threads"], 1)}
    taken = {article.number for article in articles if article.site == FORUM}
    gone = {_free(number, taken): way for number, way in gone.items()}
    articles = _known_authors(articles, people["bios"])
    return Corpus(
        seed=seed,
        start=start,
        platforms=MappingProxyType(_platforms(site_names)),
        articles=tuple(reversed(articles)),
        gone=MappingProxyType(gone),
    )


def expand(template: str, key: str, *, contact: str) -> str:
    """Return one copy of a ring's template: choices of wording, the contact, five random hanzi for {tail}."""
    rng = random.Random(f"{key}/{contact}")

    def fill(match: re.Match[str]) -> str:
        slot = match.group(1)
        if slot == "contact":
            return contact
        if slot == "tail":
            return "".join(chr(rng.randint(0x4E00, 0x8FFF)) for _ in range(5))
        choice: str = rng.choice(slot.split("|"))
        return choice

    return SLOT.sub(fill, template)


def _platforms(names: Mapping[str, Any]) -> dict[str, Platform]:
    forum, feed = names["forum"], names["feed"]
    return {
        FORUM: Platform(name=forum["name"], slogan=forum["slogan"], sections=forum["boards"]),
        FEED: Platform(name=feed["name"], slogan=feed["slogan"], sections=feed["columns"]),
    }


@cache
def _read(file: str) -> Mapping[str, Any]:
    loaded = yaml.safe_load((CONTENT / f"{file}.yml").read_text(encoding="utf-8"))
    if not isinstance(loaded, dict):
        raise ContentError(file, "a mapping is expected")
    return MappingProxyType(loaded)


def _drafts() -> Iterator[_Draft]:
    for file in TEXT_FILES:
        data = _read(file)
        for index, fields in enumerate(data["articles"]):
            _check(file, fields, ARTICLE_KEYS)
            merged = {"board": data.get("board", "life"), **fields}
            yield _Draft(key=fields.get("id", f"{file}-{index}"), kind=data["class"], fields=merged)
    for ring in _read("rings")["rings"]:
        for fields in ring["articles"]:
            _check("rings", fields, ARTICLE_KEYS)
            text = fields.get("text") or expand(ring["template"], fields["id"], contact=str(fields["contact"]))
            merged = {**fields, "text": text}
            yield _Draft(key=fields["id"], kind="solicitation", fields=merged, ring=ring["id"])


def _check(file: str, fields: Mapping[str, Any], allowed: frozenset[str]) -> None:
    unknown = set(fields) - allowed
    if unknown:
        raise ContentError(file, f"unknown keys {sorted(unknown)} in {fields.get('title', fields)!r}")


def _article(draft: _Draft, *, number: int, moment: datetime, name: str) -> Article:
    fields = draft.fields
    site = fields.get("site", FORUM)
    offer_in = fields.get("offer_in", "text") if "category" in fields else ""
    return Article(
        key=draft.key,
        site=site,
        section=fields["column"] if site == FEED else fields["board"],
        number=number,
        title=str(fields["title"]),
        text=fields["text"].strip(),
        author=_author(site, fields.get("by", name), fields.get("bio", "")),
        published_at=moment.replace(second=0, microsecond=0),
        kind=draft.kind,
        sub=fields.get("sub", ""),
        category=fields.get("category"),
        offer_in=offer_in,
        ring=draft.ring,
        how=tuple(fields.get("how", ())),
    )


def _with_comments(article: Article, draft: _Draft, people: Mapping[str, Any], start: datetime) -> Article:
    """Return the article with its own comments, in their order, and a little small talk between them."""
    if article.site == FEED:
        return article
    rng = random.Random(f"comments/{article.key}")
    entries: list[Mapping[str, Any]] = [_comment_fields(entry) for entry in draft.fields.get("comments", ())]
    small_talk = SMALL_TALK.get(article.kind, "remarks")
    for text in rng.sample(people[small_talk], rng.choice((0, 0, 1, 1, 2, 3))):
        entries.insert(rng.randint(0, len(entries)), {"by": rng.choice(people["nicknames"]), "text": text})
    latest = (start - article.published_at).total_seconds() - 3600
    moments = sorted(article.published_at + timedelta(seconds=rng.uniform(60, latest)) for _ in entries)
    comments = tuple(
        Comment(
            element_id=f"reply-{article.number}-{index}",
            author=_author(article.site, entry["by"], ""),
            text=entry["text"],
            published_at=moment.replace(second=0, microsecond=0),
            category=entry.get("category"),
            how=tuple(entry.get("how", ())),
        )
        for index, (entry, moment) in enumerate(zip(entries, moments, strict=True), 1)
    )
    return replace(article, comments=comments)


def _comment_fields(entry: str | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(entry, str):
        name, _, text = entry.partition("｜")
        return {"by": name, "text": text}
    _check("comments", entry, COMMENT_KEYS)
    return entry


def _author(site: str, name: str, bio: str) -> Author:
    number = 10_000 + int.from_bytes(sha256(f"{site}/{name}".encode()).digest()[:4], "big") % 9_990_000
    return Author(site=site, name=name, bio=bio, number=number)


def _known_authors(articles: list[Article], bios: list[str]) -> list[Article]:
    """Give one author the same signature everywhere; about half of those without one get a harmless one."""
    signatures: dict[tuple[str, str], str] = {}
    for article in articles:
        if article.author.bio:
            signatures[article.site, article.author.name] = article.author.bio

    def settled(author: Author) -> Author:
        rng = random.Random(f"bio/{author.site}/{author.name}")
        harmless = rng.choice(bios) if rng.choice((True, False)) else ""
        return replace(author, bio=signatures.get((author.site, author.name), harmless))

    def settle(article: Article) -> Article:
        comments = tuple(replace(comment, author=settled(comment.author)) for comment in article.comments)
        return replace(article, author=settled(article.author), comments=comments)

    return [settle(article) for article in articles]


def _endless(names: list[str], rng: random.Random) -> Iterator[str]:
    while True:
        yield from rng.sample(names, len(names))


def _free(number: int, taken: set[int]) -> int:
    while number in taken:
        number += 1
    taken.add(number)
    return number
