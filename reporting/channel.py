"""Channels: where requests go, as data. One YAML file is one channel; a new file is all that a new one needs.

Packaged files are defaults. A workspace overlays them whole file by name; the origin and hash of the file in force
can be shown. An unknown key is an error that names file and field.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from reporting.columns import COLUMN_KEYS
from reporting.transports.spec import TransportSpec  # noqa: TC001 - pydantic reads the annotation
from storage.errors import NotFoundError, SettingsError
from storage.records import OutcomeKind, SubmissionState, TargetKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.records import Json

PACKAGED = Path(__file__).parent / "channels"
"""Folder of the channels that ship; templates stand in ``templates`` below it."""

REPLY_COLUMNS = ("item", "url", "result", "note")
"""Header of a reply file that every channel reads (contracts §1)."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_Words = Annotated[str, Field(min_length=1, max_length=500)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Title(_Part):
    """A shown name in both languages of the desk."""

    zh: _Words
    en: _Words


class ColumnSpec(_Part):
    """One column of the channel's sheets: an id of ``docs/schemas/clue.json`` and the header shown."""

    id: str
    header: _Words

    @field_validator("id")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in COLUMN_KEYS:
            raise ValueError(f"there is no column {value!r}; columns are {', '.join(COLUMN_KEYS)}")
        return value


class Limits(_Part):
    """What the channel accepts at most."""

    items_per_batch: int = Field(default=500, ge=1, le=20_000)
    excerpt_characters: int = Field(default=300, ge=20, le=5_000)


