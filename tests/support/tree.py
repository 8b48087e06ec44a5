"""The project as files and syntax trees, for the tests of its shape."""

from __future__ import annotations

import ast
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("crawler", "classifiers", "reporting", "storage", "review", "demo", "commands")
TOP_MODULES = ("cli", "scheduler", "settings")
OWN_NAMES = (*PACKAGES, *TOP_MODULES)
SKIPPED_FOLDERS = frozenset({".git", ".venv", "build", "dist", "__pycache__"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file; ``name`` is its dotted import name."""

    path: Path
    name: str
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """Return the top-level name."""
        return self.name.split(".")[0]

    @property
    def place(self) -> str:
        """Return the path below the project."""
        return self.path.relative_to(ROOT).as_posix()


@cache
def project_files() -> tuple[Path, ...]:
    """Return the files that belong to the project: what git knows or would add, else all but what steps made."""
    listed = _listed_by_git() if shutil.which("git") else None
    return tuple(sorted(listed if listed is not None else _walked(ROOT)))


@cache
def modules() -> tuple[Module, ...]:
    """Return every Python file of the project, parsed."""
    return tuple(_module(path) for path in project_files() if path.suffix == ".py")


def product_modules() -> tuple[Module, ...]:
    """Return the modules that the wheel carries."""
    return tuple(module for module in modules() if module.package in OWN_NAMES)


def functions(module: Module) -> Iterator[tuple[str, Function]]:
    """Yield every function with its qualified name inside the module."""
    yield from _functions(module.tree, "")


def imported_names(module: Module) -> set[str]:
    """Return the dotted names that a module imports anywhere, for type checking included."""
    names: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            names.update(f"{base}.{alias.name}" for alias in node.names)
    return names


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    inside = module.path.name == "__init__.py"
    parts = module.name.split(".")
    kept = parts[: len(parts) - node.level + inside]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef):
            name = f"{prefix}{child.name}"
            if isinstance(child, Function):
                yield name, child
            yield from _functions(child, f"{name}.")
        else:
            yield from _functions(child, prefix)


def _module(path: Path) -> Module:
    text = path.read_text("utf-8")
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(path=path, name=name, text=text, tree=ast.parse(text, filename=str(path)))


def _listed_by_git() -> list[Path] | None:
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None  # an exported copy, or a checkout of another account
    paths = (ROOT / name for name in done.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def _walked(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.is_dir():
            if entry.name not in SKIPPED_FOLDERS and not entry.name.endswith(("_cache", ".egg-info")):
                yield from _walked(entry)
        elif entry.is_file():
            yield entry
