"""The log of a workspace: JSON lines in one file, for every process, redacted, rotated by size.

Commands, their crawl processes and the desk write to the same file: each line in one write at its end, so that
lines of several processes never mix. Whoever finds the file too large renames it under a lock; the others notice by
its inode and open the new one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - pydantic reads it where a target is handed to a child
from typing import TYPE_CHECKING, Any

import structlog

from storage.redaction import describe_error, redact_fields, redact_stderr

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping
    from typing import IO

    from structlog.typing import EventDict, WrappedLogger

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

_FOREIGN_LEVEL = logging.WARNING
_MODE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTarget:
    """Which file is written, from which level on, and how large it may grow; ``keep`` older files stay."""

    path: Path
    level: str = "info"
    max_bytes: int = 20 << 20
    keep: int = 10


class LogFile:
    """A file that several processes append lines to and that is renamed when it has grown too large."""

    def __init__(self, target: LogTarget) -> None:
        self.target = target
        self._descriptor: int | None = None
        self._lock = threading.Lock()

    def write(self, line: str) -> None:
        """Append one line; a disk that is full or a folder that is gone does not stop the work."""
        raw = line.encode("ascii", "backslashreplace") + b"\n"
        with self._lock, contextlib.suppress(OSError):
            descriptor = self._current()
            if os.fstat(descriptor).st_size + len(raw) > self.target.max_bytes:
                self._rotate()
                descriptor = self._current()
            os.write(descriptor, raw)

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _current(self) -> int:
        if self._descriptor is not None and not _is_file(self._descriptor, self.target.path):
            os.close(self._descriptor)
            self._descriptor = None
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self.target.path, flags, _MODE)
        return self._descriptor

    def _rotate(self) -> None:
        path = self.target.path
        with _locked(path.with_name(f".{path.name}.lock")):
            try:
                if path.stat().st_size < self.target.max_bytes // 2:
                    return  # another process was quicker
            except FileNotFoundError:
                return
            for number in range(self.target.keep - 1, 0, -1):
                with contextlib.suppress(FileNotFoundError):
                    _older(path, number).replace(_older(path, number + 1))
            path.replace(_older(path, 1))


class _Process:
    """What this process logs with: the file in use, and the ids that all its lines carry."""

    def __init__(self) -> None:
        self.file: LogFile | None = None
        self.ids: dict[str, Any] = {}


_process = _Process()


def use_log(target: LogTarget | None) -> LogTarget | None:
    """Write what this process logs to a file from now on (None: nowhere); return what was in use before."""
    before = current_log()
    if target == before and structlog.is_configured():
        return before
    if _process.file is not None:
        _process.file.close()
    _process.file = LogFile(target) if target else None
    level = LEVELS[target.level] if target else logging.ERROR
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, _send],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_NoLogger,
        cache_logger_on_first_use=False,
    )
    _take_foreign(max(level, _FOREIGN_LEVEL))
    return before


def current_log() -> LogTarget | None:
    """Return the target in use."""
    return _process.file.target if _process.file else None


def bind_ids(**ids: object) -> None:
    """Let all later lines of this process carry these ids, such as source and run; None takes one away."""
    for name, value in ids.items():
        _process.ids.pop(name, None)
        if value is not None:
            _process.ids[name] = value


def bound_id(name: str) -> object:
    """Return what was bound under a name, None where nothing is."""
    return _process.ids.get(name)


def get_log(name: str) -> Any:  # noqa: ANN401 - structlog's loggers are made when used
    """Return a logger; ``log.info("what happened", run="r7")`` writes one line."""
    if not structlog.is_configured():
        use_log(None)  # structlog would write to standard output, where answers go
    return structlog.get_logger(name)


def log_error(event: str, error: BaseException, **fields: object) -> bool:
    """Log an error with its kind and place; return whether there is a file that took it."""
    get_log("qingyuan").error(event, error=error, **fields)
    return _process.file is not None


def relay_stderr(stream: IO[bytes], target: LogTarget, **ids: object) -> threading.Thread:
    """Log what a child process writes to its standard error, line by line, until it ends; return the thread."""

    def relay() -> None:
        log = LogFile(target)
        with stream:
            for line in stream:
                if shown := redact_stderr(line.decode("utf-8", "replace")):
                    log.write(log_line({"event": "stderr", "level": "warning", "line": shown, **ids}))
        log.close()

    thread = threading.Thread(target=relay, name="stderr", daemon=True)
    thread.start()
    return thread


def log_line(fields: MutableMapping[str, Any], *, now: datetime | None = None) -> str:
    """Return one line: redacted JSON in ASCII, so that no character in it can end a line or steer a terminal."""
    stamp = (now or datetime.now(UTC)).isoformat(timespec="milliseconds")
    shown = {"timestamp": stamp, **redact_fields({**_process.ids, **fields}), "pid": os.getpid()}
    return json.dumps(shown, ensure_ascii=True, default=str, separators=(",", ":"))


class _NoLogger:
    """What structlog wraps: nothing is written through it, the last processor has written the line."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def msg(self, *_: object, **__: object) -> None:
        """Do nothing."""

    debug = info = warning = error = critical = exception = msg


def _send(logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event["logger"] = logger.name
    if (error := event.pop("exc_info", None)) and isinstance(error, BaseException):
        event["error"] = error
    if _process.file is not None:
        _process.file.write(log_line(event))
    raise structlog.DropEvent


class _Foreign(logging.Handler):
    """Takes the lines of libraries: their words without the values, which may be anybody's."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record's template and the kind of its error."""
        fields: dict[str, Any] = {
            "event": str(record.msg),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if record.exc_info and record.exc_info[1] is not None:
            fields["error"] = describe_error(record.exc_info[1])
        if _process.file is not None:
            _process.file.write(log_line(fields))


def _take_foreign(level: int) -> None:
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, _Foreign)]:
        root.removeHandler(handler)
    handler = _Foreign(level)  # on the handler: libraries set levels of their own loggers
    root.addHandler(handler)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_file(descriptor: int, path: Path) -> bool:
    try:
        found, ours = path.stat(), os.fstat(descriptor)
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)


def _older(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
