"""The command that measures a ruleset on labelled lines."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.context import UsageError, context
from commands.files import missing, replaced_atomically
from commands.labelled import Problems, labelled_rows
from commands.rulesets import active_ruleset, overlay_folders, settings_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from classifiers.baselines import Baselines
    from classifiers.engine import Ruleset
    from commands.error_lines import ErrorLines
    from commands.output import Update
    from storage.records import Json


_MOST_CHANGED = 1000
"""Changed rows that are listed of a file; the counts hold all of them."""


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("evaluate")(evaluate_command)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judges:
    """The plain baselines, fitted: what makes them anew for a file, and what they were fitted on."""

    make: Callable[[Ruleset], Baselines]
    facts: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    """What is measured on every file."""

    ruleset: Ruleset
    against: Ruleset | None
    judges: _Judges | None
    errors: ErrorLines
    problems: Problems
    progress: Update


def evaluate_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Labelled post lines, JSON lines, UTF-8.")],
    *,
    errors: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every wrongly judged row here, as JSON lines.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the figures and errors here, as one page to read.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Compare with the rules under this overlay (lexicons/, data/)."),
    ] = None,
    baselines: Annotated[
        Path | None,
        typer.Option(metavar="GOLD", help="Judge by three plain baselines too, one fitted on this labelled file."),
    ] = None,
    details: Annotated[
        bool, typer.Option("--details", help="Add recall by difficulty, and every label and kind of contact.")
    ] = False,
) -> None:
    """Measure the ruleset on labelled lines: recall, precision, labels, targets, contacts; one figure a file."""
    from commands.error_lines import error_lines

    paths = [path.absolute() for path in files]
    gold = baselines.absolute() if baselines else None
    outputs = {name: path.absolute() for name, path in (("--errors", errors), ("--html", html)) if path}
    _refuse_outputs(outputs, [*paths, *([gold] if gold else [])])
    _require([*paths, *([gold] if gold else [])])
    problems = Problems()
    with error_lines() as kept, context.out.progress("measuring rows") as progress:
        measure = _Measure(
            ruleset=active_ruleset(),
            against=_ruleset_under(against.absolute()) if against else None,
            judges=_fit_judges(gold, paths, problems) if gold else None,
            errors=kept,
            problems=problems,
            progress=progress,
        )
        answer: Json = {"files": list(_measured(paths, measure)), "ruleset": measure.ruleset.version}
        if measure.against and against:
            answer["against"] = {"overlay": str(against.absolute()), "ruleset": measure.against.version}
        if measure.judges:
            answer["baselines"] = measure.judges.facts
        _write(answer, kept, errors=errors, html=html)
    _tell(answer if details else _without_details(answer), problems.found)


def _measured(paths: Iterable[Path], measure: _Measure) -> Iterator[Json]:
    """Yield the figures of each file."""
    from classifiers.comparison import Comparison
    from classifiers.evaluate import evaluate_rows

    numbers = itertools.count(1)
    for path in paths:
        watchers = [measure.errors.watcher(str(path))]
        comparison = Comparison(measure.against, most=_MOST_CHANGED) if measure.against else None
        judges = measure.judges.make(measure.ruleset) if measure.judges else None
        watchers += [one.watch for one in (comparison, judges) if one]
        rows = _counted(labelled_rows(path, measure.problems), measure.progress, numbers)
        figures = evaluate_rows(
            str(path),
            rows,
            measure.ruleset,
            watchers=watchers,
            details=True,
            on_failure=functools.partial(_note_failure, measure.problems, path),
        )
        yield {
            **figures,
            **({"against": comparison.as_row()} if comparison else {}),
            **({"baselines": judges.as_row()} if judges else {}),
        }


def _counted(rows: Iterator[Json], progress: Update, numbers: Iterator[int]) -> Iterator[Json]:
    for row in rows:
        progress(next(numbers))
        yield row


def _note_failure(problems: Problems, path: Path, row: str, why: str) -> None:
    problems.add({"code": "failed", "file": str(path), "id": row, "message": why})


def _ruleset_under(folder: Path) -> Ruleset:
    """Return the rules in force with one more overlay on top.

    Raises:
        InputError: the folder holds neither lexicons nor data (``missing_file``, exit 2).
        SettingsError: a file in it cannot be used (exit 2).
    """
    from classifiers.datafiles import DataFileError
    from classifiers.engine import load_ruleset

    if not any((folder / name).is_dir() for name in ("lexicons", "data")):
        raise missing(str(folder), "there is no lexicons/ or data/ in this folder")
    try:
        return load_ruleset([*overlay_folders(), folder])
    except DataFileError as error:
        raise settings_error(error) from None


def _fit_judges(gold: Path, paths: Sequence[Path], problems: Problems) -> _Judges:
    """Return the baselines, one of them fitted on a labelled file.

    Raises:
        UsageError: the file is one of the measured ones or holds one class only, or scikit-learn is missing.
    """
    from classifiers.baselines import Baselines, training_rows

    if any(_is_same_file(gold, path) for path in paths):
        raise UsageError(f"{gold} is measured itself; a model must not see what it is asked", field="--baselines")
    try:
        from classifiers.ngrams import OneClassError, fit_ngrams
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "sklearn":
            raise
        message = "the baselines need scikit-learn, which is not installed: pip install scikit-learn"
        raise UsageError(message, field="--baselines") from None
    texts, are_clues = training_rows(labelled_rows(gold, problems))
    try:
        ngrams = fit_ngrams(texts, are_clues)
    except OneClassError as error:
        raise UsageError(f"{gold}: {error}", field="--baselines") from None
    return _Judges(
        make=lambda ruleset: Baselines(ruleset.lexicon, ngrams, fitted_on=texts),
        facts={"fitted_on": str(gold), "rows": len(texts), "clues": sum(are_clues)},
    )


def _require(inputs: Sequence[Path]) -> None:
    """Refuse inputs that are not there before any work is done."""
    for path in inputs:
        if not path.exists():
            raise missing(str(path), "No such file or directory")


def _refuse_outputs(outputs: Mapping[str, Path], inputs: Sequence[Path]) -> None:
    """Refuse to write over an input, twice to one place, or where there is no folder, before any work is done."""
    taken = list(inputs)
    for option, path in outputs.items():
        if any(_is_same_file(path, other) for other in taken):
            raise UsageError(f"{path} is read or written by this call already", field=option)
        if not path.parent.is_dir():
            raise missing(str(path), "its folder is not there")
        taken.append(path)


def _is_same_file(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return path.resolve() == other.resolve()


def _write(answer: Json, kept: ErrorLines, *, errors: Path | None, html: Path | None) -> None:
    """Write the files that were asked for, and name them in the answer."""
    if errors:
        with replaced_atomically(errors.absolute()) as target:
            kept.write_to(target)
        answer["errors_file"] = str(errors.absolute())
    if html:
        from commands.evaluation_page import evaluation_page

        with replaced_atomically(html.absolute()) as target:
            target.write(evaluation_page(answer, kept, now=context.now()))
        answer["html_file"] = str(html.absolute())


def _without_details(answer: Json) -> Json:
    """Return the answer with the keys that it always has; what an option asked for stays."""
    from classifiers.evaluate import DETAILS

    files = [{key: value for key, value in figures.items() if key not in DETAILS} for figures in answer["files"]]
    return {**answer, "files": files}


def _tell(answer: Json, problems: list[Json]) -> None:
    """Write the one object, or tables for a person."""
    told = {"problems": problems} if problems else {}
    if context.json:
        context.out.obj({**answer, **told})
        return
    from commands.evaluation_tables import print_figures

    print_figures(answer)
    context.out.obj(told)
