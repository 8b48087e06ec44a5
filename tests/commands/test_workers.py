"""Worker processes of `screen`: order, death, poison, and nothing left behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from commands.answering import Answers, Chunk, answer_chunk
from commands.frames import read_answers, read_chunk, write_answers, write_chunk
from commands.workers import FIRST_CHUNKS, Pool
from tests.support import tree
from tests.support.cli import call
from tests.support.screening import shipped

if TYPE_CHECKING:
    from collections.abc import Iterator

ECHO = [sys.executable, str(Path(__file__).with_name("_echoing_worker.py"))]
ONE_ANSWER_BYTES = 2_000  # what says that it is ready is shorter, the answers of a chunk are longer
PITCH = "专业代办停息挂账，不成功不收费，加微信 zhaiwu888"


def here(chunk: Chunk) -> Answers:
    """Answer as the echoing worker does, in this process."""
    return Answers(b"".join(line + b"\n" for line in chunk.lines))


def chunks_of(lines: list[str], size: int = 3) -> Iterator[Chunk]:
    for at in range(0, len(lines), size):
        yield Chunk(at + 1, tuple(line.encode() for line in lines[at : at + size]))


def spread(lines: list[str], *, count: int = 2, argv: list[str] = ECHO) -> list[str]:
    """Return the answer lines of a pool all of whose workers are up."""
    with Pool(argv, count, answer=here) as pool:
        pool.start()
        pool.wait_until_ready()
        return b"".join(answers.text for answers in pool.spread(chunks_of(lines))).decode().splitlines()


def children() -> set[int]:
    """Return the processes that this process started and that still run."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            found |= {int(entry.name)} if parent_of(int(entry.name)) == os.getpid() else set()
    return found


def parent_of(process: int) -> int:
    """Return the parent of a process; 0 when it is gone or dead."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] == "Z" else int(fields[1])


@pytest.fixture(autouse=True)
def _packages_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tree.ROOT))


def test_answers_come_in_the_order_of_the_lines() -> None:
    dice = random.Random(5)
    lines = [f"sleep {dice.random() / 20:.3f} {number}" for number in range(60)]
    lines = [line if number % 4 == 0 else f"line {number}" for number, line in enumerate(lines)]
    lines = [line.rsplit(" ", 1)[0] if line.startswith("sleep") else line for line in lines]
    before = children()
    assert spread(lines, count=3) == lines
    assert children() == before


def test_only_the_line_that_kills_its_worker_is_lost() -> None:
    lines = [f"line {number}" for number in range(40)]
    lines[7] = lines[30] = "die"
    answered = spread(lines)
    assert len(answered) == len(lines)
    for number in (7, 30):
        refused = json.loads(answered[number])
        assert refused["line"] == number + 1
        assert refused["error"]["code"] == "failed"
        assert "SIGKILL" in refused["error"]["message"]
        answered[number] = "die"
    assert answered == lines


def test_without_workers_everything_is_answered_here() -> None:
    lines = [f"line {number}" for number in range(40)]
    assert spread(lines, argv=[*ECHO, "4"]) == lines


@pytest.mark.parametrize("count", [1, 2])
def test_short_input_starts_no_process(count: int) -> None:
    before = children()
    with Pool(ECHO, count, answer=here) as pool:
        lines = [f"line {number}" for number in range(3 * FIRST_CHUNKS)]
        for answers, chunk in zip(pool.answers(chunks_of(lines)), chunks_of(lines), strict=True):
            assert answers.text == here(chunk).text
            assert children() == before


def test_the_first_chunks_are_answered_while_the_workers_start() -> None:
    lines = [f"line {number}" for number in range(3_000)]
    with Pool(ECHO, 2, answer=here) as pool:
        text = b"".join(answers.text for answers in pool.answers(chunks_of(lines)))
    assert text.decode().splitlines() == lines


def test_chunks_and_answers_survive_the_pipe() -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as source, os.fdopen(write, "wb") as target:
        for chunk in (Chunk(1, (b"",)), Chunk(2**40, (b"a", b"", b"\r\x00\xff"))):
            write_chunk(target, chunk)
            assert read_chunk(source) == chunk
        for answers in (Answers(b""), Answers("帖子\n".encode(), {"code": "bad_line", "line": 3}, ("键",))):
            write_answers(target, answers)
            assert read_answers(source) == answers
        target.close()
        with pytest.raises(EOFError):
            read_chunk(source)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough lines for workers to be needed."""
    path = tmp_path_factory.mktemp("many") / "posts.jsonl"
    texts = [PITCH, "今天天气真好", "我网贷逾期三个月了，怎么办啊", "银行提醒：切勿轻信代理维权广告"]
    lines = [json.dumps({"id": str(n), "text": texts[n % 4] + str(n)}, ensure_ascii=False) for n in range(10_000)]
    lines[3_000] = "broken"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def answered_here(many: Path) -> bytes:
    done = call("screen", many, "--workers", 1)
    assert done.code == 1
    return done.raw


