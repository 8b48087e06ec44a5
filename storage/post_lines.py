"""Reading post lines: the one JSON-lines format that ``import`` and ``screen`` take (contracts §2).

Standard library only. A line is judged by itself: a faulty one becomes a :class:`LineProblem`, the rest is read on.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn
from zoneinfo import ZoneInfo

from storage.records import AccountFacts
from storage.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

MAX_LINE_BYTES = 8 << 20
"""A longer line is refused unread."""

LINE_KEYS = frozenset(
    {
        "author",
        "comments",
        "id",
        "images",
        "ip_region",
        "kind",
        "metrics",
        "parent",
        "platform",
        "published_at",
        "text",
        "title",
        "url",
    }
)
"""The keys a line may have; others are ignored with one warning per key."""

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_COUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)([万亿wWkK]?)\+?")
_UNITS = {"": 1, "k": 10**3, "w": 10**4, "万": 10**4, "亿": 10**8}
_MAX_ID_CHARS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class LineComment:
    """One comment of a line; its index in the line is its place in ``comments[i]``."""

    native_id: str | None
    author: AccountFacts
    text: str
    parent: str | None = None
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostLine:
    """One readable line; texts are cleaned, absent ones are empty."""

    id: str
    platform: str | None
    kind: str | None
    url: str | None
    title: str
    text: str
    author: AccountFacts
    parent: str | None = None
    comments: tuple[LineComment, ...] = ()
    images: tuple[str, ...] = ()
    metrics: dict[str, int] = field(default_factory=dict)
    ip_region: str | None = None
    published_at: datetime | None = None
    unknown_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProblem:
    """Why a line is refused; ``id`` where the line still shows one."""

    code: str
    line: int
    message: str
    field: str | None = None
    id: str | None = None


class _FaultError(Exception):
    """A fault inside one line."""

    def __init__(self, code: str, message: str, *, place: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.place = place


def parse_post_line(raw: bytes | str, line_no: int) -> PostLine | LineProblem:
    """Return the line read, or why it is refused; never raises for what the line holds."""
    record: dict[str, Any] = {}
    try:
        record = _load(raw)
        return _post_line(record)
    except _FaultError as fault:
        shown = record.get("id")
        return LineProblem(
            code=fault.code,
            line=line_no,
            message=str(fault),
            field=fault.place,
            id=clean_text(shown)[:_MAX_ID_CHARS] if isinstance(shown, str) and shown.strip() else None,
        )


def iter_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield ``(line number from 1, bytes without line end)``; only a line feed ends a line.

    A BOM at the start is dropped. Memory stays flat: of a line above ``MAX_LINE_BYTES`` only that much and one byte
    is handed on, which :func:`parse_post_line` then refuses.
    """
    number = 0
    while True:
        raw = stream.readline(MAX_LINE_BYTES + 1)
        if not raw:
            return
        number += 1
        if len(raw) > MAX_LINE_BYTES and not raw.endswith(b"\n"):
            _skip_line(stream)
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
            if not raw:
                return
        yield number, raw.rstrip(b"\r\n") if len(raw) <= MAX_LINE_BYTES or raw.endswith(b"\n") else raw


def parse_count(value: object) -> int | None:
    """Return a count as platforms write it ("9.7万" = 97000, "100万+" = 1000000), None where it is no count."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value >= 0 else None
    if isinstance(value, float):
        return int(value) if value >= 0 and value.is_integer() else None
    found = _COUNT.fullmatch(value.strip().replace(",", "")) if isinstance(value, str) else None
    if not found or len(found[1]) > 18:  # noqa: PLR2004 - more digits than any count has
        return None
    return (
        round(float(found[1]) * _UNITS[found[2].lower()])
        if "." in found[1]
        else int(found[1]) * _UNITS[found[2].lower()]
    )


def parse_time(text: str) -> datetime | None:
    """Return an ISO 8601 time as aware UTC, Asia/Shanghai where it names no offset; None when it is none."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=_SHANGHAI)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _skip_line(stream: BinaryIO) -> None:
    while rest := stream.readline(MAX_LINE_BYTES):
        if rest.endswith(b"\n"):
            return


