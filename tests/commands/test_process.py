"""The program as a process: start-up, interruption, pipes, internal errors, and a workspace on PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.cli import call, command, shell, started
from tests.support.tree import ROOT

PITCH = "专业代办停息挂账，协商个性化分期60期，无前期费用，加微信 zhaiwu888 咨询。"
HEAVY = (
    *("scrapy", "twisted", "playwright", "trafilatura", "lxml", "sklearn", "numpy", "fastapi", "uvicorn", "jinja2"),
    *(
        "sqlalchemy",
        "alembic",
        "cryptography",
        "openpyxl",
        "xlsxwriter",
        "docxtpl",
        "yaml",
        "apscheduler",
    ),
)


def posts(path: Path, count: int) -> Path:
    line = json.dumps({"id": "1", "text": PITCH * 20}, ensure_ascii=False) + "\n"
    path.write_text(line * count, "utf-8")
    return path


def imported_by(*words: str) -> set[str]:
    """Return the top names of all modules that a command brings in."""
    code = (
        "import sys, cli, commands.running as r; r.run(cli.app, sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize("words", ["--help", "clues --help", "batch export --help", "crawl --help", "demo --help"])
def test_help_comes_without_loading_what_the_work_needs(words: str) -> None:
    assert imported_by(*words.split()) & set(HEAVY) == set()


def test_screening_loads_neither_crawler_nor_desk_nor_database(tmp_path: Path) -> None:
    path = posts(tmp_path / "in.jsonl", 1)
    loaded = imported_by("screen", str(path), "-o", str(tmp_path / "out.jsonl"))
    assert loaded & {"scrapy", "playwright", "fastapi", "sqlalchemy", "sklearn", "crawler", "reporting"} == set()


def test_the_installed_program_is_this_one(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("qingyuan")
    done = subprocess.run([program, "screen", "-"], input=b"{}", cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "bad_field"
    assert done.stdout == shell("screen", "-", stdin=b"{}").raw


@pytest.mark.parametrize(("words", "code"), [("channels list", 0), ("clues show c1", 1), ("clues shew", 2)])
def test_exit_codes_reach_the_shell(words: str, code: int, workspace: Path) -> None:
    done = shell(*words.split(), "--data", workspace, "--json")
    assert done.code == code
    assert [set(line) == {"problems"} for line in done.lines] == ([False, False] if code == 0 else [True])
    assert done == call(*words.split(), "--data", workspace, "--json")


def test_the_answer_is_utf_8_whatever_the_locale(workspace: Path) -> None:
    plain = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    assert "平台" in shell("channels", "list", "--data", workspace, "--json", env=plain).out
    assert "清源" in shell("--help", env=plain).out


def test_an_interrupted_screening_says_so_and_leaves_no_half_answer(tmp_path: Path) -> None:
    path, out = posts(tmp_path / "in.jsonl", 20_000), tmp_path / "answers" / "out.jsonl"
    out.parent.mkdir()
    out.write_text("before")
    with started("screen", path, "-o", out) as child:
        wait_for(lambda: len(list(out.parent.iterdir())) == 2)  # its unfinished answer stands beside
        child.send_signal(signal.SIGINT)
        told, message = child.communicate(timeout=60)
    assert child.returncode == 130
    assert told == b""
    assert "interrupted" in message.decode()
    assert "Traceback" not in message.decode()
    assert [one.name for one in out.parent.iterdir()] == ["out.jsonl"]
    assert out.read_text() == "before"


def test_an_interrupted_stage_keeps_what_it_stored_and_goes_on_later(workspace: Path) -> None:
    (workspace / "watch.yml").write_text("sources: [{name: tips, platform: web, access: import}]", "utf-8")
    lines = [json.dumps({"id": str(n), "text": f"{PITCH * 4}{n}"}, ensure_ascii=False) for n in range(600)]
    (workspace / "in.jsonl").write_text("\n".join(lines), "utf-8")
    words = ("import", workspace / "in.jsonl", "--format", "posts", "--source", "tips")
    assert call(*words, "--data", workspace).code == 0
    with started("screen-posts", "--data", workspace, "--json") as child:
        wait_for(lambda: verdicts(workspace) > 0)
        child.send_signal(signal.SIGINT)
        told, message = child.communicate(timeout=60)
    if child.returncode == 130:  # else it had just finished
        assert (told, "interrupted" in message.decode()) == (b"", True)
    done = call("screen-posts", "--data", workspace, "--json")
    assert done.code == 0
    assert verdicts(workspace) == 600
    assert call("audit", "verify", "--data", workspace, "--json").obj["valid"] is True


def test_the_desk_says_where_it_is_and_stops_when_asked(workspace: Path) -> None:
    with started("serve", "--port", "0", "--data", workspace, "--json") as child:
        assert child.stdout is not None
        address = urlsplit(json.loads(child.stdout.readline())["url"])
        with socket.create_connection((address.hostname, address.port), timeout=60):
            done = call("serve", "--port", address.port, "--data", workspace, "--json")
        child.send_signal(signal.SIGINT)
        _, message = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in message.decode()
    assert (done.code, done.problem["field"]) == (2, "--port")


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    path = posts(tmp_path / "in.jsonl", 3000)
    with started("screen", path) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(60) == 0


@pytest.mark.parametrize(
    ("closed", "words", "code"),
    [
        ("<&-", "screen", 2),
        (">&-", "channels list --json", 0),
        ("2>&-", "channels list", 0),
        ("2>&-", "nonsense", 2),
    ],
)
def test_a_closed_stream_is_no_traceback(closed: str, words: str, code: int, workspace: Path) -> None:
    typed = ["sh", "-c", f'"$@" {closed}', "sh", *command([*words.split(), "--data", workspace])]
    done = subprocess.run(typed, capture_output=True, check=False)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_named_in_one_sentence(unbuffered: str, workspace: Path) -> None:
    for words, code in (("channels list --json", 3), ("clues show c1 --json", 1), ("channels list", 3)):
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                command([*words.split(), "--data", workspace]),
                stdout=full,
                stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
                check=False,
            )
        assert done.returncode == code
        assert len(done.stderr.decode().splitlines()) == 1
        assert code != 3 or "No space left on device" in done.stderr.decode()


def test_an_internal_error_is_one_sentence_with_the_details_in_the_log(workspace: Path) -> None:
    with closing(sqlite3.connect(workspace / "qingyuan.db")) as connection:
        connection.execute("DROP TABLE clue")
    log = workspace / "qingyuan.log"
    words = ("clues", "list", "--platform", "13812345678", "--data", workspace, "--json")
    done = call(*words)
    assert (done.code, done.problem["code"]) == (3, "failed")
    assert str(log) in done.problem["message"]
    assert len(done.err.splitlines()) == 1
    assert "Traceback" not in done.out + done.err
    (line,) = [line for line in logged(log) if line["event"] == "internal error"]
    assert line["command"] == "clues list"
    assert line["error"]["message"] == "no such table: clue"
    assert any("clues.py" in place for place in line["error"]["where"])
    size = log.stat().st_size
    assert shell(*words) == done
    assert log.stat().st_size > size
    assert "13812345678" not in log.read_text("utf-8")  # no text of people in logs


def test_an_internal_error_without_a_workspace_has_a_log_of_its_own(tmp_path: Path) -> None:
    env = {"TMPDIR": str(tmp_path)}
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command(["screen", posts(tmp_path / "in.jsonl", 1)]),
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, **env},
            check=False,
        )
    (log,) = tmp_path.glob("qingyuan-*.log")
    assert done.returncode == 3
    assert str(log) in done.stderr.decode()
    assert log.stat().st_mode & 0o077 == 0
    assert [line["error"]["message"] for line in logged(log)] == ["No space left on device"]


def logged(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text("ascii").splitlines()]


def test_a_workspace_keeps_its_rows_in_postgresql(postgres_url: str, tmp_path: Path) -> None:
    root, password = tmp_path / "ws", b"Correct-horse-9\n"
    env = {"QINGYUAN_DATABASE_URL": postgres_url, "QINGYUAN_DATA": str(root), "QINGYUAN_USER": "admin"}
    assert shell("init", root, "--password-stdin", "--json", stdin=password, env=env).obj == {"data": str(root)}
    assert not (root / "qingyuan.db").exists()
    added = shell(
        "users", "add", "王敏", "--role", "analyst", "--password-stdin", "--json", stdin=password, env=env
    )
    assert added.obj == {"name": "王敏", "role": "analyst", "disabled": False}
    (root / "watch.yml").write_text("sources: [{name: tips, platform: web, access: import}]", "utf-8")
    (root / "in.jsonl").write_text(json.dumps({"id": "1", "text": PITCH + "\x00"}), "utf-8")
    read = call("import", root / "in.jsonl", "--format", "posts", "--source", "tips", "--json", env=env)
    assert read.obj["new"] == 1
    assert call("screen-posts", "--json", env=env).obj["clues"] == {"new": 1, "updated": 0}
    listed = call("clues", "list", "--json", env=env)
    assert [line["clue"] for line in listed.lines] == ["c1"]
    done = call("clues", "decide", "c1", "confirmed", "--json", env={**env, "QINGYUAN_USER": "王敏"})
    assert done.obj["state"] == "confirmed"
    assert call("clues", "list", "--limit", "9" * 18, "--json", env=env).code == 0
    audit = call("audit", "verify", "--json", env=env).obj
    assert (audit["valid"], audit["first_bad"]) == (True, None)
    assert audit["entries"] >= 3


@pytest.mark.parametrize(
    "url", ["postgresql://nobody@127.0.0.1:1/none", "nonsense://x", "nonsense", "sqlite:////no/such/folder/x.db"]
)
def test_a_database_that_cannot_be_reached_is_no_traceback(url: str, workspace: Path) -> None:
    done = call("clues", "list", "--data", workspace, "--json", env={"QINGYUAN_DATABASE_URL": url})
    assert done.code in {2, 3}
    assert len(done.problems) == 1
    assert "Traceback" not in done.err


def verdicts(root: Path) -> int:
    with closing(sqlite3.connect(root / "qingyuan.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM verdict").fetchone()[0])


def wait_for(happened: object, *, seconds: float = 60) -> None:
    assert callable(happened)
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.02)
