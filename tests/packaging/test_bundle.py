"""The bundle: what goes into it, what its installer refuses, and a run of the demo from it without any network."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING

import pytest

from tests.support import tree

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

INSTALLER = tree.ROOT / "packaging" / "install-from-bundle.sh"
BUNDLER = tree.ROOT / "scripts" / "bundle.sh"

# In a namespace of its own there is no network but the loopback, which begins switched off.
OFFLINE = ("unshare", "--net", "--map-root-user")
LOOPBACK_UP = """
import fcntl, socket, struct
with socket.socket() as one:
    flags = struct.unpack("16sh", fcntl.ioctl(one, 0x8913, struct.pack("16sh", b"lo", 0)))[1]
    fcntl.ioctl(one, 0x8914, struct.pack("16sh", b"lo", flags | 1))
"""


def wheels_module() -> ModuleType:
    spec = spec_from_file_location("bundle_wheels", tree.ROOT / "scripts" / "bundle_wheels.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_list_holds_what_runs_and_nothing_of_the_developers() -> None:
    found = wheels_module().needed()
    assert {"scrapy", "playwright", "sqlalchemy", "lxml", "greenlet", "twisted", "starlette"} <= found
    assert found & {"pytest", "ruff", "mypy", "hatchling", "scikit-learn", "hypothesis"} == set()
    locked = re.findall(r"^([^\s=]+)==", (tree.ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    assert found <= set(locked)


@pytest.mark.parametrize("script", [INSTALLER, BUNDLER])
def test_a_script_is_well_formed_and_may_be_run(script: Path) -> None:
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert os.access(script, os.X_OK)


@pytest.mark.parametrize("damage", ["changed", "missing", "another architecture", "another Debian"])
def test_a_damaged_bundle_is_refused_before_anything_is_installed(tmp_path: Path, damage: str) -> None:
    bundle, target = tmp_path / "bundle", tmp_path / "target"
    (bundle / "debs").mkdir(parents=True)
    shutil.copy(INSTALLER, bundle / "install.sh")
    facts = {"ARCHITECTURE": "amd64", "DEBIAN": "12", "VERSION": "1", "debs/a.deb": "not a package"}
    for name, text in facts.items():
        (bundle / name).write_text(f"{text}\n", "utf-8")
    sums = [f"{hashlib.sha256((bundle / name).read_bytes()).hexdigest()}  ./{name}\n" for name in facts]
    (bundle / "SHA256SUMS").write_text("".join(sums), "utf-8")
    if damage == "changed":
        (bundle / "debs/a.deb").write_text("another\n", "utf-8")
    elif damage == "missing":
        (bundle / "debs/a.deb").unlink()
    else:
        (bundle / ("ARCHITECTURE" if "arch" in damage else "DEBIAN")).write_text("other\n", "utf-8")
    done = subprocess.run(
        ["bash", str(bundle / "install.sh"), str(target)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "error: " in done.stderr
    assert not target.exists()


def without_guard() -> dict[str, str]:
    """Return the environment without what keeps the tests' children off the network: packages are fetched."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "QINGYUAN_"))}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_demo_runs_from_a_bundle_without_a_route(tmp_path: Path) -> None:
    """Needs a Debian 12 with package mirrors for the making; the installing and running then have no network."""
    subprocess.run([str(BUNDLER), str(tmp_path / "dist")], cwd=tree.ROOT, env=without_guard(), check=True)
    (archive,) = (tmp_path / "dist").glob("*.tar")
    subprocess.run(["tar", "--extract", "--file", str(archive), "--directory", str(tmp_path)], check=True)
    bundle = tmp_path / archive.stem
    subprocess.run(["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"], cwd=bundle, check=True)
    (own,) = (bundle / "ours").glob("*.whl")
    steps = f"""
        set -e
        {sys.executable} -c '{LOOPBACK_UP}'
        {sys.executable} -m venv venv
        pip="{tmp_path}/venv/bin/python -m pip --quiet --disable-pip-version-check"
        cd {bundle}
        $pip install --no-compile --no-index --find-links wheels --require-hashes -r requirements.txt
        cd {tmp_path}
        $pip install --no-compile --no-index --no-deps {own}
        venv/bin/python -c 'import socket; socket.create_connection(("192.0.2.1", 9), 2)' 2>/dev/null && exit 9
        venv/bin/qingyuan demo --no-serve --data demo --json
    """
    done = subprocess.run(
        [*OFFLINE, "bash", "-c", steps],
        cwd=tmp_path,
        env=without_guard(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert '"submitted"' in done.stdout
