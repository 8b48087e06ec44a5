"""Recall on disguised terms and false positives where none stands; see README.md."""

from benchmarks.obfuscation.run import main

__all__ = ["main"]
