"""Exports of MediaCrawler: contents and comments, as JSON, JSON lines or CSV.

Its column names are facts of its code (November 2026): Xiaohongshu's contents have note_id, type, title, desc,
time, user_id, nickname, liked_count, comment_count, share_count, ip_location, image_list, note_url; comments have
comment_id, note_id, content, user_id, nickname, parent_comment_id, create_time. Other platforms name the id and the
text otherwise. Since July 2026 user ids are hashed and nicknames masked: such a post has no reportable account.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from storage.errors import InputError
from storage.post_lines import LineProblem, PostLine, parse_count, parse_time
from storage.records import AccountFacts, CommentFacts
from storage.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.importers.tables import Row
    from storage.records import Json

CONTENT_IDS = ("note_id", "aweme_id", "video_id", "content_id")
"""Names of a content's own id, by platform."""

_KNOWN = frozenset({*CONTENT_IDS, "comment_id"})
_TEXTS = ("desc", "content", "content_text")
_TIMES = ("time", "create_time", "created_time", "publish_time")
_URLS = ("note_url", "aweme_url", "video_url", "content_url")
_COUNTS = {
    "likes": ("liked_count", "like_count", "voteup_count"),
    "comments": ("comment_count", "comments_count"),
    "shares": ("share_count", "shared_count"),
    "views": ("video_play_count", "viewd_count", "view_count"),
}
_KINDS = {"normal": "note", "video": "video", "answer": "answer", "article": "article", "zvideo": "video"}
_TOKENS = re.compile(r"[?&#](xsec_|token|share_).*", re.DOTALL)
_MILLISECONDS = 10**11
_PIECE_CHARS = 1 << 20
_MAX_ENTRY_CHARS = 32 << 20
_HASHED = re.compile(r"[0-9a-f]{16}")

Entry = tuple[int, "Json | None"]
"""Line or entry number from 1, and the record; None where it is none."""


def entries_of_json(stream: Iterator[tuple[int, bytes]]) -> Iterator[Entry]:
    """Yield the records of JSON lines."""
    for number, raw in stream:
        if raw.strip():
            yield number, _record(raw.decode("utf-8", "replace"))


def entries_of_array(text: TextIO) -> Iterator[Entry]:
    """Yield the records of a JSON array, reading it piece by piece.

    Raises:
        InputError: it is no array, or its records stop making sense (``corrupt_file``).
    """
    decoder = json.JSONDecoder()
    buffer, number = text.read(_PIECE_CHARS), 0
    at = _after_bracket(buffer)
    while True:
        at = _skip(buffer, at)
        if buffer[at : at + 1] == "]":
            return
        value, end = _decode(decoder, buffer, at)
        if end is not None:
            number, at = number + 1, end
            yield number, value if isinstance(value, dict) else None
            continue
        piece = text.read(_PIECE_CHARS)
        if not piece or len(buffer) - at > _MAX_ENTRY_CHARS:
            raise InputError("corrupt_file", f"no JSON array after entry {number}", line=number + 1)
        buffer, at = buffer[at:] + piece, 0


def _decode(decoder: json.JSONDecoder, buffer: str, at: int) -> tuple[object, int | None]:
    try:
        return decoder.raw_decode(buffer, at)
    except (ValueError, RecursionError):
        return None, None  # it goes on in the next piece, or is none


def _after_bracket(buffer: str) -> int:
    start = len(buffer) - len(buffer.lstrip("\ufeff \t\r\n"))
    if buffer[start : start + 1] != "[":
        raise InputError("corrupt_file", "not a JSON array")
    return start + 1


def _skip(buffer: str, at: int) -> int:
    while at < len(buffer) and buffer[at] in " \t\r\n,":
        at += 1
    return at


def entries_of_table(rows: Iterator[Row]) -> Iterator[Entry]:
    """Yield the rows of a CSV as records."""
    header = next(rows, (0, []))[1]
    for number, cells in rows:
        yield number, dict(zip((cell.strip() for cell in header), cells, strict=False))


def _record(text: str) -> Json | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def check_columns(record: Json, file: str) -> None:
    """Refuse what is no export of MediaCrawler: none of its ids is there (``unknown_column``)."""
    if not _KNOWN & set(record):
        shown = ", ".join(str(key)[:30] for key in list(record)[:8])
        raise InputError("unknown_column", f"none of {', '.join(sorted(_KNOWN))} among: {shown}", file=file)


def is_comment(record: Json) -> bool:
    """Tell whether a record is one of a comment file."""
    return bool(record.get("comment_id"))


def content_line(record: Json, *, line_no: int) -> PostLine | LineProblem:
    """Return a content record as a post line."""
    own = next((text for name in CONTENT_IDS if (text := _text(record, name))), "")
    title, body = _text(record, "title"), next((t for name in _TEXTS if (t := _text(record, name))), "")
    name = _text(record, "nickname", "user_nickname")
    if not own or not (title or body or name):
        message = "no id" if not own else "no title, text or nickname"
        return LineProblem(code="bad_field", line=line_no, message=message, id=own or None)
    counts = {key: parse_count(_text(record, *names) or None) for key, names in _COUNTS.items()}
    return PostLine(
        id=own,
        platform=None,
        kind=_KINDS.get(_text(record, "type", "content_type")),
        url=next((url for name_ in _URLS if (url := _without_token(_text(record, name_)))), None),
        title="" if title == body else title,
        text=body,
        author=_author(record, name),
        images=tuple(url.strip() for url in _text(record, "image_list").split(",") if url.strip()),
        metrics={key: count for key, count in counts.items() if count is not None},
        ip_region=_text(record, "ip_location") or None,
        published_at=_moment(_text(record, *_TIMES)),
    )


def comment_facts(record: Json, *, line_no: int) -> tuple[str, CommentFacts] | LineProblem:
    """Return the id of the content a comment stands under, and the comment."""
    own, text = _text(record, "comment_id"), _text(record, "content")
    content = next((found for name in CONTENT_IDS if (found := _text(record, name))), "")
    if not content or not text:
        message = "no content id" if not content else "no content"
        return LineProblem(code="bad_field", line=line_no, message=message, id=own)
    above = _text(record, "parent_comment_id")
    return content, CommentFacts(
        native_id=own,
        author=_author(record, _text(record, "nickname", "user_nickname")),
        text=text,
        parent=above if above not in {"", "0"} else None,
        published_at=_moment(_text(record, *_TIMES)),
    )


def _author(record: Json, name: str) -> AccountFacts:
    own = _text(record, "user_id", "sec_uid")
    hidden = "***" in name or bool(_HASHED.fullmatch(own))
    return AccountFacts(native_id=None if hidden else own or None, name=name, bio=_text(record, "user_signature"))


def _text(record: Json, *names: str) -> str:
    for name in names:
        value = record.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, list):
            value = ",".join(str(one) for one in value)
        if isinstance(value, str) and value.strip():
            return clean_text(value).strip()
    return ""


def _without_token(url: str) -> str:
    return _TOKENS.sub("", url)


def _moment(text: str) -> datetime | None:
    count = parse_count(text)
    if not count:
        return parse_time(text) if text else None
    seconds = count / 1000 if count >= _MILLISECONDS else count
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
