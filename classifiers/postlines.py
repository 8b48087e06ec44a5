"""Post lines of labelled sets as records: the keys of CONTRACTS §2, of which screening reads the texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifiers.records import CommentText, PostText

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_post_line(row: Mapping[str, object]) -> PostText:
    """Return the texts of one post line; keys that hold no text are ignored, null means absent."""
    author = _mapping(row.get("author"))
    comments = row.get("comments")
    return PostText(
        id=_text(row.get("id")),
        platform=_text(row.get("platform")),
        kind=_text(row.get("kind")),
        title=_text(row.get("title")),
        text=_text(row.get("text")),
        author_name=_text(author.get("name")),
        author_bio=_text(author.get("bio")),
        verified=author.get("verified") is True,
        verified_as=_text(author.get("verified_as")),
        parent=_text(row.get("parent")),
        comments=tuple(_read_comment(entry) for entry in comments) if isinstance(comments, list) else (),
    )


def _read_comment(value: object) -> CommentText:
    comment = _mapping(value)
    author = comment.get("author")
    if isinstance(author, str):
        return CommentText(text=_text(comment.get("text")), author_name=author)
    held = _mapping(author)
    return CommentText(
        text=_text(comment.get("text")), author_name=_text(held.get("name")), author_bio=_text(held.get("bio"))
    )


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