class ReplySpec(_Part):
    """How the channel answers: headers of its own columns, and its words.

    ``words`` map an outcome kind to the words that mean it; ``waiting`` words only acknowledge, ``need_more`` words
    ask for material. Both say nothing of the target.
    """

    columns: dict[Literal["item", "url", "result", "note"], _Words]
    words: dict[OutcomeKind, tuple[_Words, ...]]
    waiting: tuple[_Words, ...] = ()
    need_more: tuple[_Words, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> ReplySpec:
        if missing := [name for name in ("item", "result") if name not in self.columns]:
            raise ValueError(f"columns lack {', '.join(missing)}")
        words = [word for group in self.words.values() for word in group] + [*self.waiting, *self.need_more]
        if doubled := sorted({word for word in words if words.count(word) > 1}):
            raise ValueError(f"words with two meanings: {', '.join(doubled)}")
        return self


class Letter(_Part):
    """The covering letter: template file, addressee and subject."""

    template: str = Field(pattern=r"^[a-z0-9_]+\.docx$")
    recipient: _Words
    subject: _Words


class ChannelSpec(_Part):
    """What a channel file says."""

    title: Title
    version: str = Field(pattern=r"^[0-9]+(\.[0-9]+){0,2}$")
    platforms: Literal["all"] | tuple[str, ...]
    requires: tuple[str, ...] = ()
    columns: tuple[ColumnSpec, ...] = Field(min_length=1)
    contacts: Literal["none", "masked", "full"]
    rules: dict[str, _Words]
    measures: dict[TargetKind, _Words]
    limits: Limits = Limits()
    sla_days: int | None = Field(default=None, ge=1, le=365)
    """Days after sending within which an answer is expected; None = never overdue."""
    reply: ReplySpec
    letter: Letter
    transport: TransportSpec | None = None

    @model_validator(mode="after")
    def _consistent(self) -> ChannelSpec:
        keys = [column.id for column in self.columns]
        if len(set(keys)) != len(keys):
            raise ValueError("a column stands twice")
        if "item" not in keys:
            raise ValueError("the column item is needed, replies quote it")
        if "default" not in self.rules:
            raise ValueError("rules need a default")
        if unknown := [key for key in self.requires if key not in COLUMN_KEYS]:
            raise ValueError(f"requires unknown columns: {', '.join(unknown)}")
        if missing := [kind.value for kind in TargetKind if kind not in self.measures]:
            raise ValueError(f"measures lack {', '.join(missing)}")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a channel's word means: an outcome kind, and where the item stands then."""

    kind: OutcomeKind
    state: SubmissionState = SubmissionState.ANSWERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel in force: its name, its file's content, where the file lies, and its hash."""

    name: str
    spec: ChannelSpec
    origin: str
    sha256: str
    template: Path

    def takes(self, platform: str) -> bool:
        """Return whether requests about this platform may go through the channel."""
        return self.spec.platforms == "all" or platform in self.spec.platforms

    def answer(self, word: str) -> Answer | None:
        """Return what a word of a reply means: an outcome kind as such, or the channel's own word; else None."""
        reply = self.spec.reply
        for kind, words in reply.words.items():
            if word in words:
                return Answer(kind=kind)
        if word in reply.waiting:
            return Answer(kind=OutcomeKind.UNKNOWN, state=SubmissionState.ACKNOWLEDGED)
        if word in reply.need_more:
            return Answer(kind=OutcomeKind.UNKNOWN, state=SubmissionState.NEED_MORE)
        return Answer(kind=OutcomeKind(word)) if word in set(OutcomeKind) else None


def load_channels(folders: Sequence[Path] = ()) -> dict[str, Channel]:
    """Return the channels in force by name: the packaged ones and those of overlay folders, later ones winning.

    A letter template is looked for in ``templates`` beside an overlay folder first, then among the packaged ones.

    Raises:
        SettingsError: a file is broken (``bad_field``), has an unknown key, or names a template that is missing.
    """
    files = {path.stem: (path, "packaged") for path in sorted(PACKAGED.glob("*.yml"))}
    for folder in folders:
        files |= {path.stem: (path, str(path)) for path in sorted(folder.glob("*.yml"))}
    templates = [*(folder.parent / "templates" for folder in reversed(folders)), PACKAGED / "templates"]
    return {name: _load(path, origin, templates) for name, (path, origin) in sorted(files.items())}


def get_channel(channels: Mapping[str, Channel], name: str) -> Channel:
    """Return a channel by name; raise NotFoundError (``unknown_channel``) when there is none."""
    try:
        return channels[name]
    except KeyError:
        raise NotFoundError("channel", name, code="unknown_channel") from None


def channel_line(channel: Channel) -> Json:
    """Return the ``channels list`` line of the contracts, with the origin and hash of the file in force.

    A channel with a transport has ``transport: {kind, dry_run}`` too.
    """
    platforms, transport = channel.spec.platforms, channel.spec.transport
    line: Json = {
        "channel": channel.name,
        "title": channel.spec.title.zh,
        "platforms": platforms if platforms == "all" else list(platforms),
        "version": channel.spec.version,
        "origin": channel.origin,
        "sha256": channel.sha256,
    }
    if transport is not None:
        line["transport"] = {"kind": transport.kind, "dry_run": transport.dry_run}
    return line


def _load(path: Path, origin: str, templates: Sequence[Path]) -> Channel:
    if not _NAME.fullmatch(path.stem):
        message = "a channel is named by its file: letters a-z, digits and _, at most 40"
        raise SettingsError("bad_field", message, file=str(path))
    raw = path.read_bytes()
    spec = _parse(raw, path)
    template = next((found for folder in templates if (found := folder / spec.letter.template).is_file()), None)
    if template is None:
        message = f"there is no template {spec.letter.template}"
        raise SettingsError("missing_file", message, file=str(path), field="letter.template")
    return Channel(
        name=path.stem, spec=spec, origin=origin, sha256=hashlib.sha256(raw).hexdigest(), template=template
    )


def _parse(raw: bytes, path: Path) -> ChannelSpec:
    try:
        value = yaml.safe_load(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise SettingsError("bad_encoding", "channels are written in UTF-8", file=str(path)) from None
    except yaml.YAMLError as error:
        raise SettingsError("bad_field", f"not YAML: {error}", file=str(path)) from None
    try:
        return ChannelSpec.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        code = "unknown_key" if first["type"] == "extra_forbidden" else "bad_field"
        field = ".".join(str(part) for part in first["loc"]) or None
        raise SettingsError(code, first["msg"], file=str(path), field=field) from None
