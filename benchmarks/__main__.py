"""Runs every benchmark, or those named: `python -m benchmarks [crawl] [memory] [screen]`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def known_benchmarks() -> list[str]:
    """Return the names of the benchmarks: modules and packages beside this file that are not private."""
    here = Path(__file__).parent
    modules = {path.stem for path in here.glob("[a-z]*.py")}
    return sorted(modules | {path.parent.name for path in here.glob("[a-z]*/__init__.py")})


def main() -> None:
    """Run the benchmarks and print their tables."""
    for name in sys.argv[1:] or known_benchmarks():
        print(f"== {name}")
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
