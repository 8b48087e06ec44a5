"""A worker that answers each line with itself, sleeps or dies where a line says so."""

from __future__ import annotations

import os
import signal
import sys
import time

from commands.answering import Answers
from commands.frames import read_chunk, write_answers


def answer(line: bytes) -> bytes:
    word, _, rest = line.partition(b" ")
    if word == b"sleep":
        time.sleep(float(rest))
    if word == b"die":
        os.kill(os.getpid(), signal.SIGKILL)
    return line + b"\n"


if len(sys.argv) > 1:
    sys.exit(int(sys.argv[1]))
try:
    write_answers(sys.stdout.buffer, Answers(b""))
    while True:
        chunk = read_chunk(sys.stdin.buffer)
        write_answers(sys.stdout.buffer, Answers(b"".join(map(answer, chunk.lines))))
except EOFError:
    pass
