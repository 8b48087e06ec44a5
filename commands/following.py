"""The commands of following up: rechecks, outcomes, statistics."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.context import UsageError, context

outcomes_app = typer.Typer(help="What became of the targets.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("recheck")(recheck)
    app.add_typer(outcomes_app, name="outcomes")
    app.command("stats")(stats)


@outcomes_app.callback()
def _outcomes() -> None:
    """What became of the targets."""


def recheck(
    *,
    due: Annotated[bool, typer.Option("--due", help="Targets whose day has come (the default).")] = False,
    all_: Annotated[bool, typer.Option("--all", help="Every target sent or confirmed.")] = False,
    batch: Annotated[str | None, typer.Option(metavar="ID", help="The targets of one batch.")] = None,
) -> None:
    """Visit targets and record what is true of them."""
    from commands.visits import recheck_targets

    if due + all_ + (batch is not None) > 1:
        raise UsageError("choose one of --due, --all, --batch", field="recheck")
    context.out.obj(recheck_targets("batch" if batch else "all" if all_ else "due", batch=batch))


@outcomes_app.command("list")
def list_outcomes_command() -> None:
    """List the outcome of each followed target, newest first."""
    from reporting.outcomes import list_outcomes

    with context.store.read() as conn:
        context.out.lines(list_outcomes(conn, limit=context.limit))


def stats() -> None:
    """Show the action rate with its unknowns, and how long things took."""
    from reporting.statistics import statistics

    with context.store.read() as conn:
        context.out.obj(statistics(conn, now=context.now()))
