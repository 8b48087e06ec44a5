"""A worker process of `screen`: `python -P -m commands.screen_worker VERSION [OVERLAYS…]`.

It loads the rules by itself and says on standard output when it has them; if they are not those of the version
asked for, it ends. Then it answers chunks of lines from standard input until that is closed, which happens too when
its parent is gone. An interrupt is the parent's business.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from classifiers.engine import load_ruleset
from classifiers.judging import lethal_limit
from commands.answering import Answers, answer_chunk
from commands.frames import read_chunk, write_answers

OTHER_RULES = 4
"""The exit code of a worker that found other rules than its parent has."""


def main() -> None:
    """Answer chunks until standard input is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    version, *overlays = sys.argv[1:]
    ruleset = load_ruleset([Path(folder) for folder in overlays])
    if ruleset.version != version:
        sys.exit(OTHER_RULES)
    source, target = sys.stdin.buffer, sys.stdout.buffer
    try:
        write_answers(target, Answers(b""))
        while True:
            chunk = read_chunk(source)
            write_answers(target, answer_chunk(chunk, ruleset, limit=lethal_limit))
    except (EOFError, BrokenPipeError):
        return


if __name__ == "__main__":
    main()
