"""A PostgreSQL server of the tests' own: one per test session, a fresh database per test.

The server lives in a new folder below the temp directory, listens on a unix socket there and nowhere else, and
never touches a cluster of the machine. The workers of one session share it through a lock file; whoever asks first
starts it, the session's first process stops it. What a killed session left behind, the next one clears away.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

APT_LINE = "apt-get install -y postgresql"
PREFIX = "qingyuan-pg-"
INITDB_OPTIONS = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
SERVER_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "listen_addresses": "",
    "log_min_messages": "fatal",
}


class PostgresMissingError(RuntimeError):
    """PostgreSQL's programs, or an account that may run them, are not there; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server in ``root``."""

    root: Path

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.root}"

    def create(self, name: str, *, template: str = "template0") -> str:
        """Make a database as a copy of ``template`` and return its URL."""
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, template))))
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database and whoever is still connected to it."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def template(self, name: str, prepare: Callable[[str], None]) -> str:
        """Return the name of a database that ``prepare(url)`` filled once per session, to be copied by tests.

        ``prepare`` must close its connections: a database in use cannot be copied.
        """
        done = self.root / f"template-{name}"
        with locked(self.root / "lock"):
            if not done.exists():
                self.drop(name)
                prepare(self.create(name))
                done.touch()
        return name

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(f"host={self.root} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(statement)


def new_root() -> Path:
    """Return a new folder name for this session's server and clear away what dead sessions left.

    Only the name is fixed: the folder appears when a test asks for the server.
    """
    below = _temp_folder()
    for left in below.glob(f"{PREFIX}*"):
        if _abandoned(left):
            stop(left)
    return below / f"{PREFIX}{os.getpid()}-{token_hex(4)}"


def fresh_name() -> str:
    """Return a database name that no other test of the session has."""
    return f"test_{os.getpid()}_{token_hex(6)}"


def ensure(root: Path) -> Server:
    """Return the session's server, started now if nobody did before."""
    root.mkdir(mode=0o700, exist_ok=True)
    with locked(root / "lock"):
        if not (root / "data" / "postmaster.pid").exists():
            _start(root)
    return Server(root)


def stop(root: Path) -> None:
    """Stop the server in ``root``, if there is one, and remove the folder."""
    data = root / "data"
    if (data / "postmaster.pid").exists():
        _run([find_binaries() / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], folder=root, check=False)
    shutil.rmtree(root, ignore_errors=True)


def find_binaries() -> Path:
    """Return the folder of initdb and pg_ctl: what pg_config says, else Debian's newest version.

    Raises:
        PostgresMissingError: neither has them; the message holds the apt line.
    """
    places = []
    if config := shutil.which("pg_config"):
        told = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True)
        places.append(Path(told.stdout.strip()))
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    places += sorted(debian, key=lambda path: int(path.parent.name), reverse=True)
    for place in places:
        if (place / "initdb").exists() and (place / "pg_ctl").exists():
            return place
    raise PostgresMissingError(f"PostgreSQL is missing; as root: {APT_LINE}")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file against the other processes of the session."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _start(root: Path) -> None:
    binaries = find_binaries()
    if os.geteuid() == 0:
        account = _account()
        os.chown(root, account.pw_uid, account.pw_gid)
    data = root / "data"
    _run([binaries / "initdb", "-D", data, *INITDB_OPTIONS], folder=root)
    options = " ".join(f"-c {name}='{value}'" for name, value in SERVER_OPTIONS.items())
    log = root / "server.log"
    _run([binaries / "pg_ctl", "-D", data, "-l", log, "-w", "-o", f"{options} -k {root}", "start"], folder=root)


def _run(command: Sequence[str | Path], *, folder: Path, check: bool = True) -> None:
    """Run one of PostgreSQL's programs, which refuse root, as its own account."""
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        words = ["runuser", "-u", _account().pw_name, "--", *words]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{words}: {done.stdout}{done.stderr}")


def _account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError as missing:
        raise PostgresMissingError(f"there is no account 'postgres'; as root: {APT_LINE}") from missing


def _temp_folder() -> Path:
    """Return a temp folder that another account can enter and whose name leaves room for a socket (107 bytes)."""
    wanted = Path(tempfile.gettempdir()).resolve()
    open_to_all = all(step.stat().st_mode & 0o001 for step in (wanted, *wanted.parents))
    return wanted if open_to_all and len(str(wanted)) < 60 else Path("/tmp")  # noqa: S108 - a fresh folder in it


def _abandoned(root: Path) -> bool:
    """Tell whether a folder is ours and the process in its name has ended."""
    pid = root.name.removeprefix(PREFIX).split("-")[0]
    owners = (
        {entry.pw_uid for entry in pwd.getpwall() if entry.pw_name == "postgres"} if os.geteuid() == 0 else set()
    )
    ours = root.stat().st_uid in owners | {os.geteuid()}
    return ours and pid.isdigit() and not Path(f"/proc/{pid}").exists()
