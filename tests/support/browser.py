"""Real Chromium for tests, kept on the loopback."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from tests.support.network import is_local

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

LAUNCH_ARGUMENTS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)


@contextmanager
def launched(chromium: Path) -> Iterator[Browser]:
    """Start Chromium and close it again; only root runs it without its sandbox.

    While it is open this thread counts as inside an event loop, so ``asyncio.run`` fails there.
    """
    arguments = [*LAUNCH_ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened_page(browser: Browser) -> Iterator[Page]:
    """Open a page as an analyst in China has it, and fail at the end if it asked for anything outside."""
    outside: list[str] = []
    with browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai") as context:
        context.on("request", lambda request: outside.append(request.url) if is_outside(request.url) else None)
        yield context.new_page()
    assert outside == [], "the page asked for addresses outside this machine"


def is_outside(url: str) -> bool:
    """Tell whether a request for ``url`` would leave the machine."""
    parts = urlsplit(url)
    return parts.scheme in {"http", "https", "ws", "wss"} and not is_local(parts.hostname)
