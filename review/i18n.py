"""The words of the desk: one catalogue file per language, checked to have the same keys."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from storage.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = {"zh": "zh-CN", "en": "en"}
"""Catalogue name to the language tag that a page carries."""

_FOLDER = Path(__file__).parent / "locales"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The texts of one language; calling it returns one of them with its values put in."""

    language: str
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Return a text; KeyError when the catalogue lacks it."""
        text = self.texts[key]
        return text.format(**values) if values else text

    @property
    def tag(self) -> str:
        """The language tag for the page, such as ``zh-CN``."""
        return LANGUAGES[self.language]


@cache
def load_catalogues() -> dict[str, Catalogue]:
    """Return the catalogue of each language.

    Raises:
        SettingsError: a file holds something else than texts, or the languages differ in their keys.
    """
    found = {name: Catalogue(language=name, texts=_read(_FOLDER / f"{name}.yml")) for name in LANGUAGES}
    first, *others = found.values()
    for other in others:
        odd = sorted(set(first.texts) ^ set(other.texts))
        if odd:
            raise SettingsError("bad_field", f"only one language has {', '.join(odd)}", file=str(_FOLDER))
    return found


def _read(path: Path) -> dict[str, str]:
    loaded = yaml.safe_load(path.read_text("utf-8"))
    if not isinstance(loaded, dict):
        raise SettingsError("bad_field", "a catalogue is groups of texts", file=str(path))
    texts: dict[str, str] = {}
    for group, entries in loaded.items():
        for key, text in entries.items():
            if not isinstance(text, str):
                raise SettingsError("bad_field", f"{group}.{key} is no text", file=str(path))
            texts[f"{group}.{key}"] = text
    return texts
