"""The documentation names every command, setting, variable, channel and adapter, and its links lead somewhere."""

from __future__ import annotations

import importlib
import re
import tomllib
from functools import cache
from typing import TYPE_CHECKING

import pydantic
import typer

from tests.support import tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOML_BLOCK = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`([^`\n]+)`")
VARIABLE = re.compile(r"\bQINGYUAN_[A-Z][A-Z_]+\b")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)(?:#[^)\s]*)?\)")


@cache
def pages() -> dict[Path, str]:
    """Return the documentation: docs/ and what stands beside it at the top."""
    folders = (tree.ROOT, tree.ROOT / "docs")
    found = [path for path in tree.project_files() if path.suffix == ".md"]
    kept = [path for path in found if path.parent == folders[0] or folders[1] in path.parents]
    return {path: path.read_text("utf-8") for path in kept}


def all_text() -> str:
    return "\n".join(pages().values())


def commands() -> Iterator[str]:
    """Yield the words of every command of the command line."""
    app = importlib.import_module("cli").app
    yield from words_below(typer.main.get_command(app), "")


def words_below(command: object, words: str) -> Iterator[str]:
    group: dict[str, object] | None = getattr(command, "commands", None)
    if group is None:
        yield words
        return
    for name, below in group.items():
        yield from words_below(below, f"{words} {name}".strip())


def setting_keys(model: type[pydantic.BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel):
            yield from setting_keys(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def keys_of(table: dict[str, object], prefix: str = "") -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from keys_of(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_every_command_is_documented() -> None:
    text = all_text()
    missing = [
        words for words in commands() if not re.search(rf"(qingyuan (--\S+ \S+ )*|`){re.escape(words)}\b", text)
    ]
    assert missing == []


def test_every_setting_is_documented() -> None:
    """In an example of the settings file, or by its dotted name."""
    text = all_text()
    shown = {key for block in TOML_BLOCK.findall(text) for key in keys_of(tomllib.loads(block))}
    named = set(CODE_SPAN.findall(text))
    settings = importlib.import_module("settings").Settings
    assert [key for key in setting_keys(settings) if key not in shown | named] == []


def test_every_environment_variable_is_documented() -> None:
    used = {name for module in tree.product_modules() for name in VARIABLE.findall(module.text)}
    assert sorted(used - set(VARIABLE.findall(all_text()))) == []


def test_every_channel_is_documented() -> None:
    channels = {path.stem for path in (tree.ROOT / "reporting" / "channels").glob("*.yml")}
    text = all_text()
    assert channels != set()
    assert [name for name in sorted(channels) if f"`{name}`" not in text] == []


def test_every_adapter_is_documented() -> None:
    adapters = {path.stem for path in (tree.ROOT / "crawler" / "sources").glob("*.yml")}
    text = all_text()
    assert [name for name in sorted(adapters) if f"`{name}`" not in text] == []


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{path.relative_to(tree.ROOT)} -> {target}"
        for path, text in pages().items()
        for target in LINK.findall(text)
        if not (path.parent / target).exists()
    ]
    assert broken == []
