"""Checking a change to the rules, and putting one in force: row, file, row, whatever is killed between them."""

from __future__ import annotations

import contextlib
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from commands.context import context
from commands.files import missing, replaced_atomically
from commands.rulesets import Rules, active_rules, overlay_folders, settings_error
from storage.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from classifiers.datafiles import DataFileError
    from classifiers.rulefiles import RuleFile
    from storage.records import Actor, Json
    from storage.rule_changes import ChangeRow

MOST_BYTES = 16 << 20
"""A rule file is no longer than this."""


class RulesChangedError(Exception):
    """Other rules came into force while posts were judged by these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A rule file that somebody hands over: its name among the rules, its bytes, where it was read."""

    name: str
    content: bytes
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """The rules in force, the rules with some handed-over files, and the examples that these break."""

    before: Rules
    after: Rules
    entries: int
    problems: list[Json]


def read_handed(file: str) -> Handed:
    """Read a handed-over rule file.

    Raises:
        InputError: it is missing (``missing_file``), no UTF-8 (``bad_encoding``), no YAML (``corrupt_file``), or
            its name cannot be that of a rule file (``bad_field``).
    """
    from classifiers.rulefiles import is_yaml, rule_name

    path = Path(file).absolute()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise missing(str(path), error.strerror or "cannot be read") from None
    if len(content) > MOST_BYTES:
        raise InputError("bad_field", f"a rule file has at most {MOST_BYTES} bytes", file=str(path))
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError("bad_encoding", "rule files are written in UTF-8", file=str(path)) from None
    if not is_yaml(content):
        raise InputError("corrupt_file", "this is no YAML document", file=str(path))
    name = rule_name(path.name, content)
    if path.suffix != ".yml" and not name.startswith("data/"):
        raise InputError("bad_field", "the name of a rule file ends in .yml", file=str(path))
    return Handed(name=name, content=content, path=path)


def make_candidate(handed: list[Handed]) -> Candidate:
    """Return what the rules would be with these files, every example of every entry checked.

    Raises:
        SettingsError: a handed-over file has an unknown key, or a file in force cannot be used (exit 2).
        InputError: a handed-over file cannot be used for another reason (``bad_field``).
    """
    from classifiers.rulefiles import failed_examples

    entries = sum(_checked(one) for one in handed)
    before = active_rules()
    changed = [one for one in handed if one.name.startswith(("lexicons/", "data/"))]
    after = _with_files(before, changed) if changed else before
    problems = [
        _example_problem(broken.rule, broken.text, found=broken.found, files=after.files)
        for broken in failed_examples(after.ruleset)
    ]
    return Candidate(before=before, after=after, entries=entries, problems=problems)


def candidate_of(row: ChangeRow, content: bytes) -> Candidate:
    """Return what the rules would be with a stored change; errors as :func:`make_candidate`."""
    return make_candidate([Handed(name=row.file, content=content, path=Path(row.file))])


def _checked(one: Handed) -> int:
    from classifiers.datafiles import DataFileError
    from classifiers.rulefiles import check_rule_file

    try:
        return check_rule_file(one.name, one.content)
    except DataFileError as error:
        raise _handed_error(error, one.path) from None


def _with_files(before: Rules, handed: list[Handed]) -> Rules:
    """Return the rules in force with these files in their places."""
    from classifiers.datafiles import DataFileError
    from classifiers.rulefiles import OVERLAY, RuleFile, load_rule_files, place_of

    own = {one.name: one.path for one in handed}
    new = {one.name: RuleFile(name=one.name, content=one.content, path=one.path, origin=OVERLAY) for one in handed}
    files = dict(sorted({**before.files, **new}.items()))
    try:
        ruleset = load_rule_files({name: file.content for name, file in files.items()})
    except DataFileError as error:
        place = place_of(error)
        if place in own:
            raise _handed_error(error, own[place]) from None
        raise _handed_error(error, files[place].path if place in files else error.path) from None
    return Rules(files=files, ruleset=ruleset)


def _handed_error(error: DataFileError, path: Path) -> InputError:
    """Return the error of a handed-over file: an unknown key ends with 2, other faults with 1 (contracts §1)."""
    if error.unknown_key:
        return settings_error(error, path)
    return InputError("bad_field", error.why, file=str(path), field=error.field or None)


