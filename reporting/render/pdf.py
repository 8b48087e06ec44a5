"""HTML of our own as PDF, by weasyprint, which needs the pango libraries of the system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.errors import MissingPangoError

if TYPE_CHECKING:
    from types import ModuleType


def html_to_pdf(html: str) -> bytes:
    """Return a page as PDF bytes, the same for the same page and libraries; nothing is loaded for it.

    Pictures and styles must stand in the page itself; an address of any kind, ``data:`` too, is refused.

    Raises:
        MissingPangoError: the system lacks the libraries that weasyprint draws with.
        ValueError: the page asks for something to be loaded.
    """
    weasyprint = _load()
    nothing = weasyprint.urls.URLFetcher(allowed_protocols=(), fail_on_errors=True)
    try:
        made: bytes = weasyprint.HTML(string=html, url_fetcher=nothing).write_pdf()
    except weasyprint.urls.FatalURLFetchingError as error:
        raise ValueError("a page for PDF asks for something to be loaded") from error
    return made


def _load() -> ModuleType:
    try:
        import weasyprint  # noqa: PLC0415 - takes a second and fails without the system's libraries
    except OSError as error:
        raise MissingPangoError(str(error).splitlines()[0]) from error
    module: ModuleType = weasyprint
    return module
