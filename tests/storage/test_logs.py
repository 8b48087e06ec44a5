"""What was planted never stands in the log: by field, in strings, in errors and their causes, from children."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from storage.errors import InputError
from storage.logs import (
    LogFile,
    LogTarget,
    bind_ids,
    current_log,
    get_log,
    log_error,
    log_line,
    relay_stderr,
    use_log,
)
from storage.redaction import redact_string

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CANARIES = {
    "13812345678": "call 13812345678 now",
    "138-1234-5679": "call 138-1234-5679 now",
    "138 1234 5670": "+86 138 1234 5670",
    "zhaiwu888": "wechat: zhaiwu888",
    "zhaiwu999": "加微信zhaiwu999",
    "vx_loan77": "vx vx_loan77",
    "3344556677": "QQ:3344556677",
    "88776655": "qq = 88776655",
    "tgseller1": "telegram @tgseller1",
    "停息挂账": "cannot parse 停息挂账",
    "小王nickXX": "author 小王nickXX said",
    "ABtokCanary1": "https://www.xiaohongshu.com/explore/65a1?xsec_token=ABtokCanary1&xsec_source=pc",
    "ABtokCanary2": "xsec_token='ABtokCanary2'",
    "ABtokCanary3": "/explore/1?q=ABtokCanary3",
    "sessCanary4": "Cookie: web_session=sessCanary4; a1=x",
    "sessCanary5": '{"Set-Cookie": "web_session=sessCanary5"}',
    "bearCanary6": "Authorization: Bearer bearCanary6",
    "bearCanary7": "sent bearer bearCanary7abc",
    "passCanary8": "postgresql://user:passCanary8@db.example/x",
    "passCanary9": "password=passCanary9",
    "keyCanary10": "https://qyapi.example/cgi-bin/webhook/send?key=keyCanary10",
    "keyCanary11": "api_key: keyCanary11",
    "who@example": "mail who@example.com failed",
    "6222021234567890123": "card 6222021234567890123",
}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """Return the file that this process logs to."""
    path = tmp_path / "qingyuan.log"
    before = use_log(LogTarget(path=path, level="debug"))
    yield path
    use_log(before)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("ascii").split("\n")[:-1]]


def raise_key_error(text: str) -> None:
    raise KeyError(text)


def raise_it(text: str, kind: type[Exception]) -> Exception:
    try:
        try:
            raise_key_error(text)
        except KeyError as cause:
            raise kind(text) from cause
    except kind as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("canary", CANARIES)
def test_a_canary_is_taken_out_wherever_it_stands(log: Path, canary: str) -> None:
    text = CANARIES[canary]
    logger = get_log("test")
    logger.info(text)
    logger.info("nested", facts={"where": [text, {"deep": text}], text: 1}, raw_bytes=text.encode())
    for kind in (ValueError, RuntimeError, OSError, TypeError, UnicodeError):
        log_error("failed", raise_it(text, kind))
    log_error("failed", InputError("bad_field", f"the value {text!r} is wrong"))
    log_error("failed", sa.exc.StatementError(text, "SELECT :a", {"a": text}, ValueError(text)))
    logging.getLogger("foreign").warning("item %s", text)
    logging.getLogger("foreign").error("item %s", text, exc_info=raise_it(text, ValueError))
    relay_stderr(io.BytesIO(f"ValueError: {text}\nlost {text}\n".encode()), LogTarget(path=log)).join()
    shown = log.read_text("ascii")
    assert len(lines(log)) == 13
    assert canary not in shown
    assert canary not in json.dumps(lines(log), ensure_ascii=False)


FIELDS = [
    "text",
    "title",
    "bio",
    "nickname",
    "name",
    "author",
    "comment_text",
    "author.name",
    "phone",
    "wechat",
    "contacts",
    "email",
    "password",
    "xsec_token",
    "cookie",
    "cookies",
    "Authorization",
    "session",
    "api_key",
    "web_session",
]


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_that_name_is_never_shown(log: Path, field: str) -> None:
    get_log("test").info("x", **{field: "PlainCanary"}, deep={field: {"a": "PlainCanary"}})
    assert "PlainCanary" not in log.read_text("ascii")


def test_what_helps_to_find_a_fault_stays(log: Path) -> None:
    error = raise_it("x", OSError)
    get_log("crawl").info("read", url="https://forum.example/thread/12", run="r7", pages={"ok": 3}, seconds=1.25)
    log_error("failed", FileNotFoundError(2, "No such file or directory", "/home/someone/x"))
    log_error("failed", error)
    read, missing, chained = lines(log)
    assert (read["url"], read["run"], read["pages"], read["seconds"]) == (
        "https://forum.example/thread/12",
        "r7",
        {"ok": 3},
        1.25,
    )
    assert missing["error"] == {"kind": "FileNotFoundError", "message": "No such file or directory", "where": []}
    assert chained["error"]["causes"] == ["KeyError: [hidden]"]
    assert chained["error"]["where"][-1].startswith("tests/storage/test_logs.py:")


def test_a_line_is_one_line_and_steers_nothing(log: Path) -> None:
    """CRLF, terminal escapes, bidirectional marks and separators of Unicode in a nickname (T27)."""
    nasty = 'x\r\n{"level":"error"}\x1b[2J\x00\x7f\x9b\u2028\u2029\u202e\ud800'
    get_log("test").info(nasty, source=nasty)
    raw = log.read_bytes()
    assert raw.count(b"\n") == 1
    assert raw.isascii()
    assert all(byte >= 32 for byte in raw[:-1])
    assert 127 not in raw
    assert len(lines(log)) == 1


def test_ids_of_the_process_are_on_every_line(log: Path) -> None:
    bind_ids(source="notes", run="r4")
    get_log("test").info("a", clue="c9")
    bind_ids(source=None, run=None)
    get_log("test").info("b")
    first, second = lines(log)
    assert (first["source"], first["run"], first["clue"]) == ("notes", "r4", "c9")
    assert "source" not in second


def test_lines_below_the_level_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "log"
    before = use_log(LogTarget(path=path, level="warning"))
    get_log("test").info("quiet")
    get_log("test").warning("loud")
    use_log(before)
    assert [line["event"] for line in lines(path)] == ["loud"]


def test_without_a_target_nothing_is_written_anywhere(capfd: pytest.CaptureFixture[str]) -> None:
    before = use_log(None)
    get_log("test").error("x")
    assert log_error("y", ValueError("z")) is False
    assert current_log() is None
    use_log(before)
    assert capfd.readouterr() == ("", "")


def test_a_full_file_is_renamed_and_old_ones_end(tmp_path: Path) -> None:
    target = LogTarget(path=tmp_path / "log", max_bytes=1000, keep=3)
    log = LogFile(target)
    for number in range(100):
        log.write(f"{number:03d} {'x' * 95}")
    log.close()
    names = sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("."))
    assert names == ["log", "log.1", "log.2", "log.3"]
    assert all((tmp_path / name).stat().st_size <= 1000 for name in names)
    kept = [line for name in reversed(names) for line in (tmp_path / name).read_text("ascii").splitlines()]
    assert [line[:3] for line in kept] == [f"{number:03d}" for number in range(100 - len(kept), 100)]
    assert (tmp_path / "log").stat().st_mode & 0o077 == 0


WRITER = """
import sys
from pathlib import Path
from storage.logs import LogFile, LogTarget
log = LogFile(LogTarget(path=Path(sys.argv[1]), max_bytes=20_000, keep=50))
for number in range(400):
    log.write(f"{sys.argv[2]} {number} " + "x" * 100)
