"""What was planted on the demo platforms: the answer key, known to the demo and to nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from demo.corpus import load_corpus
from demo.records import FEED, FORUM, NOTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from demo.records import Article, Corpus

PLATFORMS = {FORUM: "web", FEED: "feed", NOTES: "xiaohongshu"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One planted solicitation: where it stands, its category, its ring, and how it is hidden.

    ``address`` is the path within the platform, for a comment with ``#`` and the element's id; ``kind`` is
    post, comment or account. ``counted`` is false for accounts of ``web`` and ``feed``: an offer that stands in the
    nickname or signature alone makes no clue there, where an account is no more than a host and a displayed name.
    """

    key: str
    site: str
    address: str
    kind: str
    category: str
    ring: str | None
    how: tuple[str, ...]
    text: str
    counted: bool = True


def load_truth(corpus: Corpus | None = None) -> list[Planted]:
    """Return every planted solicitation, counted or not, oldest post first."""
    found = corpus or load_corpus()
    return [planted for article in reversed(found.articles) for planted in _planted(article)]


def truth_lines(
    forum_base: str, feed_base: str, *, corpus: Corpus | None = None
) -> list[dict[str, str | bool | None]]:
    """Return a line for every post and every planted comment, as ``demo.json`` names them.

    The bases are the addresses at which forum and feed platform are served; native ids are built on them as the
    crawler builds them: canonical page address, for a comment with ``#`` and the element's id. Notes, their
    comments and accounts have ids of their own.
    """
    found = corpus or load_corpus()
    bases = {FORUM: _base(forum_base), FEED: _base(feed_base)}
    lines: dict[str, dict[str, str | bool | None]] = {}
    for article in reversed(found.articles):
        entries = {planted.address: planted for planted in _planted(article) if planted.counted}
        own = entries.pop(article.path, None)
        post = _line(article.site, _native_id(bases, article.site, article.path), "post", own)
        others = [_line(it.site, _native_id(bases, it.site, it.address), it.kind, it) for it in entries.values()]
        lines |= {str(line["native_id"]): line for line in (post, *others)}
    return list(lines.values())


def _native_id(bases: Mapping[str, str], site: str, address: str) -> str:
    return address.replace("#", "/").rpartition("/")[2] if site == NOTES else bases[site] + address


def _line(site: str, native_id: str, kind: str, planted: Planted | None) -> dict[str, str | bool | None]:
    return {
        "platform": PLATFORMS[site],
        "native_id": native_id,
        "kind": kind,
        "planted": planted is not None,
        "category": planted.category if planted else None,
        "ring": planted.ring if planted else None,
    }


def _planted(article: Article) -> Iterator[Planted]:
    if article.category:
        own = article.planted
        yield Planted(
            key=article.key,
            site=article.site,
            address=article.path if own else article.author.path,
            kind="post" if own else "account",
            category=article.category,
            ring=article.ring,
            how=article.how,
            text=article.text if own else f"{article.author.name} {article.author.bio}".strip(),
            counted=own or article.site == NOTES,
        )
    for comment in article.comments:
        if comment.category:
            yield Planted(
                key=f"{article.key}/{comment.element_id}",
                site=article.site,
                address=f"{article.path}#{comment.element_id}",
                kind="comment",
                category=comment.category,
                ring=None,
                how=comment.how,
                text=comment.text,
            )


def _base(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}"
