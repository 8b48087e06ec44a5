"""The commands of screening: judge lines, run the stages over stored posts."""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from commands.context import context
from commands.files import open_input, replaced_atomically
from commands.rule_changes import RulesChangedError, check_standing, stage_rules
from commands.rulesets import active_ruleset, overlay_folders
from commands.suppressing import suppress_clues, suppressions_in_force
from storage.errors import InputError
from storage.post_lines import iter_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from classifiers.engine import Ruleset
    from commands.answering import Answers, Chunk
    from commands.output import Update
    from commands.rulesets import Rules
    from storage.records import Json

_PEEK_BYTES = 1 << 16
_LINES_AT_ONCE = 256
_BYTES_AT_ONCE = 1 << 20
_MOST_WARNINGS = 1000
_MOST_WORKERS = 256


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("screen")(screen)
    app.command("screen-posts")(screen_posts_command)
    app.command("cluster")(cluster_command)


def screen(
    file: Annotated[
        str, typer.Argument(metavar="[FILE|-]", help="Post lines (JSON lines, UTF-8); - = stdin.")
    ] = "-",
    *,
    out: Annotated[Path | None, typer.Option("-o", metavar="OUT", help="Write here, replaced at the end.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=_MOST_WORKERS, help="Processes for long input; default: all cores.")
    ] = None,
) -> None:
    """Judge post lines; one answer line each, in their order. Needs no workspace."""
    name = file if file == "-" else str(Path(file).absolute())
    ruleset = active_ruleset()
    with open_input(name) as source:
        refuse_other_encoding(source, name=name)
        with contextlib.closing(_answer_all(source, ruleset, name, workers=workers or _all_cores())) as answers:
            if out is None:
                for text in answers:
                    sys.stdout.write(text.decode())
            else:
                with replaced_atomically(out.absolute()) as target:
                    target.writelines(answers)


def screen_posts_command(
    *,
    new_only: Annotated[
        bool, typer.Option("--new-only", help="Only what was never judged; leave history under new rules to later.")
    ] = False,
) -> None:
    """Judge stored posts that lack a verdict of the active ruleset, and make or update clues; new posts first."""
    context.out.obj(run_screen_posts(new_only=new_only))


def cluster_command() -> None:
    """Suggest clusters of clues and put new clues into the queue."""
    context.out.obj(run_cluster())


def run_screen_posts(*, new_only: bool = False) -> Json:
    """Run the screening stage with a progress display; the answer counts what the rules in force at its end judged.

    A run never goes on under rules that others have replaced: it would point clues back to its own verdicts.
    """
    from classifiers.run import screen_posts

    while True:
        rules = stage_rules()
        try:
            with context.out.progress("screening posts") as update:
                return screen_posts(
                    context.store,
                    rules.ruleset,
                    now=context.now(),
                    sealer=context.sealer,
                    progress=_while_standing(rules, update),
                    new_only=new_only,
                )
        except RulesChangedError:
            context.out.note("other rules have come into force; going on with those")


def _while_standing(rules: Rules, update: Update) -> Callable[[int, int | None], None]:
    def progress(done: int, total: int | None) -> None:
        update(done, total)
        check_standing(rules)

    return progress


def run_cluster() -> Json:
    """Run the clustering stage with a progress display."""
    from classifiers.run import cluster_clues

    suppress_clues(context.store, suppressions_in_force(context.now()), now=context.now())
    allowed = context.workspace.settings.institution.own_accounts
    with context.out.progress("clustering clues") as update:
        return cluster_clues(context.store, now=context.now(), allow_list=allowed, progress=update)


def refuse_other_encoding(source: BinaryIO, *, name: str) -> None:
    """Refuse input that does not begin as UTF-8 text; later lines are judged one by one.

    Raises:
        InputError: the first line is no UTF-8, nor is any line near it that has more than ASCII (exit 2).
    """
    first, *others = source.peek(_PEEK_BYTES)[:_PEEK_BYTES].split(b"\n")  # type: ignore[attr-defined]  # buffered
    if _decodes(first) or any(not line.isascii() and _decodes(line) for line in others):
        return
    raise InputError("bad_encoding", "the file does not begin as UTF-8 text", file=name)


def _decodes(line: bytes) -> bool:
    """Tell whether bytes are UTF-8 text, perhaps cut inside their last character."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(line)
    except UnicodeDecodeError:
        return False
    return b"\x00" not in line


def _answer_all(source: BinaryIO, ruleset: Ruleset, name: str, *, workers: int) -> Generator[bytes]:
    """Yield the answer lines in the order of the input, some at a time."""
    from commands.answering import answer_chunk
    from commands.workers import Pool

    argv = [sys.executable, "-P", "-m", "commands.screen_worker", ruleset.version, *map(str, overlay_folders())]
    warned: set[str] = set()
    done = 0
    with (
        context.out.progress("screening lines") as update,
        Pool(argv, workers, answer=lambda chunk: answer_chunk(chunk, ruleset)) as pool,
    ):
        for answers in pool.answers(_chunks(source)):
            _note(answers, name, warned)
            yield answers.text
            done += answers.text.count(b"\n")
            update(done)


def _chunks(source: BinaryIO) -> Iterator[Chunk]:
    """Yield the lines some at a time, fewer where they are long: memory stays flat."""
    from commands.answering import Chunk

    lines: list[bytes] = []
    first, size = 1, 0
    for number, raw in iter_lines(source):
        lines.append(raw)
        size += len(raw)
        if len(lines) == _LINES_AT_ONCE or size >= _BYTES_AT_ONCE:
            yield Chunk(first, tuple(lines))
            lines, first, size = [], number + 1, 0
    if lines:
        yield Chunk(first, tuple(lines))


def _note(answers: Answers, name: str, warned: set[str]) -> None:
    """Remember a problem, which decides the exit code, and warn once of each key that nobody reads."""
    if answers.problem and not context.out.problems:  # all of them would not fit into flat memory
        context.out.problems.append({**answers.problem, "file": name})
    for key in answers.unknown_keys:
        if key not in warned and len(warned) < _MOST_WARNINGS:
            warned.add(key)
            context.out.note(f"key {key!r} is not read")


def _all_cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
