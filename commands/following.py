"""The commands of following up: rechecks, outcomes, statistics, the weekly summary."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from commands.context import UsageError, context, parse_time
from storage.records import Json

outcomes_app = typer.Typer(help="What became of the targets.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("recheck")(recheck)
    app.add_typer(outcomes_app, name="outcomes")
    app.command("stats")(stats)
    app.command("summary")(summary)


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


@outcomes_app.command("observe")
def observe(
    clue: Annotated[str, typer.Argument(metavar="CLUE", help="Whose target, as c12.")],
    kind: Annotated[str, typer.Argument(metavar="KIND", help="What you saw: live, content_removed, ...")],
    *,
    note: Annotated[str, typer.Option(help="What was seen, where and how.")],
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="When, ISO 8601; default now; without offset Asia/Shanghai.")
    ] = None,
) -> None:
    """Record what you yourself saw of a target; provisional until a probe confirms it."""
    from reporting.noting import observe_outcome

    actor, moment = context.actor(), parse_time(at, "--at") if at is not None else None
    context.out.obj(
        observe_outcome(context.store, clue, kind, note=note, at=moment, now=context.now(), actor=actor)
    )


def stats(
    *,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="TIME", help="As known then, ISO 8601; without offset Asia/Shanghai."),
    ] = None,
) -> None:
    """Show the action rate with its unknowns, and how long things took; --as-of repeats a past figure."""
    from reporting.statistics import statistics

    now = context.now()
    moment = parse_time(as_of, "--as-of") if as_of is not None else now
    if moment > now:
        raise UsageError(f"{moment.isoformat()} is later than now: nothing is known of it yet", field="--as-of")
    with context.store.read() as conn:
        context.out.obj(statistics(conn, as_of=moment, now=now))


def summary(
    *,
    week: Annotated[
        str | None, typer.Option(help="ISO week, as 2026-W47; default: the one whose batches were closed last.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", metavar="FILE", help="Also write it here: .pdf, .html, or an existing folder."),
    ] = None,
    language: Annotated[
        Literal["zh", "en"] | None, typer.Option(help="Of the file; default: the desk's language.")
    ] = None,
) -> None:
    """Sum up a week: action rates, the way from seen to acted on, ages, waiting times; as JSON, PDF or page."""
    from reporting.weekly import weekly_summary

    target = _summary_file(out, language)
    with context.store.read() as conn, context.out.progress("summing up"):
        figures = weekly_summary(conn, week=week, now=context.now())
    if target is None:
        context.out.obj(figures)
        return
    file, problems = _write_summary(figures, *target)
    context.out.obj({**figures, "file": file, **({"problems": problems} if problems else {})})


def _summary_file(out: Path | None, language: str | None) -> tuple[Path, str] | None:
    """Return where the summary is to be written and in which language; refused before anything is computed."""
    if out is None:
        return None
    if not out.is_dir() and out.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"{out.name} ends neither in .pdf nor in .html", field="-o")
    return out.absolute(), language or context.workspace.settings.desk.language


def _write_summary(figures: Json, out: Path, language: str) -> tuple[str | None, list[Json]]:
    """Write the file; a PDF that cannot be drawn here is a problem, and the figures are answered all the same."""
    from commands.files import replaced_atomically
    from reporting.render.pdf import PdfUnavailableError, make_pdf
    from reporting.render.summary import summary_page

    path = out / f"summary-{figures['week']}.pdf" if out.is_dir() else out
    chosen: Literal["zh", "en"] = "en" if language == "en" else "zh"
    page = summary_page(figures, language=chosen, institution=context.workspace.settings.institution.name)
    try:
        content = make_pdf(page).data if path.suffix.lower() == ".pdf" else page.encode()
    except PdfUnavailableError as error:
        return None, [{"code": "failed", "file": str(path), "message": str(error)}]
    with replaced_atomically(path) as stream:
        stream.write(content)
    return str(path), []


_SUFFIXES = (".pdf", ".html")
