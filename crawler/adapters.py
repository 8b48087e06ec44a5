"""The adapters: one spider module and one YAML file each, found by their names."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import yaml
from pydantic import Field, ValidationError

from crawler.adapter_sections import (
    AccessName,
    Assertions,
    BrowserLimits,
    GoneMarker,
    Hosts,
    Listen,
    Login,
    Marker,
    Markers,
    Section,
    Shot,
    Surface,
)
from storage.errors import SettingsError

if TYPE_CHECKING:
    from crawler.base import SourceSpider

__all__ = [
    "AdapterConfig",
    "GoneMarker",
    "Limits",
    "Marker",
    "Markers",
    "adapter_names",
    "load_adapter",
    "load_spider",
    "packaged_adapter",
]

_SOURCES = Path(__file__).parent / "sources"
_SPIDERS = Path(__file__).parent / "spiders"


class Limits(Section):
    """Bounds of reading one platform."""

    min_text_chars: int = Field(default=80, ge=1)
    """Main text from which a page counts as an article where the source names no pattern."""
    max_parse_bytes: int = Field(default=4 << 20, ge=1024)
    """Larger pages are kept as evidence and not parsed."""
    parse_seconds: float = Field(default=10, gt=0)
    max_depth: int = Field(default=20, ge=1)
    max_dry_lists: int = Field(default=10, ge=1)
    """List pages in a row without a new page after which their links are no longer followed."""
    max_links: int = Field(default=2000, ge=1)
    max_comments: int = Field(default=1000, ge=1)
    max_attempts: int = Field(default=3, ge=1)
    blocked_series: int = Field(default=3, ge=1)
    """Blocked reads in a row that stop the source."""
    min_readable_share: float = Field(default=0.5, ge=0, le=1)
    """Share of a run's articles that must be readable, else the page format is held to have changed."""
    min_reads_for_share: int = Field(default=5, ge=1)


class AdapterConfig(Section):
    """What the YAML file of one platform says; ``listen`` is set for platforms that are read through a browser."""

    platform: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
    title: str = ""
    owner: str = ""
    home: str | None = None
    """The platform's own address, where it is a place of its own."""
    access: tuple[AccessName, ...] = ("open", "visitor", "operator", "import")
    robots: Literal["obey", "record"] = "obey"
    """``record``: the verdict is kept and the recorded authorisation decides (operator access only)."""
    hosts: Hosts = Hosts()
    listen: dict[str, Listen] = Field(default_factory=dict)
    markers: Markers = Markers()
    surface: Surface | None = None
    login: Login | None = None
    assertions: Assertions = Assertions()
    shot: Shot | None = None
    limits: Limits = Limits()
    browser: BrowserLimits = BrowserLimits()
    sha256: str = ""
    origin: str = ""

    @property
    def uses_browser(self) -> bool:
        """Whether the platform is read through a browser, by listening to its pages' own answers."""
        return self.surface is not None


@cache
def adapter_names() -> tuple[str, ...]:
    """Return the platforms that can be read: those with a spider and a YAML file."""
    spiders = {path.stem for path in _SPIDERS.glob("[!_]*.py")}
    return tuple(sorted(spiders & {path.stem for path in _SOURCES.glob("*.yml")}))


def load_adapter(platform: str, *, overlays: Path | None = None) -> AdapterConfig:
    """Return the definition of a platform; a file of the same name in ``overlays`` replaces the packaged one.

    Raises:
        SettingsError: there is no such platform, or the file has an unknown key or a wrong value.
    """
    own = overlays / f"{platform}.yml" if overlays else None
    path = own if own and own.is_file() else _SOURCES / f"{platform}.yml"
    try:
        data = path.read_bytes()
        found = yaml.safe_load(data.decode())
    except OSError:
        raise SettingsError("missing_file", f"no definition of platform {platform!r}", file=str(path)) from None
    except (yaml.YAMLError, ValueError) as error:
        raise SettingsError("bad_field", f"not YAML: {error}"[:300], file=str(path)) from None
    if not isinstance(found, dict):
        raise SettingsError("bad_field", "not a mapping", file=str(path))
    stamps = {"sha256": hashlib.sha256(data).hexdigest(), "origin": str(path)}
    try:
        return AdapterConfig.model_validate({**found, **stamps})
    except ValidationError as error:
        first = error.errors()[0]
        code = "unknown_key" if first["type"] == "extra_forbidden" else "bad_field"
        field = ".".join(str(part) for part in first["loc"])
        raise SettingsError(code, str(first["msg"]), file=str(path), field=field) from None


@cache
def packaged_adapter(platform: str) -> AdapterConfig:
    """Return the packaged definition of a platform, read once."""
    return load_adapter(platform)


def load_spider(platform: str) -> type[SourceSpider]:
    """Return the spider class of a platform: the one class of its module whose name ends in Spider."""
    module = import_module(f"crawler.spiders.{platform}")
    found: type[SourceSpider] = next(
        value
        for name, value in vars(module).items()
        if name.endswith("Spider") and getattr(value, "__module__", "") == module.__name__
    )
    return found
