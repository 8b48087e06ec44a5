"""`import`: a handed-over file becomes posts, in chunks that are each committed on their own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crawler.importers import mediacrawler
from crawler.importers.rows import facts_of
from crawler.importers.tables import is_workbook, read_table
from crawler.importers.texts import check_text, open_text, open_utf8
from crawler.importers.tips import parse_tips
from crawler.watch import Access
from storage.engine import CHUNK_ROWS
from storage.errors import InputError
from storage.evidence import add_capture, find_capture, put_file
from storage.post_lines import LineProblem, iter_lines, parse_post_line
from storage.posts import store_comment_of, store_post
from storage.records import CaptureFacts, CommentFacts, Json, PostFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from crawler.watch import SourceConfig
    from storage.engine import Store, Unit
    from storage.post_lines import PostLine

    Progress = Callable[[int, int | None], None]

MAX_PROBLEMS = 1000
"""Refused lines that are named; the rest is counted in one more problem."""

IMPORT = "import"
"""Kind of the capture of a handed-over file."""

_ROWS_PER_POST = 5
_ROWS_PER_COMMENT = 4


@dataclass(frozen=True, slots=True)
class _Comment:
    """A comment of a file of its own, and the post it stands under."""

    platform: str
    post_native_id: str
    facts: CommentFacts


_Item = PostFacts | _Comment | LineProblem


@dataclass(slots=True)
class _Import:
    """One import on its way."""

    store: Store
    source: SourceConfig
    path: Path
    encoding: str
    now: datetime
    warn: Callable[[str], None]
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[Json] = field(default_factory=list)
    warned: set[str] = field(default_factory=set)
    capture_id: int | None = None


def import_file(
    store: Store,
    source: SourceConfig,
    path: Path,
    *,
    format: str,  # noqa: A002 - the option's own name
    now: datetime,
    encoding: str = "utf-8",
    warn: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> Json:
    """Store the posts of a file; return ``{read, new, changed, unchanged, refused, problems}``.

    A faulty line is refused and named, the rest is stored. The file itself becomes evidence, but not one of
    MediaCrawler, which holds tokens. ``warn`` gets one message per unknown key.

    Raises:
        InputError: the file cannot be read as a whole and nothing was stored (``missing_file``, ``bad_encoding``,
            ``corrupt_file``, ``unknown_column``), or the source is not one of access ``import`` or the format is
            unknown (``bad_field``).
    """
    if source.access is not Access.IMPORT:
        message = f"source {source.name!r} has access {source.access.value}, not import"
        raise InputError("bad_field", message, field="source")
    if format not in FORMATS:
        raise InputError("bad_field", f"format must be one of {', '.join(FORMATS)}", field="format")
    if not path.is_file():
        raise InputError("missing_file", "there is no such file", file=str(path))
    job = _Import(store, source, path, encoding, now, warn or (lambda _: None))
    items = FORMATS[format](job)
    _keep_file(job, tokens=format == "mediacrawler")
    _store_all(job, items, progress)
    return _result(job)


def _result(job: _Import) -> Json:
    left_out = job.counts["refused"] - len(job.problems)
    if left_out:
        job.problems.append(
            {"code": "bad_line", "file": str(job.path), "message": f"{left_out} more lines were refused"}
        )
    names = {"read": "read", "new": "new", "changed": "changed", "unchanged": "seen", "refused": "refused"}
    return {**{name: job.counts[count] for name, count in names.items()}, "problems": job.problems}


def _keep_file(job: _Import, *, tokens: bool) -> None:
    sha256, size = (None, 0) if tokens else put_file(job.store.evidence_root, job.path)
    with job.store.write(job.now) as unit:
        known = find_capture(unit.conn, kind=IMPORT, sha256=sha256) if sha256 else None
        facts = CaptureFacts(
            url=f"import:{job.path.name}",
            at=job.now,
            method="import",
            sha256=sha256,
            size=size,
            kind=IMPORT,
            why_none="the file holds tokens that open pages and is not kept" if tokens else None,
        )
        job.capture_id = known or add_capture(unit, facts)


def _store_all(job: _Import, items: Iterator[_Item], progress: Progress | None) -> None:
    chunk: list[PostFacts | _Comment] = []
    lines: list[int] = []
    rows = 0
    for item in items:
        job.counts["read"] += 1
        if isinstance(item, LineProblem):
            _refuse(job, item)
            continue
        weight = _ROWS_PER_POST + _ROWS_PER_COMMENT * (len(item.comments) if isinstance(item, PostFacts) else 0)
        if chunk and rows + weight > CHUNK_ROWS:
            _commit(job, chunk, lines)
            chunk, lines, rows = [], [], 0
            if progress is not None:
                progress(job.counts["read"], None)
        chunk.append(item)
        lines.append(job.counts["read"])
        rows += weight
    _commit(job, chunk, lines)


def _commit(job: _Import, chunk: list[PostFacts | _Comment], lines: list[int]) -> None:
    counted: Counter[str] = Counter()
    lost: list[LineProblem] = []
    with job.store.write(job.now) as unit:
        for number, item in zip(lines, chunk, strict=True):
            result = _store_one(unit, job, item)
            if result is None and isinstance(item, _Comment):
                message = f"post {item.platform}:{item.post_native_id} is not stored: import the contents first"
                lost.append(LineProblem(code="unknown_id", line=number, message=message, id=item.facts.native_id))
            else:
                counted[result or ""] += 1
    job.counts.update(counted)
    for problem in lost:
        _refuse(job, problem)


def _store_one(unit: Unit, job: _Import, item: PostFacts | _Comment) -> str | None:
    if isinstance(item, _Comment):
        return store_comment_of(unit, item.platform, item.post_native_id, item.facts, source=job.source.name)
    return store_post(unit, item, source=job.source.name, capture_id=job.capture_id)


def _refuse(job: _Import, problem: LineProblem) -> None:
    job.counts["refused"] += 1
    if len(job.problems) >= MAX_PROBLEMS:
        return
    entry: Json = {"code": problem.code, "file": str(job.path), "line": problem.line}
    entry |= {"field": problem.field} if problem.field else {}
    entry |= {"id": problem.id} if problem.id else {}
    job.problems.append(entry | {"message": problem.message})


def _fact(job: _Import, line: PostLine | LineProblem, number: int) -> _Item:
    if isinstance(line, LineProblem):
        return line
    for key in line.unknown_keys:
        if key not in job.warned and len(job.warned) < MAX_PROBLEMS:
            job.warned.add(key)
            job.warn(f"{job.path.name}: unknown key {key[:60]!r} is ignored")
    return facts_of(line, job.source, line_no=number)


def _posts(job: _Import) -> Iterator[_Item]:
    check_text(job.path, job.encoding)
    return _post_items(job)


def _post_items(job: _Import) -> Iterator[_Item]:
    with open_utf8(job.path, job.encoding) as stream:
        for number, raw in iter_lines(stream):
            yield _fact(job, parse_post_line(raw, number), number)


def _tips(job: _Import) -> Iterator[_Item]:
    rows = read_table(job.path, job.encoding)
    if is_workbook(job.path):
        rows = iter(list(rows))  # a damaged workbook shows only while it is read: nothing may be stored of it
    else:
        for _ in read_table(job.path, job.encoding):
            pass  # so does a broken table
    lines = parse_tips(rows, platform=job.source.platform, file=str(job.path), now=job.now)
    return (_fact(job, line, number) for number, line in lines)


def _mediacrawler(job: _Import) -> Iterator[_Item]:
    check_text(job.path, job.encoding)
    first = next((record for _, record in _entries(job) if record is not None), None)
    if first is None:
        raise InputError("corrupt_file", "no record in it", file=str(job.path))
    mediacrawler.check_columns(first, str(job.path))
    for _ in _entries(job):
        pass  # an array that breaks off must be known before anything is stored
    return (_mediacrawler_item(job, number, record) for number, record in _entries(job))


def _entries(job: _Import) -> Iterator[mediacrawler.Entry]:
    with open_text(job.path, job.encoding) as text:
        head = text.read(4096).lstrip("\ufeff \t\r\n")[:1]
        text.seek(0)
        if head == "[":
            yield from mediacrawler.entries_of_array(text)
            return
    if head == "{":
        with open_utf8(job.path, job.encoding) as stream:
            yield from mediacrawler.entries_of_json(iter_lines(stream))
    else:
        yield from mediacrawler.entries_of_table(read_table(job.path, job.encoding))


def _mediacrawler_item(job: _Import, number: int, record: Json | None) -> _Item:
    if record is None:
        return LineProblem(code="bad_line", line=number, message="not a JSON object")
    if not mediacrawler.is_comment(record):
        return _fact(job, mediacrawler.content_line(record, line_no=number), number)
    found = mediacrawler.comment_facts(record, line_no=number)
    return found if isinstance(found, LineProblem) else _Comment(job.source.platform, *found)


FORMATS: dict[str, Callable[[_Import], Iterator[_Item]]] = {
    "posts": _posts,
    "tips": _tips,
    "mediacrawler": _mediacrawler,
}
"""Format name to its reader; a reader raises before its first item when the file cannot be read as a whole."""
