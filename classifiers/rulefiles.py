"""The files of a ruleset as bytes by name: those in force, a changed set, a kept one, and the rules they make.

A name is the place below an overlay folder: ``lexicons/offer.yml``, ``data/weights.yml``,
``suppressions/c12-account.yml``. What is read once here is what is hashed, stored and loaded, so a change is tried
and kept as exactly the bytes that will stand in the workspace.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import yaml

from classifiers.datafiles import DataFileError
from classifiers.engine import DATA, DATA_FILES, load_ruleset_of
from classifiers.examples import broken_examples
from classifiers.lexicon import PACKAGED_LEXICONS, read_lexicon_file
from classifiers.suppressions import FOLDER as SUPPRESSIONS
from classifiers.suppressions import load_suppression

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from classifiers.engine import Ruleset
    from classifiers.examples import BrokenExample

PACKAGED, OVERLAY = "packaged", "overlay"
_SUPPRESSES = re.compile(rb"^suppress\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """One rule file: its name, its bytes, where they were read, whether the workspace or the program brought it."""

    name: str
    content: bytes
    path: Path
    origin: str

    @property
    def sha256(self) -> str:
        """The hash of its bytes."""
        return hashlib.sha256(self.content).hexdigest()


def files_in_force(overlays: Sequence[Path]) -> dict[str, RuleFile]:
    """Return the files that make the ruleset under these overlays, by name; a later folder wins."""
    data = [path for path in DATA.iterdir() if path.stem in DATA_FILES]
    packaged = {f"data/{path.name}": path for path in data}
    packaged |= {f"lexicons/{path.name}": path for path in PACKAGED_LEXICONS.glob("*.yml")}
    found = {name: _read(name, path, PACKAGED) for name, path in packaged.items()}
    for overlay in overlays:
        own = {f"data/{path.name}": overlay / "data" / path.name for path in data}
        own |= {f"lexicons/{path.name}": path for path in (overlay / "lexicons").glob("*.yml")}
        found |= {name: _read(name, path, OVERLAY) for name, path in own.items() if path.is_file()}
    return dict(sorted(found.items()))


def suppression_files(overlays: Sequence[Path]) -> dict[str, RuleFile]:
    """Return the files of suppressions under these overlays, by name; they are no part of the ruleset."""
    found = {
        f"{SUPPRESSIONS}/{path.name}": path
        for overlay in overlays
        for path in sorted((overlay / SUPPRESSIONS).glob("*.yml"))
    }
    return {name: _read(name, path, OVERLAY) for name, path in found.items()}


def rule_name(file_name: str, content: bytes) -> str:
    """Return the name under which a handed-over file of this name will stand: its folder and its own name.

    A file with the name of a packaged data file is that, one that holds a suppression is one, every other file is
    a lexicon file.
    """
    if any(path.name == file_name for path in DATA.iterdir() if path.stem in DATA_FILES):
        return f"data/{file_name}"
    folder = SUPPRESSIONS if _SUPPRESSES.search(content) else "lexicons"
    return f"{folder}/{file_name}"


def load_rule_files(contents: Mapping[str, bytes]) -> Ruleset:
    """Return the ruleset that these files make; raise DataFileError, whose path ends in the name of the file.

    The last few are remembered: a command asks for the same rules more than once, and compiling takes a second.
    """
    return _load(frozenset(contents.items()))


@lru_cache(maxsize=4)
def _load(items: frozenset[tuple[str, bytes]]) -> Ruleset:
    contents = dict(items)
    with TemporaryDirectory(prefix="qingyuan-rules-") as folder:
        root = Path(folder)
        _write_all(root, contents)
        data = {path.stem: path for path in sorted((root / "data").iterdir())}
        missing = sorted(set(DATA_FILES) - set(data))
        if missing:
            raise DataFileError(root / "data" / missing[0], "this version of the program needs it", field="file")
        return load_ruleset_of([root / "lexicons"], {name: data[name] for name in DATA_FILES})


def check_rule_file(name: str, content: bytes) -> int:
    """Read one file by itself and return how many entries it has; raise DataFileError as its loader does.

    A data file is only parsed here: whether it fits the others is seen when all are loaded.
    """
    with TemporaryDirectory(prefix="qingyuan-rules-") as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(content)
        if name.startswith("lexicons/"):
            return len(read_lexicon_file(path))
        if name.startswith(f"{SUPPRESSIONS}/"):
            load_suppression(path)
            return 1
        return 0


def is_yaml(content: bytes) -> bool:
    """Tell whether bytes are a YAML document at all (JSON is one)."""
    try:
        yaml.safe_load(content)
    except yaml.YAMLError:
        return False
    return True


def failed_examples(ruleset: Ruleset) -> list[BrokenExample]:
    """Return every example that its entry does not live up to, among all terms of the ruleset."""
    return broken_examples(ruleset.lexicon)


def place_of(error: DataFileError) -> str:
    """Return the name of the file that an error is about, as ``lexicons/offer.yml``."""
    return f"{error.path.parent.name}/{error.path.name}"


def _read(name: str, path: Path, origin: str) -> RuleFile:
    try:
        return RuleFile(name=name, content=path.read_bytes(), path=path, origin=origin)
    except OSError as error:
        raise DataFileError(path, error.strerror or "cannot be read") from error


def _write_all(root: Path, contents: Mapping[str, bytes]) -> None:
    for name, content in contents.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
