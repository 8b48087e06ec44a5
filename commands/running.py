"""Running one command: the global options, and every error as its exit code.

Exit codes: 0 done, 1 done with named problems, 2 wrong usage or an unreadable file, 3 internal error,
130 interrupted. The words, objects and codes are fixed in docs/commands.md.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from commands.context import Context, UsageError, context
from storage.errors import FourEyesError, InputError, QingyuanError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_GLOBALS = ("--data", "--as", "--limit")
_ALWAYS_JSON = "screen"  # contracts §1
_LIMIT = re.compile(r"[0-9]{1,18}")  # what both databases take
_EXIT_USAGE, _EXIT_INTERNAL, _EXIT_INTERRUPTED = 2, 3, 130


def run(app: typer.Typer, argv: Sequence[str]) -> int:
    """Run one command in this process and return its exit code; a command may run another one in this way."""
    outer = dict(context.__dict__)
    context.__dict__.clear()
    context.__dict__.update(_fresh().__dict__)
    try:
        code = _guarded(app, argv)
        code = code or (1 if context.out.problems else 0)
        if context.logs:
            _log_end(code)
        return code
    finally:
        if "store" in context.__dict__:
            context.store.close()
        context.close_log()
        context.__dict__.clear()
        context.__dict__.update(outer)


def _log_end(code: int) -> None:
    """Log how a command in a workspace ended: its exit code, its seconds, its problems by code."""
    from collections import Counter

    from storage.logs import get_log

    problems = Counter(str(problem.get("code")) for problem in context.out.problems)
    seconds = round((datetime.now(UTC) - context.began).total_seconds(), 3)
    get_log("qingyuan.command").info("command ended", code=code, seconds=seconds, problems=dict(problems))


def _guarded(app: typer.Typer, argv: Sequence[str]) -> int:
    try:
        rest = _take_globals(argv, context)
        context.command = _words(app, rest)
        code = _command(app)(rest, standalone_mode=False, prog_name="qingyuan")
        sys.stdout.flush()  # a full disk or a closed pipe shows here, not when the interpreter ends
    except QingyuanError as error:
        return _refuse(error.exit_code, problem_of(error))
    except typer.TyperException as error:
        return _usage(error)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except (BrokenPipeError, SystemExit) as stop:
        return _left(stop)
    except Exception as error:  # noqa: BLE001 - the one place of this process that takes every error
        return _internal(error)
    return _interrupted() if code == _EXIT_INTERRUPTED else 0  # typer turns Ctrl-C into a returned code


@functools.cache
def _command(app: typer.Typer) -> Callable[..., Any]:
    """Return the parser of the whole command line; making it takes longer than most commands."""
    return typer.main.get_command(app)


def _words(app: typer.Typer, argv: Sequence[str]) -> str:
    """Return the names of the command that the arguments begin with, without anything else that was typed."""
    found, words = _command(app), []
    for item in argv:
        below = getattr(found, "commands", {})
        if item not in below:
            break
        found = below[item]
        words.append(item)
    return " ".join(words)


def _interrupted() -> int:
    sys.stderr.write("interrupted; what was stored stays, run the command again to go on\n")
    return _EXIT_INTERRUPTED


def _left(stop: BaseException) -> int:
    """Go on quietly when the reader of standard output went away; typer makes SystemExit of that."""
    if isinstance(stop, SystemExit) and not isinstance(stop.__context__, BrokenPipeError):
        raise stop
    _give_up_stdout()
    return 0


def _give_up_stdout() -> None:
    """Let nothing more be written to standard output, and so nothing fail there when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _usage(error: typer.TyperException) -> int:
    format_message = getattr(error, "format_message", None)
    message = str(format_message() if format_message else error).replace(": Value error, ", ": ")
    where = getattr(error, "ctx", None)
    if where and message.startswith("Missing command") and not context.json:
        with contextlib.redirect_stdout(sys.stderr):
            sys.stderr.write(where.get_help())  # rich writes it by itself and returns nothing
        return _EXIT_USAGE
    hint = f"see: {where.command_path if where else 'qingyuan'} --help"
    problem = {"code": "bad_field", "field": _parameter(error), "message": f"{message.rstrip('.')}; {hint}"}
    return _refuse(_EXIT_USAGE, {name: value for name, value in problem.items() if value is not None})


