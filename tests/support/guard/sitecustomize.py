"""Loaded by every Python child of a test run: it guards its own sockets as the tests do."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_place = Path(__file__).parent.parent / "network.py"
_spec = importlib.util.spec_from_file_location("qingyuan_tests_network", _place)
if _spec is not None and _spec.loader is not None:
    _network = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(_network)
    _network.install()
