"""The rules in force in a workspace: the shipped files under its overlays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands.context import context
from storage.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from classifiers.datafiles import DataFileError
    from classifiers.engine import Ruleset


def overlay_folders() -> list[Path]:
    """Return the overlay folder of the workspace; none without a workspace."""
    return [context.workspace.root / "overlays"] if context.data else []


def active_ruleset() -> Ruleset:
    """Return the workspace's ruleset (shipped files under its overlays), the shipped one without a workspace."""
    from classifiers.datafiles import DataFileError
    from classifiers.engine import load_ruleset

    try:
        return load_ruleset(overlay_folders())
    except DataFileError as error:
        raise settings_error(error) from None


def settings_error(error: DataFileError) -> SettingsError:
    """Return the error of a rule file in the words of the contracts; exit code 2."""
    code = "unknown_key" if error.unknown_key else "bad_field"
    return SettingsError(code, error.why, file=str(error.path), field=error.field or None)
