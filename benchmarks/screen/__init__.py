"""Speed of the matcher and of whole screening, as ratios; the entry is :func:`main`."""

from benchmarks.screen.table import main

__all__ = ["main"]
