"""Who may import whom, where import-linter cannot look: single files at the top, third-party libraries."""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from tests.support import tree

ROOF = frozenset({"cli", "scheduler", "commands", "demo"})
READS_SETTINGS = ROOF | {"review", "settings"}
STANDARD_LIBRARY = frozenset(sys.stdlib_module_names)
STORAGE_LIBRARIES = frozenset({"sqlalchemy", "alembic", "psycopg", "cryptography", "structlog"})
STDLIB_ONLY = ("storage.records", "storage.errors", "storage.transitions")
# Libraries that come with a declared one and are part of its interface.
COMES_WITH = {
    "cssselect": "scrapy",
    "itemadapter": "scrapy",
    "markupsafe": "jinja2",
    "parsel": "scrapy",
    "protego": "scrapy",
    "starlette": "fastapi",
    "tldextract": "scrapy",
    "twisted": "scrapy",
    "w3lib": "scrapy",
    "zope": "scrapy",
    "docx": "docxtpl",
    "pydantic_core": "pydantic",
}
# Libraries of the developers' set-up that one module uses, where a command says what to install.
OPTIONAL = {"classifiers.ngrams": {"sklearn"}}


def tops(module: tree.Module) -> set[str]:
    return {name.split(".")[0] for name in tree.imported_names(module)}


def importing(name: str) -> set[str]:
    """Return the product's modules that import ``name`` or something below it."""
    return {
        module.name
        for module in tree.product_modules()
        if any(f"{found}.".startswith(f"{name}.") for found in tree.imported_names(module))
    }


def packages(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("roof", sorted(ROOF))
def test_nobody_below_imports_the_roof(roof: str) -> None:
    assert packages(importing(roof)) <= ROOF


def test_nobody_imports_the_command_line() -> None:
    assert importing("cli") == set()


def test_commands_alone_start_the_scheduler() -> None:
    assert packages(importing("scheduler")) <= {"commands"}


def test_the_commands_that_play_alone_import_the_demo() -> None:
    outside = {name for name in importing("demo") if name.split(".")[0] != "demo"}
    assert outside <= {"commands.demonstration", "commands.simulating"}


def test_only_roof_and_attic_read_settings() -> None:
    assert packages(importing("settings")) <= READS_SETTINGS


def test_settings_know_no_floor_but_errors() -> None:
    """They are a leaf: read by many, they read nobody."""
    found = [module for module in tree.product_modules() if module.name == "settings"]
    own = {name for module in found for name in tree.imported_names(module) if name.split(".")[0] in tree.OWN_NAMES}
    assert all(name.startswith("storage.errors.") for name in own)


def test_the_command_line_only_assembles() -> None:
    own = {
        name.split(".")[0]
        for module in tree.product_modules()
        if module.name == "cli"
        for name in tree.imported_names(module)
        if name.split(".")[0] in tree.OWN_NAMES
    }
    assert own <= {"commands", "storage", "settings"}


def test_apscheduler_is_imported_by_the_scheduler_alone() -> None:
    assert importing("apscheduler") <= {"scheduler"}


def test_storage_stands_on_its_own_few_libraries() -> None:
    allowed = STANDARD_LIBRARY | STORAGE_LIBRARIES | {"storage"}
    odd = {
        module.name: sorted(tops(module) - allowed)
        for module in tree.product_modules()
        if module.package == "storage" and tops(module) - allowed
    }
    assert odd == {}


@pytest.mark.parametrize("name", STDLIB_ONLY)
def test_records_errors_and_transitions_need_the_standard_library_only(name: str) -> None:
    wrong = [
        f"{module.name} imports {found}"
        for module in tree.product_modules()
        if f"{module.name}.".startswith(f"{name}.")
        for found in tree.imported_names(module)
        if found.split(".")[0] not in STANDARD_LIBRARY
        and not found.startswith(tuple(f"{allowed}." for allowed in STDLIB_ONLY))
        and found not in STDLIB_ONLY
    ]
    assert wrong == []


def test_no_classifier_imports_the_stage() -> None:
    """``classifiers.run`` is the impure one; import-linter looks past it, so nobody may lean on it."""
    assert {name for name in importing("classifiers.run") if name.startswith("classifiers.")} <= {"classifiers.run"}


def test_every_library_in_use_is_declared() -> None:
    declared = declared_distributions()
    providers = packages_distributions()
    undeclared = {
        f"{module.name}: {name}"
        for module in tree.product_modules()
        for name in tops(module) - STANDARD_LIBRARY - set(tree.OWN_NAMES) - OPTIONAL.get(module.name, set())
        if not ({normal(found) for found in providers.get(name, [name])} | {COMES_WITH.get(name)}) & declared
    }
    assert undeclared == set()


def declared_distributions() -> set[str]:
    project = tomllib.loads((tree.ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = (line.split(">")[0].split("=")[0].split("[")[0].strip() for line in project["dependencies"])
    return {normal(name) for name in names}


def normal(name: str) -> str:
    return name.lower().replace("_", "-")
