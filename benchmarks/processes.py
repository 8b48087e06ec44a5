"""Two worker processes of `screen` against one: lines per second, both already started, on the same lines.

One worker gets the same chunks over the same pipes as two, so the ratio is that of the processors alone; the last
line judges the same chunks in this process. The control says what the machine gives at that moment: two processes
that only count, against one. Where others use the machine too, it is far below 2.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.memory import write_lines
from classifiers.engine import load_ruleset
from commands.answering import Chunk, answer_chunk
from commands.workers import Pool
from storage.post_lines import iter_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from commands.answering import Answers

LINES = 5_120
LINES_AT_ONCE = 256
REPEATS = 5
GOAL = 1.8


def make_chunks() -> list[Chunk]:
    """Return the lines in chunks as `screen` makes them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "posts.jsonl"
        write_lines(path, LINES)
        with path.open("rb") as source:
            lines = [raw for _, raw in iter_lines(source)]
    return [Chunk(at + 1, tuple(lines[at : at + LINES_AT_ONCE])) for at in range(0, LINES, LINES_AT_ONCE)]


def control() -> float:
    """Return how many times the work of one counting process two of them do in the same time."""
    argv = [sys.executable, "-c", "sum(i * i for i in range(10_000_000))"]
    times = []
    for count in (1, 2):
        begin = time.perf_counter()
        for process in [subprocess.Popen(argv) for _ in range(count)]:
            process.wait()
        times.append(time.perf_counter() - begin)
    return 2 * times[0] / times[1]


def seconds_of(work: Callable[[], list[Answers]]) -> float:
    """Return how long a piece of work takes by the clock on the wall."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Print the ratios."""
    ruleset = load_ruleset()
    chunks = make_chunks()
    argv = [sys.executable, "-P", "-m", "commands.screen_worker", ruleset.version]

    def here(chunk: Chunk) -> Answers:
        return answer_chunk(chunk, ruleset)

    with Pool(argv, 1, answer=here) as one, Pool(argv, 2, answer=here) as two:
        for pool, count in ((one, 1), (two, 2)):
            pool.start()
            if pool.wait_until_ready() != count:
                raise SystemExit("a worker did not start")
        runs = []
        for _ in range(REPEATS + 1):
            single = seconds_of(lambda: list(one.spread(iter(chunks))))
            double = seconds_of(lambda: list(two.spread(iter(chunks))))
            inside = seconds_of(lambda: [here(chunk) for chunk in chunks])
            runs.append((single, double, inside, control()))
    ratios = [single / double for single, double, _, _ in runs[1:]]
    shares = [single / inside for single, _, inside, _ in runs[1:]]
    controls = [given for *_, given in runs[1:]]
    print(f"{LINES} lines, {len(os.sched_getaffinity(0))} processors, load {os.getloadavg()[0]:.1f}")
    print("two workers against one: " + " ".join(f"{ratio:.2f}" for ratio in ratios))
    print("two counting processes: " + " ".join(f"{given:.2f}" for given in controls))
    shown, given = statistics.median(ratios), statistics.median(controls)
    print(f"median {shown:.2f} (goal {GOAL}), of the control's {given:.2f} that is {shown / given:.2f}")
    print(f"one worker takes {statistics.median(shares):.2f} of the time that judging in this process takes")


if __name__ == "__main__":
    main()
