"""Run the benchmark with options of its own: ``python -m benchmarks.obfuscation --lines FILE``."""

import sys

from benchmarks.obfuscation import main

main(sys.argv[1:])
