"""`watch.yml`: which sources are read, how, and on what basis (contracts §4)."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Self
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.functional_validators import AfterValidator, BeforeValidator

from crawler.adapters import adapter_names, packaged_adapter
from crawler.addresses import Reach, reach_of
from crawler.urls import canonical_url, origin
from storage.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEEDS_ADDRESS = frozenset({"web", "feed", "discuz", "mastodon"})
"""Platforms that are no place of their own: a source of them says where to read."""

_CRON_FIELD = re.compile(r"[0-9A-Za-z*,/\-]+", re.ASCII)
_QUIET = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_MAX_PATTERN_CHARS = 500


class Access(StrEnum):
    """By which right a source is read (design §4.6)."""

    OPEN = "open"
    VISITOR = "visitor"
    OPERATOR = "operator"
    IMPORT = "import"


def _pattern(value: str) -> str:
    if len(value) > _MAX_PATTERN_CHARS:
        raise ValueError(f"longer than {_MAX_PATTERN_CHARS} characters")
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return value


def _cron(value: str) -> str:
    fields = value.split()
    if len(fields) != 5 or not all(_CRON_FIELD.fullmatch(field) for field in fields):  # noqa: PLR2004 - cron's five
        raise ValueError("not a cron line of five fields")
    return value


def _quiet(value: str) -> str:
    if not _QUIET.fullmatch(value):
        raise ValueError('not a span of hours such as "23:00-07:00"')
    return value


def _address(value: str) -> str:
    parts = urlsplit(value)
    if canonical_url(value) is None or parts.username or parts.password:
        raise ValueError("not an http or https address without a user name")
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Basis(_Section):
    """The authorisation to read a source: which paper, its number, who gave it, until when."""

    document: str = Field(default="", max_length=500)
    reference: str = Field(default="", max_length=500)
    granted_by: str = Field(default="", max_length=500)
    valid_until: date | None = None


class CommentSelectors(_Section):
    """CSS selectors of a page's comments; the last three are searched inside ``item``."""

    item: str = Field(min_length=1, max_length=300)
    author: str = Field(min_length=1, max_length=300)
    text: str = Field(min_length=1, max_length=300)
    published_at: str | None = Field(default=None, max_length=300)

    @model_validator(mode="after")
    def _compile(self) -> Self:
        from cssselect import HTMLTranslator, SelectorError  # noqa: PLC0415 - only where selectors are given

        for name, selector in self:
            try:
                HTMLTranslator().css_to_xpath(selector or "*")
            except SelectorError as error:
                raise ValueError(f"{name} is not a CSS selector: {error}") from None
        return self


class Budget(_Section):
    """How much and how fast a source is read."""

    pages_per_run: int = Field(default=500, ge=1, le=1_000_000)
    delay_seconds: float = Field(default=2, ge=0, le=3600)
    quiet_hours: Annotated[str, AfterValidator(_quiet)] | None = None


class SourceConfig(_Section):
    """One source of `watch.yml`, checked."""

    name: Name
    platform: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
    access: Access
    base_url: Annotated[str, AfterValidator(_address)] | None = None
    start: tuple[Annotated[str, Field(min_length=1, max_length=2000)], ...] = ()
    article: Pattern | None = None
    follow: Pattern | None = None
    comments: CommentSelectors | None = None
    queries: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    basis: Basis | None = None
    schedule: Annotated[str, AfterValidator(_cron)] | None = None
    budget: Budget = Budget()
    refresh_days: float = Field(default=7, gt=0, le=3650)
    private: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.access is not Access.IMPORT:
            self._check_address()
        if self.budget.delay_seconds < 1 and not self.private:
            raise ValueError("budget.delay_seconds below 1 needs private: true")
        if self.private and self.access is not Access.IMPORT and self._own_host() is None:
            raise ValueError("private: true needs one host: a base_url, or start addresses of one host")
        return self

    def _check_address(self) -> None:
        if self.platform not in adapter_names():
            raise ValueError(f"platform {self.platform!r} has no adapter; there are: {', '.join(adapter_names())}")
        adapter = packaged_adapter(self.platform)
        if self.access.value not in adapter.access:
            raise ValueError(f"access of {self.platform} is one of: {', '.join(adapter.access)}")
        if self.platform in NEEDS_ADDRESS and not self.base_url and not self.start:
            raise ValueError(f"a {self.platform} source needs base_url or start")
        if adapter.uses_browser:
            self._check_browser()
        for entry in self.start:
            if canonical_url(urljoin(self.base_url or "", entry)) is None:
                raise ValueError(f"start: {entry!r} is no address, and there is no base_url to complete it")

    def _check_browser(self) -> None:
        if not any(query.strip() for query in self.queries):
            raise ValueError(f"a {self.platform} source needs queries: what is to be searched for")
        if self.private and not self.base_url:
            raise ValueError(f"private: true of a {self.platform} source needs its base_url")
        if self.home.startswith("http://") and not self.private:
            raise ValueError("base_url must begin with https://, unless the source is private")

    @property
    def home(self) -> str:
        """Where the source is: its base_url, else its platform's own address; empty where it has neither."""
        if self.base_url or self.platform not in adapter_names():
            return self.base_url or ""
        return packaged_adapter(self.platform).home or ""

    @property
    def start_urls(self) -> tuple[str, ...]:
        """The addresses at which a run begins, complete and canonical; files handed over have none of their own."""
        home = self.base_url or "" if self.access is Access.IMPORT else self.home
        urls = [canonical_url(urljoin(home, entry)) for entry in self.start or (home,)]
        return tuple(dict.fromkeys(url for url in urls if url))

    @property
    def reach(self) -> Reach:
        """The hosts that belong to the source."""
        own = tuple(url for url in (self.base_url, *self.start_urls) if url)
        return reach_of(own, private_host=self._own_host() if self.private else None)

    def _own_host(self) -> str | None:
        """Return the host of base_url, or the one that all start addresses share; None where there are several."""
        hosts = {origin(url)[0] for url in ((self.base_url,) if self.base_url else self.start_urls)}
        return hosts.pop() if len(hosts) == 1 else None


