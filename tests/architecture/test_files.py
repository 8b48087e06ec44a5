"""What may stand in the project's files: no address of an index, no path of a machine; a lock of plain lines."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.support import tree

LOCK_LINE = re.compile(
    r"""
      [A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.+!_-]+        # a pinned package
      (\ ;\ [A-Za-z0-9_.'\ <>=!()]+)?\ \\                  # its marker; hashes follow
    | \ {4}--hash=sha256:[0-9a-f]{64}(\ \\)?
    | \ {4}\#\ via(\ [A-Za-z0-9][A-Za-z0-9._-]*(\ \(pyproject\.toml\))?)?
    | \ {4}\#\ {3}[A-Za-z0-9][A-Za-z0-9._-]*(\ \(pyproject\.toml\))?
    """,
    re.VERBOSE,
)
# In pieces, so that this file does not hold what it looks for.
PUBLIC_INDEXES = tuple(
    "".join(parts) for parts in (("py", "pi.org"), ("python", "hosted.org"), ("registry.", "npmjs.org"))
)
URL_HOST = re.compile(r"https?://([^/\s'\":]+)")
# A checkout may stand in one of these; their names alone betray no machine.
COMMON_FOLDERS = re.compile(r"/|/home|/(app|builds|data|mnt|opt|root|src|srv|tmp|usr|var)")


def texts() -> list[tuple[str, str]]:
    found = []
    for path in tree.project_files():
        content = path.read_bytes()
        if b"\0" not in content[:8192]:
            found.append((path.relative_to(tree.ROOT).as_posix(), content.decode("utf-8", "replace")))
    return found


def index_hosts() -> set[str]:
    """Return the hosts of package indexes: the public ones and those that pip is set up for here."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    hosts = {host.split("@")[-1] for host in URL_HOST.findall(told.stdout)}
    return {*PUBLIC_INDEXES, *hosts} - {"localhost", "127.0.0.1"}


def machine_paths() -> re.Pattern[str]:
    """Return the pattern of paths that exist only on this machine: checkout, its parent, environment, home."""
    folders = {tree.ROOT, tree.ROOT.parent, Path(sys.prefix), Path.home(), Path(os.environ.get("TMPDIR", "/"))}
    kept = sorted(str(folder) for folder in folders if not COMMON_FOLDERS.fullmatch(str(folder)))
    return re.compile(rf"(?<![\w.])({'|'.join(map(re.escape, kept))})/")


def test_no_file_names_a_package_index() -> None:
    hosts = index_hosts()
    assert [(place, host) for place, text in texts() for host in hosts if host in text] == []


def test_no_file_holds_a_path_of_this_machine() -> None:
    paths = machine_paths()
    assert [(place, found[0]) for place, text in texts() if (found := paths.search(text))] == []


def test_the_lock_has_pinned_and_hashed_lines_only() -> None:
    lines = (tree.ROOT / "requirements.lock").read_text("utf-8").splitlines()
    assert [line for line in lines if not LOCK_LINE.fullmatch(line)] == []


def test_the_lock_holds_every_declared_package() -> None:
    project = tomllib.loads((tree.ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {normal(re.split(r"[^A-Za-z0-9._-]", line)[0]) for line in declared}
    lock = (tree.ROOT / "requirements.lock").read_text("utf-8")
    assert names - {normal(name) for name in re.findall(r"^([^\s=]+)==", lock, re.MULTILINE)} == set()


def test_set_up_names_no_index_either() -> None:
    """Where packages come from is the business of the machine's own settings."""
    places = [tree.ROOT / "Makefile", tree.ROOT / ".ci" / "run", *(tree.ROOT / "scripts").glob("*.sh")]
    options = re.compile(r"--(extra-)?index-url|--find-links|--trusted-host|--index\b")
    wrong = [
        path.name
        for path in places
        if any(options.search(line.replace("--no-emit", "")) for line in path.read_text("utf-8").splitlines())
    ]
    assert wrong == []


def test_licence_and_notice_are_there() -> None:
    assert "Apache License" in (tree.ROOT / "LICENSE").read_text("utf-8")
    assert "Qingyuan" in (tree.ROOT / "NOTICE").read_text("utf-8")


def test_vendored_files_are_named_in_the_notice() -> None:
    notice = (tree.ROOT / "NOTICE").read_text("utf-8")
    vendored = [path for path in tree.project_files() if "vendor" in path.relative_to(tree.ROOT).parts]
    assert [path.name for path in vendored if path.name not in notice] == []


def test_the_changelog_has_a_section_for_this_version() -> None:
    version = tomllib.loads((tree.ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    changelog = (tree.ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(rf"^## \[({re.escape(version)}|Unreleased)\]", changelog, re.MULTILINE)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
