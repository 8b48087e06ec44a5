"""The lexicon: terms as data, read from validated files and compiled once.

A folder holds one file per category of topic terms and one per other role. Overlay folders replace
packaged files by name, whole. The loaded lexicon never changes; a new one takes its place. Its version is the hash
of its content, so a verdict can name exactly what it was judged by.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic import ValidationError

from classifiers.datafiles import DataFileError, load_yaml
from classifiers.patterns import Patterns, compile_patterns
from classifiers.terms import LexiconFile, Term, make_term
from classifiers.views import make_views

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

PACKAGED_LEXICONS = Path(__file__).parent / "lexicons"


class LexiconError(DataFileError):
    """A lexicon file cannot be used; the message names file, entry and field.

    ``entry`` and ``field`` are empty where the fault is the file's; ``unknown_key`` says that the
    field is one that no entry has.
    """

    def __init__(
        self, path: Path, why: str, *, entry: str = "", field: str = "", unknown_key: bool = False
    ) -> None:
        """Say which file, entry and field are at fault and why."""
        self.entry = entry
        place = ", ".join(part for part in (entry and f"entry {entry}", field and f"field {field}") if part)
        super().__init__(path, f"{place}: {why}" if place else why, field=field, unknown_key=unknown_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """Terms in the order of their files, their automata, and the hash of their content."""

    terms: tuple[Term, ...]
    patterns: Patterns
    version: str


def load_lexicon(folders: Sequence[Path]) -> Lexicon:
    """Return the lexicon of these folders; a file of a later folder replaces one of that name.

    Raises LexiconError when a file cannot be read or a term stands in it twice.
    """
    files: dict[str, Path] = {}
    for folder in folders:
        files.update({path.name: path for path in sorted(folder.glob("*.yml"))})
    terms: list[Term] = []
    for _, path in sorted(files.items()):
        terms.extend(read_lexicon_file(path))
    _refuse_doubles(terms, files)
    return make_lexicon(terms)


def make_lexicon(terms: Iterable[Term]) -> Lexicon:
    """Return the compiled lexicon of these terms."""
    held = tuple(terms)
    return Lexicon(terms=held, patterns=compile_patterns(held), version=content_version(held))


def content_version(terms: Iterable[Term]) -> str:
    """Return the sha256 (hex) over the content of the terms, whatever their order or their files' layout."""
    names = [each.name for each in fields(Term)]
    rows = [
        {name: getattr(term, name) for name in names} | {"views": sorted(term.views), "date": term.date.isoformat()}
        for term in terms
    ]
    rows.sort(key=lambda row: str(row["id"]))
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def read_lexicon_file(path: Path) -> list[Term]:
    """Return the terms of one file; raise LexiconError when it is not as it must be."""
    try:
        data = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise LexiconError(path, str(error)) from error
    if not isinstance(data, dict):
        raise LexiconError(path, "the file must be a mapping")
    try:
        file = LexiconFile.model_validate(data)
    except ValidationError as error:
        raise _make_error(path, data, error.errors()[0]) from error
    return [make_term(path.stem, file, entry) for entry in file.terms]


def _make_error(path: Path, data: Mapping[str, object], first: ErrorDetails) -> LexiconError:
    """Return the first fault that was found, with the entry it is in and the field."""
    place = [str(part) for part in first["loc"]]
    entry = ""
    terms = data.get("terms")
    if len(place) > 1 and place[0] == "terms" and isinstance(terms, list):
        number = int(place[1])
        written = terms[number]
        name = written.get("term") if isinstance(written, dict) else None
        entry, place = str(name or f"number {number + 1}"), place[2:]
    unknown = first["type"] == "extra_forbidden"
    why = "unknown key" if unknown else first["msg"]
    return LexiconError(path, why, entry=entry, field=".".join(place), unknown_key=unknown)


def written_forms(term: Term) -> Iterator[str]:
    """Yield the folded forms of a term: head, variants, aliases, each once."""
    texts = (term.term, *term.variants, *term.aliases)
    yield from dict.fromkeys(make_views(text).folded.text for text in texts)


def _refuse_doubles(terms: Iterable[Term], files: Mapping[str, Path]) -> None:
    """Raise LexiconError when two terms of one role share a form."""
    seen: dict[tuple[str, str], Term] = {}
    for term in terms:
        for form in written_forms(term):
            other = seen.setdefault((term.role, form), term)
            if other is not term:
                path = files[f"{term.id.partition(':')[0]}.yml"]
                raise LexiconError(path, f"{form} stands in {other.id} too", entry=term.term)