def _parameter(error: typer.TyperException) -> str | None:
    """Return the option or argument that an error of the parser is about."""
    parameter = getattr(error, "param", None)
    options = [*getattr(parameter, "opts", ()), getattr(error, "option_name", None)]
    return next((name for name in options if name), None)


def problem_of(error: QingyuanError) -> dict[str, Any]:
    """Return the problem object of the contracts for an error."""
    problem: dict[str, Any] = {"code": error.code}
    if isinstance(error, InputError):
        found = {"file": error.file, "line": error.line, "field": error.field}
        problem |= {name: value for name, value in found.items() if value is not None}
        return problem | {"message": error.detail}
    if isinstance(error, FourEyesError):
        problem |= {"id": ",".join(error.clues), "clues": list(error.clues)}
    elif hasattr(error, "object_id"):
        problem["id"] = error.object_id
    return problem | {"message": str(error)}


def _take_globals(argv: Sequence[str], into: Context) -> list[str]:
    """Take the global options out of the arguments, wherever they stand, and keep the rest."""
    ours = argv[: argv.index("--")] if "--" in argv else argv
    into.json = into.out.json = "--json" in ours or _ALWAYS_JSON in ours
    rest: list[str] = []
    items = iter(argv)
    for item in items:
        name, has_value, value = item.partition("=")
        if item == "--":
            rest += [item, *items]
        elif name in _GLOBALS:
            _set_global(into, name, value if has_value else next(items, ""))
        elif item != "--json":
            rest.append(item)
    into.json = into.out.json = "--json" in ours or rest[:1] == [_ALWAYS_JSON]
    return rest


def _fresh() -> Context:
    data = os.environ.get("QINGYUAN_DATA")
    return Context(data=Path(data) if data else None, user=os.environ.get("QINGYUAN_USER") or None)


def _set_global(into: Context, name: str, value: str) -> None:
    if not value:
        raise UsageError(f"{name} needs a value", field=name)
    if name == "--data":
        into.data = Path(value).expanduser()
    elif name == "--as":
        into.user = value
    elif _LIMIT.fullmatch(value):
        into.limit = int(value)
    else:
        raise UsageError(f"--limit takes a whole number, 0 for all, not {value[:40]!r}", field=name)


def _refuse(code: int, problem: dict[str, Any]) -> int:
    context.out.note_problem(problem)
    context.out.problems.append(problem)  # for the log
    try:
        if context.json:
            context.out.raw_line({"problems": [problem]})
        sys.stdout.flush()
    except OSError:
        _give_up_stdout()
    return code


def _internal(error: Exception) -> int:
    what = (isinstance(error, OSError) and error.strerror) or type(error).__name__
    message = f"{what}; details are in {_write_details(error)}"
    return _refuse(_EXIT_INTERNAL, {"code": "failed", "message": message})


def _write_details(error: Exception) -> Path:
    """Log an error in the workspace, or write it to a new file where there is none; return which file."""
    from storage.logs import LogFile, LogTarget, current_log, log_error, log_line

    if (target := current_log()) is not None and os.access(target.path, os.W_OK):
        log_error("internal error", error)
        return target.path
    line = log_line({"event": "internal error", "level": "error", "error": error})
    if context.data and (context.data / "qingyuan.toml").is_file():
        path = context.data.resolve() / "qingyuan.log"
    else:
        handle, name = tempfile.mkstemp(prefix="qingyuan-", suffix=".log")
        os.close(handle)
        path = Path(name)
    LogFile(LogTarget(path=path)).write(line)
    return path
