"""What every command shares: the workspace, the clock, the person, the global options."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from commands.output import Output
from storage.errors import InputError, SettingsError

if TYPE_CHECKING:
    from settings import Workspace
    from storage.engine import Store
    from storage.logs import LogTarget
    from storage.records import Actor
    from storage.sealing import Sealer

DEMO_META = "made_by_demo"
"""Key of the workspace fact that allows a moved clock."""

DEFAULT_LIMIT = 50


class UsageError(InputError):
    """What was typed cannot be meant: an argument or option of the command line; exit code 2."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__("bad_field", message, field=field)

    @property
    def exit_code(self) -> int:
        """Always 2."""
        return 2


@dataclass
class Context:
    """The global options of one call and what is opened for it."""

    data: Path | None = None
    user: str | None = None
    json: bool = False
    limit: int = DEFAULT_LIMIT
    out: Output = field(default_factory=Output)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    command: str = ""
    """The words of the running command, as its log lines carry them."""
    logs: bool = False
    """Whether the workspace's log is in use by this call."""
    log_before: LogTarget | None = None
    command_before: object = None

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace that --data or QINGYUAN_DATA names, its log in use; exit 2 when there is none."""
        from settings import load_workspace

        if self.data is None:
            raise SettingsError("missing_file", "name a workspace with --data DIR or QINGYUAN_DATA")
        found = load_workspace(self.data)
        self._open_log(found)
        return found

    def _open_log(self, found: Workspace) -> None:
        from storage.logs import LogTarget, bind_ids, bound_id, use_log

        chosen = found.settings.logs
        size = chosen.max_megabytes << 20
        target = LogTarget(path=found.log_file, level=chosen.level, max_bytes=size, keep=chosen.keep)
        self.log_before, self.logs = use_log(target), True
        self.command_before = bound_id("command")
        bind_ids(command=self.command or None)

    def close_log(self) -> None:
        """Go back to the log that was in use before this call."""
        if self.logs:
            from storage.logs import bind_ids, use_log

            use_log(self.log_before)
            bind_ids(command=self.command_before)
            self.logs = False

    @cached_property
    def store(self) -> Store:
        """The workspace's database, at the schema of this version."""
        from storage.meta import get_meta

        store = open_store(self.workspace)
        _check_database(store)
        with store.read() as conn:
            demo = bool(get_meta(conn, DEMO_META))
        if "QINGYUAN_CLOCK" in os.environ:
            if not demo:
                raise InputError("forbidden", "QINGYUAN_CLOCK is honoured only in a workspace made by demo")
            store.simulated = True
        return store

    @property
    def sealer(self) -> Sealer:
        """The key that opens contacts."""
        from storage.sealing import load_sealer

        return load_sealer(self.workspace.keys)

    def now(self) -> datetime:
        """The time of this call: the machine's clock, or the moved one of a demo workspace."""
        moved = os.environ.get("QINGYUAN_CLOCK")
        if not moved:
            return datetime.now(UTC)
        _ = self.store  # refuses a moved clock elsewhere
        return parse_time(moved, "QINGYUAN_CLOCK") + (datetime.now(UTC) - self.began)

    def actor(self) -> Actor:
        """The person that --as or QINGYUAN_USER names.

        Raises:
            InputError: nobody was named.
            NotFoundError: nobody has that name (``unknown_user``).
            ForbiddenError: the person is disabled.
        """
        from storage.users import actor_for

        if not self.user:
            raise SettingsError("unknown_user", "say who you are with --as USER or QINGYUAN_USER")
        with self.store.read() as conn:
            return actor_for(conn, self.user, via="cli")


def _check_database(store: Store) -> None:
    """Bring the schema up to date; what cannot be reached or read is named as a setting, not as a fault of ours."""
    from sqlalchemy.exc import DatabaseError

    from storage.migrate import check_schema

    try:
        check_schema(store.engine)
    except DatabaseError as error:
        shown = store.engine.url.render_as_string(hide_password=True)
        message = f"the database {shown} cannot be used: {str(error.orig).splitlines()[0]}"
        raise SettingsError("bad_field", message, field="database_url") from None


def open_store(workspace: Workspace) -> Store:
    """Return the store of a workspace without looking into it."""
    from storage.engine import Store, make_engine

    return Store(make_engine(workspace.database_url), evidence_root=workspace.evidence, keys_root=workspace.keys)


def parse_time(text: str, name: str) -> datetime:
    """Return an ISO 8601 time as aware UTC; without an offset it is Asia/Shanghai.

    Raises:
        UsageError: it is no ISO 8601 time (``bad_field`` of the option ``name``).
    """
    from zoneinfo import ZoneInfo

    try:
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo("Asia/Shanghai"))).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is no ISO 8601 time, such as 2026-11-20T18:00", field=name) from None


context = Context()
"""The context of the running call; :func:`cli.main` fills it before the command starts."""
