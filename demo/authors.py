"""Making the authors of the demo platforms: the same name on one platform is the same person."""

from __future__ import annotations

import random
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from demo.records import Author

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.records import Article


def make_author(site: str, name: str, bio: str) -> Author:
    """Return somebody by name; the number follows from platform and name."""
    number = 10_000 + int.from_bytes(sha256(f"{site}/{name}".encode()).digest()[:4], "big") % 9_990_000
    return Author(site=site, name=name, bio=bio, number=number)


def known_authors(articles: list[Article], bios: list[str]) -> list[Article]:
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


def endless(names: list[str], rng: random.Random) -> Iterator[str]:
    """Yield the names again and again, each time shuffled anew."""
    while True:
        yield from rng.sample(names, len(names))