def _example_problem(rule: str, text: str, *, found: bool, files: Mapping[str, RuleFile]) -> Json:
    stem, _, term = rule.partition(":")
    file = files[f"lexicons/{stem}.yml"]
    does = "finds, and should not:" if found else "does not find:"
    return {
        "code": "bad_field",
        "file": str(file.path),
        "field": "examples.non_matching" if found else "examples.matching",
        "id": rule,
        "message": f"entry {term} {does} {text}",
    }


@contextlib.contextmanager
def rules_lock() -> Iterator[None]:
    """Let one process of this machine at a time put rules in force; a killed one lets go."""
    path = context.workspace.root / "overlays" / ".lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def activate(change_id: int, *, actor: Actor) -> tuple[ChangeRow, int]:
    """Put a change in force and return it with the number of its entries.

    Raises:
        NotFoundError, ForbiddenError, TransitionError, OwnChangeError, BaseChangedError: as
            :func:`storage.rule_changes.begin_activation`; nothing was changed.
        InputError: the rules with the change cannot be used, or an example of them fails.
    """
    from storage.rule_changes import begin_activation, get_change
    from storage.rulesets import ensure_ruleset, file_content
    from storage.transitions.rule_change import ChangeEvent, next_state

    with rules_lock():
        _end_begun()
        with context.store.read() as conn:
            row = get_change(conn, change_id)
            next_state(row.id, row.state, ChangeEvent.ACTIVATE, actor)  # before the work of loading the rules
            content = file_content(conn, row.sha256)
        candidate = candidate_of(row, content)
        if candidate.problems:
            raise InputError("bad_field", candidate.problems[0]["message"], file=row.file)
        before, after = candidate.before, candidate.after
        for rules in (before, after):
            ensure_ruleset(context.store, rules.ruleset.version, rules.contents, now=context.now())
        with context.store.write(context.now()) as unit:
            row = begin_activation(
                unit,
                change_id,
                actor=actor,
                in_force=hash_in_force(row.file, before),
                before=before.ruleset.version,
                after=after.ruleset.version,
            )
        return _put_in_place(row, content), candidate.entries


def stage_rules() -> Rules:
    """Return the rules for stored posts; their files are kept, so that their verdicts stay explained."""
    from storage.rulesets import ensure_ruleset

    end_activations()
    rules = active_rules()
    ensure_ruleset(context.store, rules.ruleset.version, rules.contents, now=context.now())
    return rules


def check_standing(rules: Rules) -> None:
    """Raise RulesChangedError when other rules have come into force since these were read."""
    from classifiers.rulefiles import files_in_force

    present = {name: file.content for name, file in files_in_force(overlay_folders()).items()}
    if present != rules.contents:
        raise RulesChangedError


def end_activations() -> None:
    """End what a killed activation began; quick when there is none."""
    from storage.rule_changes import activating_changes

    with context.store.read() as conn:
        begun = activating_changes(conn)
    if begun:
        with rules_lock():
            _end_begun()


def hash_in_force(name: str, rules: Rules | None = None) -> str | None:
    """Return the hash of the file of this name that is in force, None where there is none."""
    from classifiers.rulefiles import files_in_force, suppression_files

    folders = overlay_folders()
    files = {**(rules.files if rules else files_in_force(folders)), **suppression_files(folders)}
    return files[name].sha256 if name in files else None


def _end_begun() -> None:
    from storage.rule_changes import activating_changes, fail_activation
    from storage.rulesets import file_content

    with context.store.read() as conn:
        begun = [(row, file_content(conn, row.sha256)) for row in activating_changes(conn)]
    for row, content in begun:
        if hash_in_force(row.file) in (row.sha256, row.base_sha256):
            _put_in_place(row, content)
        else:
            with context.store.write(context.now()) as unit:
                fail_activation(unit, row.id, reason="another file was put there before it")


def _put_in_place(row: ChangeRow, content: bytes) -> ChangeRow:
    """Write the file of a change that is being put in force, and record that it stands there."""
    from storage.rule_changes import finish_activation, get_change

    path = overlay_folders()[0] / row.file
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*"):  # of an activation that was killed while it wrote
        left.unlink(missing_ok=True)
    with replaced_atomically(path) as target:
        target.write(content)
    _sync_folder(path.parent)
    with context.store.write(context.now()) as unit:
        return finish_activation(unit, row.id) or get_change(unit.conn, row.id)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
