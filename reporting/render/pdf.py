"""PDF pages from HTML of our own, by weasyprint; nothing is loaded from anywhere while they are made."""

from __future__ import annotations

import contextlib
import ctypes
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

MISSING_LIBRARY = "the library pango is missing; as root: apt-get install libpango-1.0-0 libpangoft2-1.0-0"
MISSING_FONT = "there is no font with Chinese characters; as root: apt-get install fontconfig fonts-noto-cjk"


class _FontSet(ctypes.Structure):
    """The beginning of fontconfig's list of fonts."""

    _fields_ = (("count", ctypes.c_int),)


class PdfUnavailableError(Exception):
    """No PDF can be made on this machine; the message says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pdf:
    """A document and the font families that it was set in, sorted; other fonts give other bytes."""

    data: bytes
    fonts: tuple[str, ...]


def make_pdf(html: str) -> Pdf:
    """Return the pages of an HTML text; the same text and fonts always give the same bytes.

    What the text refers to (pictures, style sheets, fonts, also in ``data:``) is refused, not loaded.

    Raises:
        PdfUnavailableError: pango or a font with the text's Chinese characters is missing.
    """
    weasyprint = _weasyprint()
    if not _has_chinese_font():
        raise PdfUnavailableError(MISSING_FONT)
    nothing = weasyprint.urls.URLFetcher(allowed_protocols=())
    document = weasyprint.HTML(string=html, url_fetcher=nothing).render()
    data = document.write_pdf()
    return Pdf(data=data, fonts=tuple(sorted({font.family for font in document.fonts.values()})))


def _weasyprint() -> ModuleType:
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints its own advice where pango is missing
            import weasyprint  # noqa: PLC0415 - loads pango, which a machine may lack
    except OSError:
        raise PdfUnavailableError(MISSING_LIBRARY) from None
    found: ModuleType = weasyprint
    return found


def _has_chinese_font() -> bool:
    """Ask fontconfig for a font with Chinese characters; without any font pango ends the whole process."""
    library = ctypes.CDLL("libfontconfig.so.1")  # pango has loaded it already
    library.FcNameParse.restype = library.FcObjectSetCreate.restype = ctypes.c_void_p
    library.FcFontList.restype = ctypes.POINTER(_FontSet)
    wanted, facts = library.FcNameParse(b":lang=zh-cn"), library.FcObjectSetCreate()
    found = library.FcFontList(None, ctypes.c_void_p(wanted), ctypes.c_void_p(facts))
    return bool(found and found.contents.count)
