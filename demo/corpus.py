"""The content of the demo platforms: who wrote what, where and when.

The texts stand as data in ``demo/content``; this module checks them, fills in what the data leaves open
(nicknames, small talk, numbers, times) from a seed, and hands out immutable records. Nothing here knows
the product: the same seed and start give the same three platforms, word for word.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from demo.authors import endless, known_authors, make_author
from demo.drafts import article_drafts, comment_fields, read_content
from demo.note_corpus import load_notes
from demo.records import FEED, FORUM, NOTES, Article, Comment, Corpus, Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demo.drafts import Draft

SEED = 20261116
START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)  # Monday of 2026-W47, 09:00 in Shanghai
OLDEST_DAYS = 75
SMALL_TALK = {"solicitation": "echoes", "victim": "consolations"}


def load_corpus(*, seed: int = SEED, start: datetime = START) -> Corpus:
    """Return the platforms as they stand at ``start``, an aware datetime; raises ContentError on bad data."""
    drafts = list(article_drafts())
    rng = random.Random(seed)
    rng.shuffle(drafts)
    people = read_content("people")
    names = endless(people["nicknames"], rng)
    articles: list[Article] = []
    numbers = {FORUM: 20100, FEED: 3100}
    moments = sorted(start - timedelta(minutes=rng.randint(180, OLDEST_DAYS * 1440)) for _ in drafts)
    for draft, moment in zip(drafts, moments, strict=True):
        site = draft.fields.get("site", FORUM)
        numbers[site] += rng.randint(1, 9)
        article = _article(draft, number=numbers[site], moment=moment, name=next(names))
        articles.append(_with_comments(article, draft, people, start))
    site_names = read_content("site")
    gone = {numbers[FORUM] - 31 * step: way for step, way in enumerate(site_names["gone_threads"], 1)}
    taken = {article.number for article in articles if article.site == FORUM}
    gone = {_free(number, taken): way for number, way in gone.items()}
    articles = known_authors(articles, people["bios"])
    return Corpus(
        seed=seed,
        start=start,
        platforms=MappingProxyType(_platforms(site_names)),
        articles=(*reversed(articles), *reversed(load_notes(seed=seed, start=start))),
        gone=MappingProxyType(gone),
    )


def _platforms(names: Mapping[str, Any]) -> dict[str, Platform]:
    forum, feed, notes = names["forum"], names["feed"], names["notes"]
    return {
        FORUM: Platform(name=forum["name"], slogan=forum["slogan"], sections=forum["boards"]),
        FEED: Platform(name=feed["name"], slogan=feed["slogan"], sections=feed["columns"]),
        NOTES: Platform(
            name=notes["name"],
            slogan=notes["slogan"],
            sections=notes["columns"],
            words=MappingProxyType({column: tuple(words) for column, words in notes["words"].items()}),
        ),
    }


def _article(draft: Draft, *, number: int, moment: datetime, name: str) -> Article:
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
        author=make_author(site, fields.get("by", name), fields.get("bio", "")),
        published_at=moment.replace(second=0, microsecond=0),
        kind=draft.kind,
        sub=fields.get("sub", ""),
        category=fields.get("category"),
        offer_in=offer_in,
        ring=draft.ring,
        how=tuple(fields.get("how", ())),
    )


def _with_comments(article: Article, draft: Draft, people: Mapping[str, Any], start: datetime) -> Article:
    """Return the article with its own comments, in their order, and a little small talk between them."""
    if article.site == FEED:
        return article
    rng = random.Random(f"comments/{article.key}")
    entries: list[Mapping[str, Any]] = [comment_fields(entry) for entry in draft.fields.get("comments", ())]
    small_talk = SMALL_TALK.get(article.kind, "remarks")
    for text in rng.sample(people[small_talk], rng.choice((0, 0, 1, 1, 2, 3))):
        entries.insert(rng.randint(0, len(entries)), {"by": rng.choice(people["nicknames"]), "text": text})
    latest = (start - article.published_at).total_seconds() - 3600
    moments = sorted(article.published_at + timedelta(seconds=rng.uniform(60, latest)) for _ in entries)
    comments = tuple(
        Comment(
            element_id=f"reply-{article.number}-{index}",
            author=make_author(article.site, entry["by"], ""),
            text=entry["text"],
            published_at=moment.replace(second=0, microsecond=0),
            category=entry.get("category"),
            how=tuple(entry.get("how", ())),
        )
        for index, (entry, moment) in enumerate(zip(entries, moments, strict=True), 1)
    )
    return replace(article, comments=comments)


def _free(number: int, taken: set[int]) -> int:
    while number in taken:
        number += 1
    taken.add(number)
    return number