"""


def test_several_processes_lose_and_mix_no_line_while_files_are_renamed(tmp_path: Path) -> None:
    children = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "log"), str(who)]) for who in range(3)
    ]
    assert [child.wait(100) for child in children] == [0, 0, 0]
    found = [line for path in tmp_path.glob("log*") for line in path.read_text("ascii").splitlines()]
    assert sorted(line.split(" x")[0] for line in found) == sorted(f"{w} {n}" for w in range(3) for n in range(400))
    assert len(list(tmp_path.glob("log.*"))) >= 5


def test_threads_share_one_file(log: Path) -> None:
    def write(who: int) -> None:
        for number in range(50):
            get_log("test").info("x", who=who, at=number)

    threads = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines(log)) == 200


def test_a_disk_that_cannot_be_written_does_not_stop_the_work(tmp_path: Path) -> None:
    before = use_log(LogTarget(path=tmp_path / "missing" / "log"))
    get_log("test").error("x")
    use_log(before)


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "1" * 100_000, "@" * 50_000, "token" * 20_000, "?" * 50_000, "文" * 9_999]
)
def test_long_strings_cost_little_and_are_cut(text: str) -> None:
    assert len(redact_string(text)) < 600


def test_a_moment_of_its_own_can_be_given() -> None:
    assert json.loads(log_line({"event": "x"}))["timestamp"].endswith("+00:00")
