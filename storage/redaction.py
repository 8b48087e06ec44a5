"""What may not stand in a log is taken out here: contacts, secrets, names and texts of people, parts of addresses.

Our own events are English and carry ids and numbers, so anything Chinese in a line is somebody's text. Fields are
judged by their name, strings by their content, errors by their type: the interpreter's own messages name types and
numbers, those of others may quote what was crawled and are left out.
"""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING, Any

from storage.errors import QingyuanError

if TYPE_CHECKING:
    from collections.abc import Iterator

HIDDEN, TEXT = "[hidden]", "[text]"

LONGEST_STRING = 500
"""Characters of one string that are kept."""

_LONGEST_LIST = 50
_DEEPEST = 6
_FRAMES = 12

_PERSONAL = (
    "text|title|body|bio|name|nickname|author|handle|comment|comments|content|caption|excerpt|description|"
    "contact|contacts|phone|mobile|wechat|weixin|qq|telegram|email|mail|address|html|raw|quote|note|person"
)
_GUARDED = (
    "password|passwd|pwd|secret|token|cookie|cookies|set_cookie|authorization|auth|session|sessionid|session_id|"
    "key|api_key|apikey|credential|credentials|csrf|sign|signature|web_session|a1|webid"
)
_HIDDEN_FIELD = re.compile(rf"(.*[_.-])?({_PERSONAL}|{_GUARDED})s?", re.IGNORECASE)
_OWN_FIELDS = frozenset({"event", "level", "logger", "timestamp", "file_name", "job_name"})

_HEADER = re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)\b[\"']?\s*[:=][^\r\n]*")
_NAMED_SECRET = re.compile(
    r"(?i)\b((?:[a-z0-9]+[_-])*(?:token|secret|passwo?r?d|passwd|pwd|api[_-]?key|key|session(?:[_-]?id)?|cookie|"
    r"credential|csrf|sign(?:ature)?|web_session|webid|a1))\b[\"']?\s*[:=]\s*[\"']?[^\s\"',;&})\]]+"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{6,}")
_USER_PART = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@\"'<>]*@")
_QUERY = re.compile(r"(?i)(\bhttps?://[^\s<>\"'?#]*|/[^\s<>\"'?#]*)[?#][^\s<>\"']*")
_MAIL = re.compile(r"[\w.+%-]+\s?[@\uff20]\s?[\w-]+(?:\.[\w-]+)+")
_LABELLED = re.compile(
    r"(?i)(?<![a-z])(wechat|weixin|vx|wx|v\s?x|qq|telegram|tg|tel|phone|mobile|whatsapp)\b\s*(?:id|no|number)?\.?"
    r"[\"']?\s*[:\uff1a=+\s]\s*[\"']?@?[a-z0-9_-]{4,}"
)
_MOBILE = re.compile(r"(?<![0-9a-fA-F])(?:\+?86[\s-]?)?1[3-9]\d(?:[\s.-]?\d){8}(?!\d)")
_LONG_NUMBER = re.compile(r"(?<![0-9A-Za-z_.-])\d{7,}(?![0-9A-Za-z_])")
_HAN = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff01-\uff5e\U0001f000-\U0003ffff]+")
_HAN_RUN = re.compile(r"[^\s]*\[text\][^\s]*(?:\s+[^\s]*\[text\][^\s]*)*")
_QUOTED = re.compile(r"'[^'\r\n]*'|\"[^\"\r\n]*\"")

_SAFE_ERRORS: tuple[type[BaseException], ...] = (
    OSError,
    ArithmeticError,
    AttributeError,
    ImportError,
    IndexError,
    MemoryError,
    NameError,
    RecursionError,
    TypeError,
    UnicodeError,
    sqlite3.Error,
    QingyuanError,
)
# Of psycopg only what says that the database cannot be reached.
_SAFE_KINDS = frozenset({"psycopg.OperationalError", "psycopg.errors.ConnectionTimeout"})
_SAFE_MODULES = ("playwright.", "twisted.", "smtplib", "ssl", "concurrent.", "asyncio")
_ERROR_LINE = re.compile(r"([A-Za-z_][\w.]*(?:Error|Exception|Warning|Interrupt|Exit))\b.*")


