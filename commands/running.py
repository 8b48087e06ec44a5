"""Running one command: the global options, and every error as its exit code.

Exit codes: 0 done, 1 done with named problems, 2 wrong usage or an unreadable file, 3 internal error,
130 interrupted. The words, objects and codes are fixed in docs/commands.md.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from commands.context import Context, context
from storage.errors import FourEyesError, InputError, QingyuanError

if TYPE_CHECKING:
    from collections.abc import Sequence

_GLOBALS = ("--data", "--as", "--limit")
_EXIT_USAGE, _EXIT_INTERNAL, _EXIT_INTERRUPTED = 2, 3, 130


def run(app: typer.Typer, argv: Sequence[str]) -> int:
    """Run one command in this process and return its exit code; a command may run another one in this way."""
    outer = dict(context.__dict__)
    context.__dict__.clear()
    context.__dict__.update(_fresh().__dict__)
    try:
        code = _guarded(app, argv)
        return code or (1 if context.out.problems else 0)
    finally:
        if "store" in context.__dict__:
            context.store.close()
        context.__dict__.clear()
        context.__dict__.update(outer)


def _guarded(app: typer.Typer, argv: Sequence[str]) -> int:
    try:
        app(_take_globals(argv, context), standalone_mode=False, prog_name="qingyuan")
    except QingyuanError as error:
        return _refuse(error.exit_code, problem_of(error))
    except typer.Exit as stop:
        return int(stop.exit_code)
    except typer.TyperException as error:
        return _usage(error)
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("interrupted; what was stored stays, run the command again to go on\n")
        return _EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader went away: no second error
    except Exception as error:  # noqa: BLE001 - the one place of this process that takes every error
        return _internal(error)
    return 0


class UsageError(typer.TyperException):
    """A global option that cannot be meant."""


def _usage(error: typer.TyperException) -> int:
    format_message = getattr(error, "format_message", None)
    message = str(format_message() if format_message else error)
    if type(error).__name__ == "NoArgsIsHelpError":  # the message is the whole help text
        sys.stderr.write(message + "\n")
        return _EXIT_USAGE
    return _refuse(_EXIT_USAGE, {"code": "bad_field", "message": message})


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
    rest: list[str] = []
    items = iter(argv)
    for item in items:
        name, has_value, value = item.partition("=")
        if item == "--":
            rest += [item, *items]
        elif item == "--json":
            into.json = into.out.json = True
        elif name in _GLOBALS:
            _set_global(into, name, value if has_value else next(items, None))
        else:
            rest.append(item)
    return rest


def _fresh() -> Context:
    data = os.environ.get("QINGYUAN_DATA")
    return Context(data=Path(data) if data else None, user=os.environ.get("QINGYUAN_USER") or None)


def _set_global(into: Context, name: str, value: str | None) -> None:
    if value is None:
        raise UsageError(f"{name} needs a value")
    if name == "--data":
        into.data = Path(value)
    elif name == "--as":
        into.user = value
    elif value.isascii() and value.isdigit():
        into.limit = int(value)
    else:
        raise UsageError(f"--limit takes a whole number, 0 for all, not {value!r}")


def _refuse(code: int, problem: dict[str, Any]) -> int:
    if context.json:
        context.out.raw_line({"problems": [problem]})
    context.out.note(f"{problem['code']}: {problem['message']}")
    return code


def _internal(error: Exception) -> int:
    folder = context.data if context.data and context.data.is_dir() else Path(tempfile.gettempdir())
    where = folder / "qingyuan.log"
    logging.basicConfig(filename=where, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("qingyuan").error("internal error", exc_info=error)
    message = f"{type(error).__name__}; details are in {where.absolute()}"
    return _refuse(_EXIT_INTERNAL, {"code": "failed", "message": message})
