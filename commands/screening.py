"""The commands of screening: judge lines, run the stages over stored posts."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from commands.context import context
from commands.files import open_input, replaced_atomically
from commands.output import to_json
from commands.rulesets import active_ruleset
from storage.errors import InputError
from storage.post_lines import LineProblem, PostLine, iter_lines, parse_post_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifiers.engine import Ruleset
    from classifiers.records import PostText
    from storage.records import Json

__all__ = ["active_ruleset", "post_text", "refuse_other_encoding", "register", "run_cluster", "run_screen_posts"]

_PEEK_BYTES = 1 << 16
_LINES_AT_ONCE = 64
_BYTES_AT_ONCE = 1 << 20
_MOST_WARNINGS = 1000


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
) -> None:
    """Judge post lines; one answer line each, in their order. Needs no workspace."""
    name = file if file == "-" else str(Path(file).absolute())
    ruleset = active_ruleset()
    with open_input(name) as source:
        refuse_other_encoding(source, name=name)
        if out is None:
            for line in _answers(source, ruleset, name):
                sys.stdout.write(line)
        else:
            with replaced_atomically(out.absolute()) as target:
                for line in _answers(source, ruleset, name):
                    target.write(line.encode())


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
    """Run the screening stage with a progress display."""
    from classifiers.run import screen_posts

    with context.out.progress("screening posts") as update:
        return screen_posts(
            context.store,
            active_ruleset(),
            now=context.now(),
            sealer=context.sealer,
            progress=update,
            new_only=new_only,
        )


def run_cluster() -> Json:
    """Run the clustering stage with a progress display."""
    from classifiers.run import cluster_clues

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


def _answers(source: BinaryIO, ruleset: Ruleset, name: str) -> Iterator[str]:
    """Yield the answer lines in the order of the input; lines are judged some at a time, which costs half."""
    warned: set[str] = set()
    done = 0
    with context.out.progress("screening lines") as update:
        for chunk in _chunks(source):
            for line in chunk:
                if isinstance(line, PostLine):
                    _warn(line, warned)
            for answer in _judged(chunk, ruleset, name):
                yield to_json(answer) + "\n"
            done += len(chunk)
            update(done)


def _chunks(source: BinaryIO) -> Iterator[list[PostLine | LineProblem]]:
    """Yield parsed lines some at a time, fewer where they are long: memory stays flat."""
    chunk: list[PostLine | LineProblem] = []
    size = 0
    for number, raw in iter_lines(source):
        chunk.append(parse_post_line(raw, number))
        size += len(raw)
        if len(chunk) == _LINES_AT_ONCE or size >= _BYTES_AT_ONCE:
            yield chunk
            chunk, size = [], 0
    yield chunk


def _judged(chunk: list[PostLine | LineProblem], ruleset: Ruleset, name: str) -> Iterator[Json]:
    from classifiers.engine import screen_posts
    from classifiers.records import verdict_line

    posts = [post_text(line) for line in chunk if isinstance(line, PostLine)]
    verdicts = iter(screen_posts(posts, ruleset))
    for line in chunk:
        yield _refusal(line, name) if isinstance(line, LineProblem) else verdict_line(line.id, next(verdicts))


def _refusal(problem: LineProblem, name: str) -> Json:
    if not context.out.problems:  # one decides the exit code; all of them would not fit into flat memory
        context.out.problems.append(
            {"code": problem.code, "file": name, "line": problem.line, "message": problem.message}
        )
    answer: Json = {"id": problem.id} if problem.id is not None else {}
    return {**answer, "line": problem.line, "error": {"code": problem.code, "message": problem.message}}


def _warn(line: PostLine, warned: set[str]) -> None:
    for key in line.unknown_keys:
        if key not in warned and len(warned) < _MOST_WARNINGS:
            warned.add(key)
            context.out.note(f"key {key!r} is not read")


def post_text(line: PostLine) -> PostText:
    """Return what the engine judges of a post line."""
    from classifiers.records import CommentText, PostText

    return PostText(
        id=line.id,
        platform=line.platform or "",
        kind=line.kind or "",
        title=line.title,
        text=line.text,
        author_name=line.author.name,
        author_bio=line.author.bio,
        verified=bool(line.author.verified),
        verified_as=line.author.verified_as or "",
        parent=line.parent or "",
        comments=tuple(
            CommentText(text=comment.text, author_name=comment.author.name, author_bio=comment.author.bio)
            for comment in line.comments
        ),
    )