def started(many: Path, out: Path) -> tuple[subprocess.Popen[bytes], set[int]]:
    """Start `screen` and wait until its workers run."""
    argv = [sys.executable, "-m", "cli", "screen", str(many), "-o", str(out), "--workers", "2"]
    running = subprocess.Popen(argv, cwd=tree.ROOT, stderr=subprocess.DEVNULL, start_new_session=True)
    found: set[int] = set()
    while len(found) < 2:
        assert running.poll() is None
        time.sleep(0.05)
        numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        found = {number for number in numbers if parent_of(number) == running.pid}
    return running, found


def finished(running: subprocess.Popen[bytes]) -> int:
    return running.wait(timeout=300)


def test_a_killed_worker_changes_no_answer(many: Path, answered_here: bytes, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    running, workers = started(many, out)
    victim = workers.pop()
    while written(victim) < ONE_ANSWER_BYTES:
        assert running.poll() is None
        time.sleep(0.01)
    os.kill(victim, signal.SIGKILL)
    assert finished(running) == 1
    assert out.read_bytes() == answered_here


def written(process: int) -> int:
    """Return how many bytes a process has written."""
    held = dict(line.split(": ") for line in Path(f"/proc/{process}/io").read_text().splitlines())
    return int(held["wchar"])


def test_an_interrupt_leaves_no_process_and_no_answer(many: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("before")
    running, workers = started(many, out)
    os.killpg(running.pid, signal.SIGINT)
    assert finished(running) == 130
    assert [parent_of(worker) for worker in workers] == [0, 0]
    assert out.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_workers_end_when_their_parent_is_killed(many: Path, tmp_path: Path) -> None:
    running, workers = started(many, tmp_path / "out.jsonl")
    running.kill()
    finished(running)
    for _ in range(600):
        if not any(parent_of(worker) for worker in workers):
            return
        time.sleep(0.1)
    pytest.fail("a worker outlives its parent")


def screen_worker(version: str) -> list[str]:
    return [sys.executable, "-P", "-m", "commands.screen_worker", version]


def test_a_worker_of_screen_answers_as_this_process_does() -> None:
    lines = [
        json.dumps({"id": "1", "text": PITCH}, ensure_ascii=False),
        "broken",
        '{"id": "3", "text": "x", "y": 1}',
    ]
    chunk = Chunk(7, tuple(line.encode() for line in lines))
    with Pool(screen_worker(shipped().version), 1, answer=here) as pool:
        pool.start()
        assert pool.wait_until_ready() == 1
        (answers,) = pool.spread(iter([chunk]))
    assert answers == answer_chunk(chunk, shipped())
    assert answers.problem is not None
    assert (answers.problem["line"], answers.unknown_keys) == (8, ("y",))


def test_a_worker_with_other_rules_is_not_used() -> None:
    with Pool(screen_worker("of another day"), 1, answer=here) as pool:
        pool.start()
        assert pool.wait_until_ready() == 0
        assert [answers.text for answers in pool.spread(chunks_of(["a"]))] == [b"a\n"]
