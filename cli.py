"""The command line `qingyuan`: assembles the commands; `commands/running.py` runs them."""

from __future__ import annotations

import os
import sys
from itertools import chain
from pathlib import Path

import typer

from commands import (
    auditing,
    crawling,
    demonstration,
    evaluating,
    following,
    lexicon,
    notifying,
    reviewing,
    scheduling,
    screening,
    simulating,
    sources,
    takedown,
    workspace,
)
from commands.leash import follow
from commands.running import run

EPILOG = (
    "With every command, before or after it: --data DIR (the workspace), --as USER (who you are), "
    "--json (answers for programs), --limit N (of lists; 0 = all, default 50)."
)

app = typer.Typer(
    name="qingyuan",
    help="Qingyuan 清源: find, review, report and follow up anti-collection (反催收) solicitations.",
    epilog=EPILOG,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for _module in (
    workspace,
    crawling,
    sources,
    screening,
    evaluating,
    lexicon,
    notifying,
    scheduling,
    reviewing,
    takedown,
    following,
    auditing,
    demonstration,
    simulating,
):
    _module.register(app)
for _command in chain(
    app.registered_commands,
    *(group.typer_instance.registered_commands for group in app.registered_groups if group.typer_instance),
):
    _command.epilog = EPILOG


def main() -> None:
    """Run one command and exit with its code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - stays open to the end
        getattr(sys, name).reconfigure(encoding="utf-8", errors="replace")
    follow()
    sys.exit(run(app, sys.argv[1:]))


if __name__ == "__main__":
    main()