def basis_problems(source: SourceConfig, *, today: date) -> tuple[str, ...]:
    """Return what is missing of the right to read a source now; empty when it may be read."""
    basis = source.basis
    if basis is not None and basis.valid_until is not None and basis.valid_until < today:
        return (f"its basis ended on {basis.valid_until.isoformat()}",)
    if source.access is not Access.OPERATOR:
        return ()
    given = basis.model_dump() if basis else dict.fromkeys(Basis.model_fields)
    return tuple(f"basis.{name} is missing" for name, value in given.items() if not value)


def in_quiet_hours(source: SourceConfig, now: datetime) -> bool:
    """Tell whether a source rests at this time (Asia/Shanghai); a span may run over midnight."""
    found = _QUIET.fullmatch(source.budget.quiet_hours or "")
    if not found:
        return False
    begin, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    at = now.astimezone(SHANGHAI).time()
    return begin <= at < end if begin <= end else at >= begin or at < end


def load_watch(path: Path) -> tuple[SourceConfig, ...]:
    """Read and check a `watch.yml`.

    Raises:
        SettingsError: the file is missing, is no YAML, has an unknown key or a wrong value; field and line named.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise SettingsError("missing_file", error.strerror or "cannot be read", file=str(path)) from None
    except UnicodeDecodeError:
        raise SettingsError("bad_encoding", "watch.yml is written in UTF-8", file=str(path)) from None
    return parse_watch(text, file=str(path))


def parse_watch(text: str, *, file: str = "watch.yml") -> tuple[SourceConfig, ...]:
    """Check the text of a `watch.yml`; raise SettingsError as :func:`load_watch` does."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        raise SettingsError("bad_field", f"not YAML: {error}"[:300], file=file, line=line) from None
    except (ValueError, RecursionError) as error:  # such as a date that no calendar has
        raise SettingsError("bad_field", f"not YAML: {error}"[:300], file=file) from None
    _refuse_doubles(node, file)
    try:
        sources = _Watch.model_validate(found if found is not None else {}).sources
    except ValidationError as error:
        first = error.errors()[0]
        code = "unknown_key" if first["type"] == "extra_forbidden" else "bad_field"
        message = str(first["msg"]).removeprefix("Value error, ")
        field = ".".join(str(part) for part in first["loc"]) or None
        raise SettingsError(code, message, file=file, line=_line_of(node, first["loc"]), field=field) from None
    _refuse_same_names(sources, node, file)
    return sources


class _Watch(_Section):
    sources: Annotated[tuple[SourceConfig, ...], BeforeValidator(lambda value: value or ())] = ()


def _refuse_same_names(sources: Sequence[SourceConfig], node: yaml.Node | None, file: str) -> None:
    seen: set[str] = set()
    for number, source in enumerate(sources):
        if source.name in seen:
            line = _line_of(node, ("sources", number, "name"))
            message = f"two sources are named {source.name!r}"
            raise SettingsError("bad_field", message, file=file, line=line, field=f"sources.{number}.name")
        seen.add(source.name)


def _refuse_doubles(node: yaml.Node | None, file: str) -> None:
    for mapping in _mappings(node):
        seen: set[Any] = set()
        for key, _ in mapping.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise SettingsError(
                    "bad_field", f"{key.value!r} stands twice", file=file, line=line, field=key.value
                )
            seen.add(key.value)


def _mappings(root: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # an anchor that holds itself
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield node
            waiting += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _line_of(node: yaml.Node | None, path: Sequence[int | str]) -> int | None:
    """Return the line (from 1) of the innermost node that a validation path reaches."""
    line = None if node is None else node.start_mark.line + 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == step), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return line
    return line
