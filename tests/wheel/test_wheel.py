"""The product as it is installed: an editable install hides files that the wheel lacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.support import tree

pytestmark = pytest.mark.wheel
PROBE = Path(__file__).with_name("probe.py")


def succeed(command: list[str], *, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built wheel."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    succeed(command, cwd=tree.ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a new environment with the wheel in it; the libraries come from the environment of the tests."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, symlinks=True)
    options = ["install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), *options, str(wheel)]
    succeed(command, cwd=folder)
    # Only now: pip must not take the editable install for ours. Its own .pth is not followed from here.
    (own,) = folder.glob("lib/python*/site-packages")
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (own / "libraries.pth").write_text("\n".join(sorted(libraries)))
    return folder


def run(installed: Path, *command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run one of the environment's programs with none of our variables set."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("QINGYUAN_")}
    if chromium := os.environ.get("QINGYUAN_CHROMIUM"):
        clean["QINGYUAN_CHROMIUM"] = chromium
    words = [str(installed / "bin" / command[0]), *command[1:]]
    return subprocess.run(words, cwd=cwd, env=clean, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def probed(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what a program inside the environment sees of us."""
    done = run(installed, "python", "-P", str(PROBE), *tree.OWN_NAMES, cwd=tmp_path_factory.mktemp("probe"))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_wheel_holds_every_file_of_ours_and_nothing_else(wheel: Path) -> None:
    relative = [path.relative_to(tree.ROOT) for path in tree.project_files()]
    ours = {path.as_posix() for path in relative if path.parts[0].removesuffix(".py") in tree.OWN_NAMES}
    with zipfile.ZipFile(wheel) as archive:
        members = set(archive.namelist())
    assert {name for name in members if ".dist-info/" not in name} == ours
    licences = {name.split("/")[-1] for name in members if ".dist-info/licenses/" in name}
    assert licences == {"LICENSE", "NOTICE"}


def test_every_name_at_the_top_is_ours_alone(probed: dict[str, Any], installed: Path) -> None:
    assert {name: owners for name, owners in probed["owners"].items() if owners != ["qingyuan"]} == {}
    assert [place for place in probed["places"].values() if not place.startswith(str(installed))] == []


def test_every_command_explains_itself(probed: dict[str, Any]) -> None:
    assert len(probed["help"]) > 1
    assert {
        words: told for words, told in probed["help"].items() if told["exit"] or "Usage" not in told["text"]
    } == {}


def test_the_program_starts_and_refuses_wrong_usage(installed: Path, tmp_path: Path) -> None:
    assert "清源" in run(installed, "qingyuan", "--help", cwd=tmp_path).stdout
    assert run(installed, "qingyuan", "no-such-command", cwd=tmp_path).returncode == 2


@pytest.mark.timeout(1500)
def test_the_demo_goes_through_the_whole_loop(installed: Path, tmp_path: Path) -> None:
    data = tmp_path / "demo"
    done = run(installed, "qingyuan", "demo", "--no-serve", "--data", str(data), "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    summary = json.loads(line)
    assert summary["posts"] >= 250
    assert summary["submitted"] > 0
    assert summary["evidence"]["files"] == summary["evidence"]["verified"] > 0
    assert len([kind for kind, count in summary["outcomes"].items() if count]) >= 3
    assert summary["action_rate"]["unknown"] > 0
    assert (data / "demo.json").is_file()
