"""Kept versions of the rules: what they are, their files, and the rules made anew from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands.context import UsageError, context
from commands.rulesets import active_ruleset, settings_error
from storage.post_reads import iso

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from classifiers.engine import Ruleset
    from storage.records import Json
    from storage.rulesets import KeptRuleset


def ruleset_lines() -> Iterator[Json]:
    """Yield the kept versions, newest first."""
    from storage.rule_changes import list_changes
    from storage.rulesets import list_rulesets

    with context.store.read() as conn:
        kept = list_rulesets(conn, limit=context.limit)
        made = {row.ruleset_after: row.key for row in list_changes(conn, limit=0) if row.ended_at}
    active = active_ruleset().version
    for one in kept:
        yield {**_line(one, active), "change": made.get(one.version)}


def ruleset_details(version: str) -> Json:
    """Return one version with its files and the number of verdicts of it; raise NotFoundError."""
    from storage.rulesets import count_verdicts_of, get_ruleset

    with context.store.read() as conn:
        kept = get_ruleset(conn, version)
        verdicts = count_verdicts_of(conn, version)
    files = [{"file": name, "sha256": sha256} for name, sha256 in sorted(kept.files.items())]
    return {**_line(kept, active_ruleset().version), "verdicts": verdicts, "files": files}


def write_ruleset(version: str, folder: Path) -> str:
    """Write the files of a version into a folder that is new or empty; return the folder."""
    from storage.rulesets import ruleset_files

    root = folder.expanduser().absolute()
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UsageError(f"{root} is not empty; nothing was written", field="--write")
    with context.store.read() as conn:
        files = ruleset_files(conn, version)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return str(root)


def kept_ruleset(version: str) -> Ruleset:
    """Return the rules of a kept version, made anew from its files, to explain or repeat its verdicts.

    Raises:
        NotFoundError: the version is not kept.
        SettingsError: this version of the program cannot read its files.
        UsageError: the program makes other rules of them than the one that kept them.
    """
    from classifiers.datafiles import DataFileError
    from classifiers.rulefiles import load_rule_files
    from storage.rulesets import get_ruleset, ruleset_files

    with context.store.read() as conn:
        kept, files = get_ruleset(conn, version), ruleset_files(conn, version)
    try:
        ruleset = load_rule_files(files)
    except DataFileError as error:
        raise settings_error(error) from None
    if ruleset.version != version:
        message = f"only {kept.software} makes {version} of these files; this program makes {ruleset.version}"
        raise UsageError(message, field="RULESET")
    return ruleset


def _line(kept: KeptRuleset, active: str) -> Json:
    return {
        "ruleset": kept.version,
        "kept_at": iso(kept.kept_at),
        "software": kept.software,
        "in_force": kept.version == active,
    }
