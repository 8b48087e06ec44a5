"""Peak memory of `screen` over 100,000 lines against 10,000: it must not grow with the input.

The peak is that of the process and all its children, from the kernel's own account (ru_maxrss).
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

SIZES = (10_000, 100_000)
LIMIT = 1.2

_PIECES = (
    "今天去公园散步，天气很好。",
    "信用卡逾期了应该怎么办，有没有人知道？",
    "银行提醒：切勿轻信代理维权广告。",
    "专业办理延期还款，不成功不收费，",
    "加微信 qydemo_bench 详聊。",
    "新买的键盘手感不错，推荐给大家。",
    "昨天的电影结尾有点仓促。",
)


def write_lines(path: Path, count: int) -> None:
    """Write so many different post lines of ordinary length."""
    dice = random.Random(7)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            text = "".join(dice.choices(_PIECES, k=dice.randint(2, 8))) + str(number)
            file.write(json.dumps({"id": str(number), "text": text}, ensure_ascii=False) + "\n")


def peak_kib(command: list[str]) -> int:
    """Return the peak resident memory of a command, measured by a parent of its own."""
    wrapper = (
        "import resource,subprocess,sys;"
        "subprocess.run(sys.argv[1:],check=True,stderr=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", wrapper, *command], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


def main() -> None:
    """Print both peaks and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        peaks = []
        for size in SIZES:
            source = Path(folder) / f"{size}.jsonl"
            write_lines(source, size)
            answer = str(Path(folder) / "out.jsonl")
            peaks.append(peak_kib([sys.executable, "-m", "cli", "screen", str(source), "-o", answer]))
    page = resource.getpagesize()
    print(f"peak RSS KiB (page {page}): " + ", ".join(f"{s} lines {p}" for s, p in zip(SIZES, peaks, strict=True)))
    print(f"ratio {peaks[1] / peaks[0]:.2f} (limit {LIMIT})")


if __name__ == "__main__":
    main()
