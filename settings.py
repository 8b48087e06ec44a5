"""The settings of a workspace: `qingyuan.toml`, checked; an unknown key is an error.

A leaf: the roof and the attic read it, lower floors get plain arguments.
Environment: QINGYUAN_DATA, QINGYUAN_USER, QINGYUAN_CHROMIUM, QINGYUAN_DATABASE_URL, QINGYUAN_CLOCK,
QINGYUAN_WEBHOOK_URL, QINGYUAN_WEBHOOK_SECRET, QINGYUAN_METRICS_TOKEN.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from storage.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS_FILE = "qingyuan.toml"
WATCH_FILE = "watch.yml"


Cron = Annotated[str, Field(pattern=r"^$|^\s*([0-9A-Za-z*,/-]+\s+){4}[0-9A-Za-z*,/-]+\s*$")]
"""A cron line of five fields; the scheduler, which knows more of it, checks the rest."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Institution(_Section):
    """Whose workspace it is; shown in letters and in the crawler's user agent."""

    name: str = "（机构名称）"
    contact: str = ""
    authority: str = ""
    """The paper that requests to platforms rest on: an agreement, an authorisation, a notice, with its number."""
    department: str = ""
    person: str = ""
    """Who answers questions about a package; an analyst's name does not belong there."""
    pledge: str = ""
    """What the institution pledges in its letters (承诺), in its own words."""
    own_accounts: tuple[str, ...] = ()
    """Accounts, as ``platform:native_id``, whose posts are never clues: the institution's own."""


class Browser(_Section):
    """The Chromium that takes screenshots."""

    chromium: str = ""
    no_sandbox: bool = False
    """Run Chromium without its sandbox, for sources with ``private: true`` only; as root those run so anyway."""


class Packages(_Section):
    """Takedown packages."""

    live_within_hours: int = Field(default=24, ge=1, le=24 * 7)
    """A target must have been seen live this recently before it is exported."""
    letter_pdf: bool = True
    """Make the covering letter as PDF beside the docx, where pango and a Chinese font are installed."""


class Desk(_Section):
    """The review desk."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    idle_minutes: int = Field(default=15, ge=1, le=480)
    absolute_hours: int = Field(default=8, ge=1, le=24)
    language: str = Field(default="zh", pattern="^(zh|en)$")
    public_url: str = Field(default="", pattern=r"^$|^https?://[^\s/?#@]+(/[^\s?#]*)?$")
    """The address that people open, as behind a reverse proxy; links in notices begin with it."""
    secure_cookies: bool = False
    """Cookies over TLS only; set it as soon as people reach the desk by https."""
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    """Addresses of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    metrics: str = Field(default="off", pattern="^(off|loopback|token)$")
    """Who may read /metrics: nobody, this machine, or who shows QINGYUAN_METRICS_TOKEN."""


class Logs(_Section):
    """`qingyuan.log` of the workspace."""

    level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    max_megabytes: int = Field(default=20, ge=1, le=1000)
    keep: int = Field(default=10, ge=1, le=100)
    """Older files that are kept beside the one in use."""


class Notify(_Section):
    """Notices of what needs a person; nothing is sent unless an address or a webhook is set."""

    mail_to: tuple[Annotated[str, Field(pattern=r"^[^\s@,<>]+@[^\s@,<>]+$")], ...] = ()
    webhook_url: str = Field(default="", pattern=r"^$|^https?://[^\s/]+")
    """Also QINGYUAN_WEBHOOK_URL, which wins: WeCom's and DingTalk's addresses hold a key."""
    webhook_kind: Literal["wecom", "dingtalk", "feishu", "plain"] = "wecom"
    webhook_private: bool = False
    """The webhook is inside the house: private addresses, and http to those, are allowed."""
    webhook_ca_file: str = ""
    """The only authority trusted for its certificate; empty = the system's."""
    language: Literal["zh", "en"] = "zh"
    again_hours: float = Field(default=24, ge=0.25, le=24 * 30)
    """What still stands is told of again after this time."""
    authorisation_days: int = Field(default=14, ge=0, le=365)
    """An authorisation is told of from this many days before its end."""


class Mail(_Section):
    """The server through which mail leaves: channels with `transport: {kind: mail}`, and notices.

    The password comes from QINGYUAN_MAIL_PASSWORD alone.
    """

    host: str = Field(default="", pattern=r"^[A-Za-z0-9.:-]*$")
    """Empty = no mail."""
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    sender: str = Field(default="", pattern=r"^$|^[!-;=?A-~]+@[A-Za-z0-9.-]+$")
    """The address in From and in the envelope."""
    ca_file: str = ""
    """Certificates (PEM) of the only authority trusted; empty = the system's."""
    timeout_seconds: int = Field(default=60, ge=1, le=600)
    """How long each answer may take."""


