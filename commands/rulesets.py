"""The rules in force in a workspace: the shipped files under its overlays, read once as bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from commands.context import context
from storage.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from classifiers.datafiles import DataFileError
    from classifiers.engine import Ruleset
    from classifiers.rulefiles import RuleFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A ruleset with the files it was made of, by name."""

    files: Mapping[str, RuleFile]
    ruleset: Ruleset

    @property
    def contents(self) -> dict[str, bytes]:
        """The bytes of the files by name."""
        return {name: file.content for name, file in self.files.items()}


def overlay_folders() -> list[Path]:
    """Return the overlay folder of the workspace; none without a workspace."""
    return [context.workspace.root / "overlays"] if context.data else []


def active_ruleset() -> Ruleset:
    """Return the workspace's ruleset (shipped files under its overlays), the shipped one without a workspace."""
    return active_rules().ruleset


def active_rules() -> Rules:
    """Return the rules in force with their files: exactly the bytes that were read are loaded.

    Raises:
        SettingsError: a file cannot be used; it is named (exit 2).
    """
    from classifiers.datafiles import DataFileError
    from classifiers.rulefiles import files_in_force, load_rule_files, place_of

    files: dict[str, RuleFile] = {}
    try:
        files = files_in_force(overlay_folders())
        ruleset = load_rule_files({name: file.content for name, file in files.items()})
    except DataFileError as error:
        named = files.get(place_of(error))
        raise settings_error(error, named.path if named else error.path) from None
    return Rules(files=files, ruleset=ruleset)


def settings_error(error: DataFileError, path: Path | None = None) -> SettingsError:
    """Return the error of a rule file in the words of the contracts; exit code 2."""
    code = "unknown_key" if error.unknown_key else "bad_field"
    return SettingsError(code, error.why, file=str(path or error.path), field=error.field or None)
