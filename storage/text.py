"""Text at the boundary: what no database and no codec can hold is replaced, one code point for one."""

from __future__ import annotations

import re
from typing import Any

_BAD = re.compile("[\x00\ud800-\udfff]")


def clean_text(text: str) -> str:
    """Return the text with NUL and lone surrogates as U+FFFD, one for one, so that offsets hold."""
    return _BAD.sub("�", text)


def clean_json(value: Any) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return a JSON value with every string (keys too) cleaned as :func:`clean_text` does."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(str(key)): clean_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(item) for item in value]
    return value
