"""Pictures of the note platform: small PNG files that follow from their name, each unlike the others."""

from __future__ import annotations

import random
import struct
import zlib
from functools import cache

SIGNATURE = b"\x89PNG\r\n\x1a\n"
BLOCKS = 6


@cache
def picture(name: str, *, width: int = 120, height: int = 160) -> bytes:
    """Return a PNG of coloured blocks; the same name gives the same bytes."""
    rng = random.Random(f"picture/{name}")
    palette = [bytes(rng.randint(120, 235) for _ in range(3)) for _ in range(5)]
    rows = []
    for _ in range(BLOCKS):
        colours = [rng.choice(palette) for _ in range(BLOCKS)]
        row = b"".join(colours[column * BLOCKS // width] for column in range(width))
        rows.append(b"\0" + row)
    lines = b"".join(rows[line * BLOCKS // height] for line in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines, 9)) + _chunk(b"IEND", b"")
    return SIGNATURE + body


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
