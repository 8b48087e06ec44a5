"""Office files in canonical form: both docx and xlsx are zips whose writers stamp the present time into them."""

from __future__ import annotations

import io
import re
import zipfile

from reporting.container import Member, write_container

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_INVISIBLE = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def repack(data: bytes) -> bytes:
    """Return an office file with sorted, stored members and fixed dates; its parts stay as they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        members = [Member(name=name, data=source.read(name)) for name in source.namelist()]
    write_container(buffer, members)
    return buffer.getvalue()


def xml_text(text: str) -> str:
    """Return text that XML can hold, with nothing in it that turns or hides what is shown.

    Line ends become one line feed each; characters that XML forbids become U+FFFD; direction marks and invisible
    characters become their code point in brackets, so that the reader sees what the author hid.
    """
    held = _ILLEGAL.sub("�", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _INVISIBLE.sub(lambda found: f"[U+{ord(found[0]):04X}]", held)
