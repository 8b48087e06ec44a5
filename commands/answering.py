"""Post lines in, answer lines out: the part of `screen` that a worker process does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifiers.judging import Failure, judge_each, time_limit
from classifiers.records import CommentText, PostText, verdict_line
from commands.output import clean_to_json, to_json
from storage.post_lines import LineProblem, PostLine, parse_post_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifiers.engine import Ruleset
    from classifiers.judging import Limit
    from storage.records import Json


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines of the input as they came, without their ends, and the number of the first."""

    first: int
    lines: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """The answer lines of one chunk, its first problem, and the keys that nobody read."""

    text: bytes
    problem: Json | None = None
    unknown_keys: tuple[str, ...] = ()


def answer_chunk(chunk: Chunk, ruleset: Ruleset, *, limit: Limit = time_limit) -> Answers:
    """Judge the lines of a chunk; one that cannot be read or judged gets an error line in its place."""
    read = [parse_post_line(raw, number) for number, raw in enumerate(chunk.lines, chunk.first)]
    posts = [post_text(line) for line in read if isinstance(line, PostLine)]
    judged = iter(judge_each(posts, ruleset, limit=limit))
    texts: list[str] = []
    problems: list[LineProblem] = []
    for number, line in enumerate(read, chunk.first):
        found = line if isinstance(line, LineProblem) else next(judged)
        if isinstance(found, Failure):
            found = LineProblem(code="failed", line=number, message=found.why, id=line.id)
        if isinstance(found, LineProblem):
            problems.append(found)
            texts.append(_refusal(found))
        else:
            texts.append(clean_to_json(verdict_line(line.id or "", found)))
    keys = {key: None for line in read if isinstance(line, PostLine) for key in line.unknown_keys}
    text = "".join(f"{answer}\n" for answer in texts)
    return Answers(text.encode(), _first(problems), tuple(keys))


def failed_answer(chunk: Chunk, why: str) -> Answers:
    """Return the error line of a chunk of one line that nobody could judge."""
    line = parse_post_line(chunk.lines[0], chunk.first)
    problem = LineProblem(code="failed", line=chunk.first, message=why, id=line.id)
    return Answers(f"{_refusal(problem)}\n".encode(), _first([problem]))


def _refusal(problem: LineProblem) -> str:
    """Return the answer line that stands in the place of a verdict."""
    named: Json = {"id": problem.id} if problem.id is not None else {}
    return to_json({**named, "line": problem.line, "error": {"code": problem.code, "message": problem.message}})


def _first(problems: Sequence[LineProblem]) -> Json | None:
    if not problems:
        return None
    return {"code": problems[0].code, "line": problems[0].line, "message": problems[0].message}


def post_text(line: PostLine) -> PostText:
    """Return what the engine judges of a post line."""
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
