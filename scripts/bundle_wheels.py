"""Keep of a folder of downloaded packages what the product runs with, as wheels, and write their hashed list.

Usage: ``bundle_wheels.py FOLDER LIST``. What came as source is built into a wheel; a package that only developers
need is left out. The list is what the receiver installs from: the hashes of the very files in the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent


def needed() -> set[str]:
    """Return the names of all packages that the project needs to run: those declared, and what those ask for."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    waiting = [Requirement(line) for line in declared]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = waiting.pop()
        one = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if one not in seen:
            seen.add(one)
            waiting += asked_for_by(*one)
    return {name for name, _ in seen}


def asked_for_by(name: str, extras: frozenset[str]) -> Iterator[Requirement]:
    """Yield what an installed package asks for on this platform, with some of its extras."""
    with contextlib.suppress(PackageNotFoundError):  # its own marker kept it off this platform
        for line in requires(name) or []:
            found = Requirement(line)
            if not found.marker or any(found.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                yield found


def build_sources(folder: Path) -> None:
    """Replace every package that came as source by a wheel of it."""
    for source in [*folder.glob("*.tar.gz"), *folder.glob("*.zip")]:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*command, "--wheel-dir", str(folder), str(source)], check=True)
        source.unlink()


def main() -> None:
    """Do it."""
    folder, listed = Path(sys.argv[1]), Path(sys.argv[2])
    build_sources(folder)
    wanted = needed()
    lines = []
    for wheel in sorted(folder.glob("*.whl")):
        name, version, _, _ = parse_wheel_filename(wheel.name)
        if name in wanted:
            lines.append(f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}")
        else:
            wheel.unlink()
    missing = wanted - {line.partition("==")[0] for line in lines}
    if missing:
        sys.stderr.write(f"not on this platform: {', '.join(sorted(missing))}\n")
    listed.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
