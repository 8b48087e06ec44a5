"""Strict reading of the YAML and JSON files that hold words, patterns and weights.

Every key is taken once by name; what is left over is an error, so a misspelt key never passes in silence.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from pathlib import Path

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DataFileError(ValueError):
    """A data file of the ruleset cannot be used; the message names file and place.

    ``field`` is the key at fault where there is one; ``unknown_key`` says that no such key is known.
    """

    def __init__(self, path: Path, why: str, *, field: str = "", unknown_key: bool = False) -> None:
        """Say which file and key are at fault and why."""
        self.path = path
        self.why = why
        self.field = field
        self.unknown_key = unknown_key
        super().__init__(f"{path.name}: {why}")


class DataNode:
    """A mapping of a data file whose keys are taken by name and whose rest must be empty."""

    def __init__(self, path: Path, place: str, values: dict[str, object]) -> None:
        """Wrap ``values``, which stand at ``place`` in the file ``path``."""
        self.path = path
        self.place = place
        self._left = dict(values)

    def _take(self, key: str) -> object:
        if key not in self._left:
            raise DataFileError(self.path, f"{self.place} lacks the key {key!r}")
        return self._left.pop(key)

    def has(self, key: str) -> bool:
        """Return whether the key is there and not yet taken."""
        return key in self._left

    def keys(self) -> list[str]:
        """Return the keys that are not yet taken."""
        return list(self._left)

    def text(self, key: str) -> str:
        """Take a string."""
        value = self._take(key)
        if not isinstance(value, str):
            raise DataFileError(self.path, f"{self.place}.{key} must be text")
        return value

    def number(self, key: str) -> float:
        """Take a number."""
        value = self._take(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DataFileError(self.path, f"{self.place}.{key} must be a number")
        return float(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Take a list of strings."""
        value = self._take(key)
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise DataFileError(self.path, f"{self.place}.{key} must be a list of texts")
        return tuple(str(entry) for entry in value)

    def node(self, key: str) -> DataNode:
        """Take a nested mapping."""
        value = self._take(key)
        return DataNode(self.path, f"{self.place}.{key}", _mapping(self.path, f"{self.place}.{key}", value))

    def nodes(self, key: str) -> list[DataNode]:
        """Take a list of mappings."""
        value = self._take(key)
        if not isinstance(value, list):
            raise DataFileError(self.path, f"{self.place}.{key} must be a list")
        return [
            DataNode(self.path, f"{self.place}.{key}[{n}]", _mapping(self.path, f"{self.place}.{key}[{n}]", entry))
            for n, entry in enumerate(value)
        ]

    def items(self) -> list[tuple[str, object]]:
        """Take everything that is left, as pairs."""
        pairs = list(self._left.items())
        self._left.clear()
        return pairs

    def close(self) -> None:
        """Raise DataFileError if a key was not taken."""
        if self._left:
            key = min(self._left)
            place = f"{self.place}.{key}" if self.place != "top" else key
            raise DataFileError(
                self.path, f"{self.place} has the unknown key {key!r}", field=place, unknown_key=True
            )


def _mapping(path: Path, place: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise DataFileError(path, f"{place} must be a mapping")
    return {str(key): entry for key, entry in value.items()}


def read_data_file(path: Path) -> DataNode:
    """Return the mapping that the YAML or JSON file holds; raise DataFileError when it holds something else."""
    try:
        text = path.read_text(encoding="utf-8")
        value = json.loads(text) if path.suffix == ".json" else load_yaml(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DataFileError(path, str(error)) from error
    return DataNode(path, "top", _mapping(path, "top", value))


def load_yaml(text: str) -> object:
    """Return what a YAML document holds, read by libyaml where it is there: some eight times as fast.

    Raises:
        yaml.YAMLError: it is no YAML.
    """
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader, whichever of the two is there
