"""Readers of files handed over; they need no network."""

from crawler.importers.loading import FORMATS, import_file

__all__ = ["FORMATS", "import_file"]
