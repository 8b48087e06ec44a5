"""`qingyuan simulate`: the real commands over simulated weeks, with kills, and what it leaves behind."""

from __future__ import annotations

import json
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cli import app
from commands.simulating import prepared
from demo.simulation import driver
from demo.simulation.play import LEDGER, play
from tests.support import cli

if TYPE_CHECKING:
    from collections.abc import Mapping

BYTECODE = Path(tempfile.gettempdir()) / "qingyuan-test-bytecode"
QUICKLY = {"PYTHONPYCACHEPREFIX": str(BYTECODE), "PYTHONDONTWRITEBYTECODE": ""}
"""Children keep their compiled modules: starting them is most of a simulated week."""


def simulated(folder: Path, *, weeks: int, seed: int) -> Mapping[str, Any]:
    words = ("simulate", "--weeks", weeks, "--seed", seed, "--json", "--data", folder)
    answer = cli.call(*words, env=QUICKLY)
    assert answer.code == (1 if "problems" in answer.obj else 0), answer.err
    return answer.obj


def check_invariants(figures: Mapping[str, Any], folder: Path) -> None:
    """Check what no simulation may break, whatever its figures are."""
    assert figures["duplicates"] == {"targets": 0, "items": 0}
    assert figures["drafts"] == {"batches": figures["weeks"], "weeks": figures["weeks"]}
    assert figures["audit_valid"]
    assert figures["deliveries"]["taken"] >= 1
    lines = [json.loads(line) for line in (folder / LEDGER).read_text("utf-8").splitlines()]
    assert len(lines) == figures["sent"]["targets"] > 0


FRIDAY = (
    (4, 0.0, driver.keep_calendar),
    (4, 0.5, driver.collect),
    (4, 2.0, driver.decide),
    (4, 9.02, driver.send),
    (6, 11.0, driver.visit),
)
"""A whole round in few processes: what was read today need not be looked at again before it is exported."""


def test_a_friday_goes_through_the_whole_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in QUICKLY.items():
        monkeypatch.setenv(name, value)
    said: list[int] = []
    with prepared(app, tmp_path, weeks=1, seed=4, say=said.append) as run:
        figures = play(run, FRIDAY)
        sent = {one.address for one in run.world.received}
        seen = set(run.history.called_gone | run.history.called_live)
    check_invariants(figures, tmp_path)
    assert said == [1]
    assert figures["known_at_days"]["30"] == {"known": 0, "of": 0, "share": None}
    assert figures["found"]["share"] >= 0.9
    assert len(sent & seen) >= 0.3 * len(sent)
    assert cli.call("audit", "verify", "--data", tmp_path).code == 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_months_hold_what_must_hold(tmp_path: Path) -> None:
    folder = tmp_path / "simulation"
    figures = simulated(folder, weeks=10, seed=7)
    check_invariants(figures, folder)
    assert figures["kills"]["tried"] >= 10
    assert figures["kills"]["counted"] >= 5
    assert figures["known_at_days"]["30"]["of"] > 50
    assert figures["reoffence"]["sent"] >= 1


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept", "utf-8")
    answer = cli.call("simulate", "--weeks", 1, "--data", tmp_path, "--json")
    assert (answer.code, answer.problem["field"]) == (2, "--data")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_database_of_a_real_workspace_is_left_alone(tmp_path: Path) -> None:
    env = {"QINGYUAN_DATABASE_URL": f"sqlite:///{tmp_path / 'real.db'}"}
    answer = cli.call("simulate", "--weeks", 1, "--json", "--data", tmp_path / "new", env=env)
    assert (answer.code, answer.problem["field"]) == (2, "QINGYUAN_DATABASE_URL")
    assert list(tmp_path.iterdir()) == []


def test_interrupted_it_leaves_no_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with cli.started("simulate", "--weeks", 2, "--json") as child:
        until = time.monotonic() + 60
        while not list(tmp_path.glob("qingyuan-simulation-*/qingyuan.db")) and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        _, messages = child.communicate(timeout=60)
        assert child.returncode == 130, messages
    assert list(tmp_path.glob("qingyuan-simulation-*")) == []