def redact_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of one log line without what may not stand there."""
    return {name: _field(name, value, depth=0) for name, value in fields.items()}


def redact_string(text: str) -> str:
    """Return a string without contacts, secrets, parts of addresses that open pages, and texts of people."""
    found = text[: 4 * LONGEST_STRING]
    found = _HEADER.sub(rf"\1: {HIDDEN}", found)
    found = _USER_PART.sub(rf"\1{HIDDEN}@", found)
    found = _QUERY.sub(r"\1?...", found)
    found = _NAMED_SECRET.sub(rf"\1={HIDDEN}", found)
    found = _BEARER.sub(rf"\1 {HIDDEN}", found)
    found = _MAIL.sub(HIDDEN, found)
    found = _LABELLED.sub(rf"\1 {HIDDEN}", found)
    found = _MOBILE.sub(HIDDEN, found)
    found = _LONG_NUMBER.sub(HIDDEN, found)
    # What hangs on to Chinese text belongs to it: an id right behind its label, a nickname of both scripts.
    found = _HAN_RUN.sub(TEXT, _HAN.sub(TEXT, found))
    return found if len(found) <= LONGEST_STRING else found[:LONGEST_STRING] + "..."


def describe_error(error: BaseException) -> dict[str, Any]:
    """Return an error as its kind, where it was raised, and its message where that cannot quote anybody.

    Causes are described too, up to three deep; source lines are left out.
    """
    described = {"kind": _kind(error), "message": _message(error), "where": list(_frames(error))[-_FRAMES:]}
    causes: list[str] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and len(causes) < 3:  # noqa: PLR2004 - what lies deeper says little
        causes.append(f"{_kind(cause)}: {_message(cause)}")
        cause = cause.__cause__ or cause.__context__
    return described | ({"causes": causes} if causes else {})


def redact_quoted(text: str) -> str:
    """Return a string without what stands in it between quotation marks: messages quote values so."""
    return redact_string(_QUOTED.sub("'...'", text))


def redact_stderr(line: str) -> str:
    """Return a line that a child process wrote to its standard error; of an error only its kind is kept."""
    found = _ERROR_LINE.match(line.strip())
    return found[1] if found else redact_quoted(line.rstrip())


def _field(name: str, value: object, *, depth: int) -> object:
    if name not in _OWN_FIELDS and _HIDDEN_FIELD.fullmatch(name) and not isinstance(value, (int, float, bool)):
        return HIDDEN if value else value
    return _value(value, depth=depth)


def _value(value: object, *, depth: int) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if depth >= _DEEPEST:
        return HIDDEN
    if isinstance(value, dict):
        shown = list(value.items())[:_LONGEST_LIST]
        return {redact_string(str(key)): _field(str(key), item, depth=depth + 1) for key, item in shown}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_value(item, depth=depth + 1) for item in list(value)[:_LONGEST_LIST]]
    if isinstance(value, BaseException):
        return describe_error(value)
    if isinstance(value, (bytes, bytearray)):
        return f"[{len(value)} bytes]"
    return redact_string(str(value))


def _kind(error: BaseException) -> str:
    module = type(error).__module__
    return type(error).__qualname__ if module == "builtins" else f"{module}.{type(error).__qualname__}"


def _message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return redact_string(error.strerror)
    if isinstance(error, _SAFE_ERRORS) or _kind(error) in _SAFE_KINDS or _kind(error).startswith(_SAFE_MODULES):
        first = str(error).partition("\n")[0]
        return redact_quoted(first)
    original = getattr(error, "orig", None)  # of SQLAlchemy: the driver's own error
    if isinstance(original, BaseException):
        return _message(original)
    state = getattr(error, "sqlstate", None)  # of PostgreSQL, whose messages quote rows
    return f"sqlstate {state}" if state else HIDDEN


def _frames(error: BaseException) -> Iterator[str]:
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        yield f"{_short(code.co_filename)}:{trace.tb_lineno} {code.co_name}"
        trace = trace.tb_next


def _short(path: str) -> str:
    """Return a file's place without the folders above packages: those name machines and people."""
    return "/".join(path.replace("\\", "/").split("/")[-3:])
