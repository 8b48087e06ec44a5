"""The words and bodies of notices: packaged files, each of which a workspace may overlay by name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import ZoneInfo

import yaml
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from reporting.needs import NeedKind
from storage.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from reporting.needs import Need

PACKAGED = Path(__file__).parent / "notice_templates"
WORDS_FILE = "notices.yml"
MAIL_FILE = "notice_mail.txt"

Language = Literal["zh", "en"]

LONGEST_MESSAGE_BYTES = 2000
"""WeCom takes 2,048 bytes of text (its page «群机器人配置说明», path/91770, seen 2026-11); the others take more."""

_LONGEST_VALUE = 120
_SHANGHAI = ZoneInfo("Asia/Shanghai")
_Words = Annotated[str, Field(min_length=1, max_length=500)]


class KindWords(BaseModel):
    """The words for one kind: what it is, what is known, what to do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: _Words
    text: _Words
    todo: _Words


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeTexts:
    """The files in force: words by language and kind, and the sources of the bodies by file name."""

    words: Mapping[Language, Mapping[NeedKind, KindWords]]
    folders: Sequence[Path]

    def source(self, name: str) -> tuple[str, Path]:
        """Return the text of a body's template and where it lies; a later folder wins."""
        path = _in_force(name, self.folders)
        try:
            return path.read_text("utf-8"), path
        except UnicodeDecodeError:
            raise SettingsError("bad_encoding", "templates are written in UTF-8", file=str(path)) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One notice in words; ``link`` is empty where the desk has no public address."""

    cause: str
    kind: str
    number: int
    title: str
    text: str
    todo: str
    link: str
    at: datetime

    @property
    def whole(self) -> str:
        """The notice as one short text for a chat, cut to what every service takes."""
        lines = [f"【清源】{self.title}", self.text, self.todo, self.link]
        raw = "\n".join(line for line in lines if line).encode()
        return raw[:LONGEST_MESSAGE_BYTES].decode(errors="ignore")

    def values(self) -> dict[str, Any]:
        """Return what a body's template may use."""
        return {
            "cause": self.cause,
            "kind": self.kind,
            "number": self.number,
            "title": self.title,
            "text": self.text,
            "todo": self.todo,
            "link": self.link,
            "at": self.at.astimezone(_SHANGHAI).isoformat(timespec="seconds"),
            "message": self.whole,
        }


def load_texts(overlays: Path | None = None) -> NoticeTexts:
    """Return the words and templates in force.

    Raises:
        SettingsError: the words are broken, lack a kind, or hold a key that nobody reads.
    """
    folders = [PACKAGED, *([overlays] if overlays else [])]
    path = _in_force(WORDS_FILE, folders)
    try:
        value = yaml.safe_load(path.read_text("utf-8"))
        words = TypeAdapter(dict[Language, dict[NeedKind, KindWords]]).validate_python(value)
    except UnicodeDecodeError:
        raise SettingsError("bad_encoding", "words are written in UTF-8", file=str(path)) from None
    except yaml.YAMLError as error:
        raise SettingsError("bad_field", f"not YAML: {error}", file=str(path)) from None
    except ValidationError as error:
        first = error.errors()[0]
        code = "unknown_key" if first["type"] == "extra_forbidden" else "bad_field"
        field = ".".join(str(part) for part in first["loc"]) or None
        raise SettingsError(code, first["msg"], file=str(path), field=field) from None
    for language in ("zh", "en"):
        if missing := [kind.value for kind in NeedKind if kind not in words.get(language, {})]:
            raise SettingsError("bad_field", f"{language} lacks {', '.join(missing)}", file=str(path))
    return NoticeTexts(words=words, folders=folders)


def make_message(
    texts: NoticeTexts, need: Need, *, language: Language, number: int, public_url: str, at: datetime
) -> Message:
    """Return a need in words; values are cut to one line each, so that nothing can pose as another line."""
    values = {name: _on_one_line(value) for name, value in need.values.items()}
    words = texts.words[language][need.kind]
    where = str(_in_force(WORDS_FILE, texts.folders))
    title, text, todo = (_render(part, values, where) for part in (words.title, words.text, words.todo))
    if number > 1:
        title = f"{title}（第 {number} 次提醒）" if language == "zh" else f"{title} (reminder {number})"
    link = public_url.rstrip("/") + need.page if public_url else ""
    return Message(
        cause=need.cause, kind=need.kind, number=number, title=title, text=text, todo=todo, link=link, at=at
    )


def mail_of(
    texts: NoticeTexts, message: Message, *, sender: str, to: Sequence[str], message_id: str
) -> EmailMessage:
    """Return a notice as a mail; it says that a machine wrote it (RFC 3834), so that no absence note answers."""
    source, path = texts.source(MAIL_FILE)
    mail = EmailMessage()
    mail["From"] = Address(display_name="Qingyuan 清源", addr_spec=sender)
    mail["To"] = ", ".join(to)
    mail["Subject"] = f"[清源] {message.title}"
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_render(source, message.values(), str(path)))
    return mail


def json_body(texts: NoticeTexts, message: Message, *, name: str, timestamp: str = "", sign: str = "") -> bytes:
    """Return a notice as the JSON that a chat service takes, made by the template ``notice_<name>.json``.

    Raises:
        SettingsError: the template is broken, or what it makes is no JSON object.
    """
    source, path = texts.source(f"notice_{name}.json")
    made = _render(source, {**message.values(), "timestamp": timestamp, "sign": sign}, str(path))
    try:
        value = json.loads(made)
    except ValueError as error:
        raise SettingsError("bad_field", f"the template makes no JSON: {error}", file=str(path)) from None
    if not isinstance(value, dict):
        raise SettingsError("bad_field", "the template makes no JSON object", file=str(path))
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _in_force(name: str, folders: Sequence[Path]) -> Path:
    return next((path for folder in reversed(folders) if (path := folder / name).is_file()), PACKAGED / name)


def _render(source: str, values: Mapping[str, object], where: str) -> str:
    # Plain text and JSON, where the templates quote by tojson: escaping for HTML would be wrong here.
    environment = SandboxedEnvironment(autoescape=False, undefined=StrictUndefined, trim_blocks=True)
    try:
        return environment.from_string(source).render(values)
    except TemplateError as error:
        raise SettingsError("bad_field", f"not a template: {error}", file=where) from None


def _on_one_line(value: str | int) -> str | int:
    if isinstance(value, int):
        return value
    plain = " ".join("".join(char if char.isprintable() else " " for char in value).split())
    return plain if len(plain) <= _LONGEST_VALUE else plain[: _LONGEST_VALUE - 1] + "…"