def _load(raw: bytes | str) -> dict[str, Any]:
    if len(raw) > MAX_LINE_BYTES:
        raise _FaultError("bad_line", f"the line is longer than {MAX_LINE_BYTES} bytes")
    if not raw.strip():
        raise _FaultError("bad_line", "the line is blank")
    try:
        record = json.loads(raw if isinstance(raw, str) else raw.decode(), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise _FaultError("bad_line", f"byte {error.start} is not UTF-8") from None
    except RecursionError:
        raise _FaultError("bad_line", "the line is nested too deeply") from None
    except ValueError as error:
        raise _FaultError("bad_line", f"not a JSON object: {error}"[:200]) from None
    if not isinstance(record, dict):
        raise _FaultError("bad_line", "the line is not a JSON object")
    return record


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _post_line(record: dict[str, Any]) -> PostLine:
    line = PostLine(
        id=_id(record.get("id"), "id", required=True) or "",
        platform=_text(record, "platform") or None,
        kind=_text(record, "kind") or None,
        url=_text(record, "url").strip() or None,
        title=_text(record, "title"),
        text=_text(record, "text"),
        author=_author(record.get("author"), "author"),
        parent=_text(record, "parent") or None,
        comments=tuple(_comment(entry, f"comments[{i}]") for i, entry in enumerate(_list(record, "comments"))),
        images=tuple(_image(entry, f"images[{i}]") for i, entry in enumerate(_list(record, "images"))),
        metrics=_metrics(record.get("metrics")),
        ip_region=_text(record, "ip_region") or None,
        published_at=_time(record.get("published_at"), "published_at"),
        unknown_keys=tuple(clean_text(key) for key in record if key not in LINE_KEYS),
    )
    shown = [line.title, line.text, line.author.name, line.author.bio, *(c.text for c in line.comments)]
    if not any(text.strip() for text in shown):
        raise _FaultError("bad_field", "no title, text, author name or bio, or comment has any text", place="text")
    return line


def _id(value: object, place: str, *, required: bool = False) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None and not required:
        return None
    if not isinstance(value, str) or (required and not value.strip()):
        raise _FaultError("bad_field", f"{place} must be a non-empty text", place=place)
    cleaned = clean_text(value).strip()
    if len(cleaned) > _MAX_ID_CHARS:
        raise _FaultError("bad_field", f"{place} is longer than {_MAX_ID_CHARS} characters", place=place)
    return cleaned or None


def _text(record: dict[str, Any], key: str, place: str | None = None) -> str:
    value = record.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _FaultError("bad_field", f"{place or key} must be a text", place=place or key)
    return clean_text(value)


def _list(record: dict[str, Any], key: str) -> list[Any]:
    value = record.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _FaultError("bad_field", f"{key} must be a list", place=key)
    return value


def _author(value: object, place: str) -> AccountFacts:
    if value is None:
        return AccountFacts()
    if not isinstance(value, dict):
        raise _FaultError("bad_field", f"{place} must be an object", place=place)
    verified = value.get("verified")
    if verified is not None and not isinstance(verified, bool):
        raise _FaultError("bad_field", f"{place}.verified must be true or false", place=f"{place}.verified")
    return AccountFacts(
        native_id=_id(value.get("id"), f"{place}.id"),
        handle=_id(value.get("handle"), f"{place}.handle"),
        name=_text(value, "name", f"{place}.name"),
        bio=_text(value, "bio", f"{place}.bio"),
        verified=verified,
        verified_as=_text(value, "verified_as", f"{place}.verified_as") or None,
        followers=_count(value.get("followers"), f"{place}.followers"),
    )


def _comment(entry: object, place: str) -> LineComment:
    if not isinstance(entry, dict):
        raise _FaultError("bad_field", f"{place} must be an object", place=place)
    author = entry.get("author")
    named = AccountFacts(name=clean_text(author)) if isinstance(author, str) else _author(author, f"{place}.author")
    return LineComment(
        native_id=_id(entry.get("id"), f"{place}.id"),
        author=named,
        text=_text(entry, "text", f"{place}.text"),
        parent=_id(entry.get("parent"), f"{place}.parent"),
        published_at=_time(entry.get("published_at"), f"{place}.published_at"),
    )


def _image(entry: object, place: str) -> str:
    if not isinstance(entry, str):
        raise _FaultError("bad_field", f"{place} must be a path", place=place)
    return clean_text(entry)


def _metrics(value: object) -> dict[str, int]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _FaultError("bad_field", "metrics must be an object", place="metrics")
    counted = {
        name: _count(value.get(name), f"metrics.{name}") for name in ("likes", "comments", "shares", "views")
    }
    return {name: count for name, count in counted.items() if count is not None}


def _count(value: object, place: str) -> int | None:
    count = parse_count(value)
    if value is not None and count is None:
        raise _FaultError("bad_field", f"{place} is not a count", place=place)
    return count


def _time(value: object, place: str) -> datetime | None:
    if value is None:
        return None
    moment = parse_time(value) if isinstance(value, str) else None
    if moment is None:
        raise _FaultError("bad_field", f"{place} is not an ISO 8601 time", place=place)
    return moment