class Schedule(_Section):
    """When `qingyuan schedule` starts what; cron of five fields in Asia/Shanghai, "" = never."""

    screen_posts: Cron = "*/10 * * * *"
    cluster: Cron = "*/10 * * * *"
    capture: Cron = "*/30 * * * *"
    recheck: Cron = "15 * * * *"
    draft: Cron = "0 18 * * fri"
    """Every channel's batch of the ISO week whose cut-off has passed."""
    notify: Cron = "*/5 * * * *"
    summary: Cron = "30 18 * * fri"
    """The summary page of the same week."""
    reading_at_once: int = Field(default=2, ge=1, le=64)
    """Crawls, rechecks and screenshots that run at the same time; nothing else waits for them."""
    former: dict[str, tuple[str, ...]] = {}
    """Names that a job had before, oldest first, such as ``"draft:new" = ["draft:old"]``: its past counts."""


class Settings(BaseSettings):
    """Everything that `qingyuan.toml` may say, with its defaults."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix="QINGYUAN_", env_ignore_empty=True)

    database_url: str = Field(default="", pattern=r"^$|^(postgres(ql)?(\+psycopg)?|sqlite)://")
    """A PostgreSQL URL; empty = the SQLite file `qingyuan.db` in the workspace."""
    institution: Institution = Institution()
    browser: Browser = Browser()
    packages: Packages = Packages()
    desk: Desk = Desk()
    mail: Mail = Mail()
    logs: Logs = Logs()
    notify: Notify = Notify()
    schedule: Schedule = Schedule()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A workspace folder with its settings; every path in it is absolute."""

    root: Path
    settings: Settings

    @property
    def watch_file(self) -> Path:
        """`watch.yml`, the list of sources."""
        return self.root / WATCH_FILE

    @property
    def database_url(self) -> str:
        """The URL of the database in use."""
        return self.settings.database_url or f"sqlite:///{self.root / 'qingyuan.db'}"

    @property
    def evidence(self) -> Path:
        """Folder of stored bytes, by hash."""
        return self.root / "evidence"

    @property
    def packages(self) -> Path:
        """Folder of takedown packages."""
        return self.root / "packages"

    @property
    def keys(self) -> Path:
        """Folder of keys (0700)."""
        return self.root / "keys"

    @property
    def log_file(self) -> Path:
        """Where details of internal errors go."""
        return self.root / "qingyuan.log"

    def overlays(self, kind: str) -> Path:
        """Folder whose files replace packaged ones of the same name: lexicons, sources, channels, templates."""
        return self.root / "overlays" / kind


def load_workspace(root: Path) -> Workspace:
    """Read and check the settings of a workspace.

    Raises:
        SettingsError: no workspace there (``missing_file``), broken TOML or a wrong value (``bad_field``), or a
            key that nobody reads (``unknown_key``).
    """
    root = root.expanduser().resolve()
    path = root / SETTINGS_FILE
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        message = f"there is no workspace in {root}; make one with: qingyuan init {root}"
        raise SettingsError("missing_file", message, file=str(path)) from None
    except UnicodeDecodeError:
        raise SettingsError("bad_encoding", "settings are written in UTF-8", file=str(path)) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError("bad_field", str(error), file=str(path)) from None
    try:
        return Workspace(root=root, settings=_checked(values))
    except ValidationError as error:
        first = error.errors()[0]
        code = "unknown_key" if first["type"] == "extra_forbidden" else "bad_field"
        field = ".".join(str(part) for part in first["loc"])
        raise SettingsError(code, first["msg"], file=str(path), field=field) from None


def chromium_choice(workspace: Workspace) -> str | None:
    """Return the Chromium that the environment or the settings name, or None."""
    return os.environ.get("QINGYUAN_CHROMIUM") or workspace.settings.browser.chromium or None


def webhook_choice(workspace: Workspace) -> tuple[str, str]:
    """Return the webhook's address and its secret; both may stand in the environment, the secret only there.

    Raises:
        SettingsError: what the environment names is no address.
    """
    url = os.environ.get("QINGYUAN_WEBHOOK_URL", "")
    try:
        url = Notify(webhook_url=url).webhook_url
    except ValidationError:
        raise SettingsError("bad_field", "is no http or https address", field="QINGYUAN_WEBHOOK_URL") from None
    return url or workspace.settings.notify.webhook_url, os.environ.get("QINGYUAN_WEBHOOK_SECRET", "")


def _checked(values: dict[str, object]) -> Settings:
    """Validate file values; the environment wins over the file for the database URL (it may hold a password)."""
    from_environment = Settings.model_validate(Settings().model_dump()).database_url
    if from_environment:
        values = {**values, "database_url": from_environment}
    return Settings.model_validate(values)
