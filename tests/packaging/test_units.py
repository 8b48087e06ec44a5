"""The systemd units and the container file: well-formed, hardened, and naming what exists."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import typer

from tests.support import tree

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = tree.ROOT / "packaging"
FOR_TESTS = {"postgresql", "libreoffice-calc-nogui"}
UNITS = ("qingyuan-serve", "qingyuan-schedule")
HARDENED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "CapabilityBoundingSet": "",
    "User": "qingyuan",
    "ReadWritePaths": "/var/lib/qingyuan",
    "UMask": "0077",
}


def unit(name: str) -> dict[str, dict[str, list[str]]]:
    """Return sections, keys and values of a unit; a key may stand several times."""
    found: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    for line in (FOLDER / "systemd" / f"{name}.service").read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), {})
            continue
        key, equals, value = line.partition("=")
        assert equals, line
        section.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_hardened_and_starts_a_command_of_ours(name: str) -> None:
    service = unit(name)["Service"]
    assert {key: service[key] for key in HARDENED} == {key: [value] for key, value in HARDENED.items()}
    (start,) = service["ExecStart"]
    program, command = start.split()
    assert program == "/opt/qingyuan/.venv/bin/qingyuan"
    assert command in getattr(typer.main.get_command(importlib.import_module("cli").app), "commands", {})
    assert unit(name)["Install"] == {"WantedBy": ["multi-user.target"]}


@pytest.mark.parametrize("name", UNITS)
def test_systemd_takes_a_unit_without_a_word(name: str, tmp_path: Path) -> None:
    """By its own checker where there is one; the program, which is not installed here, is replaced."""
    text = (FOLDER / "systemd" / f"{name}.service").read_text("utf-8")
    ours = tmp_path / f"{name}.service"
    ours.write_text(text.replace("/opt/qingyuan/.venv/bin/qingyuan", sys.executable), "utf-8")
    checker = shutil.which("systemd-analyze")
    if checker is None:  # the test above has read it
        return
    done = subprocess.run(
        [checker, "verify", "--man=no", str(ours)], capture_output=True, text=True, check=False, timeout=60
    )
    said = [line for line in done.stderr.splitlines() if name in line]
    assert (done.returncode, said) == (0, [])


def test_the_container_copies_what_is_there_and_runs_as_nobody_special() -> None:
    text = re.sub(r"\\\n", " ", (FOLDER / "Containerfile").read_text("utf-8"))
    steps = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    sources = [name for word, rest in steps if word == "COPY" for name in rest.split()[:-1]]
    assert [name for name in sources if not (tree.ROOT / name).exists()] == []
    assert {*tree.PACKAGES, *(f"{name}.py" for name in tree.TOP_MODULES)} <= set(sources)
    words = [word for word, _ in steps]
    assert steps[0] == ["FROM", "debian:12-slim"]
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert "--require-hashes" in text
    assert "://" not in text.replace("http://127.0.0.1:8000/healthz", "")


def test_the_container_has_the_packages_that_the_set_up_asks_for() -> None:
    wanted = re.findall(
        r"(?:missing|vital)\+=\(([^)]*)\)", (tree.ROOT / "scripts" / "system.sh").read_text("utf-8")
    )
    packages = {name for group in wanted for name in group.split()} - FOR_TESTS
    assert {name for name in packages if name not in (FOLDER / "Containerfile").read_text("utf-8")} == set()
