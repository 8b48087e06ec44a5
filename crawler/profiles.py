"""The browser profile of a source: a folder of its own (0700), opened by one process at a time, and its options."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from crawler.browser import checked_address, has_sandbox
from crawler.chromium import find_chromium
from crawler.urls import DEFAULT_PORTS, origin
from storage.errors import AccessError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, ViewportSize

    from crawler.adapters import AdapterConfig
    from crawler.watch import SourceConfig

VIEWPORT: ViewportSize = {"width": 1280, "height": 900}
_ARGUMENTS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",  # no desktop key ring: the profile opens the same with and without a screen
)
_LEFT_BY_KILLED = ("SingletonLock", "SingletonCookie", "SingletonSocket")


def profile_folder(root: Path, name: str) -> Path:
    """Return a source's profile folder below ``profiles/``, made with mode 0700."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    root.chmod(0o700)
    folder = root / name
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    return folder


@contextlib.contextmanager
def held_profile(root: Path, name: str) -> Iterator[Path]:
    """Hold a source's profile: a second process that wants it is refused; a killed one's marks are removed.

    Raises:
        AccessError: another process has it open.
    """
    folder = profile_folder(root, name)
    handle = os.open(root / f".{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            message = "its browser profile is open in another process: a crawl, a recheck or a sign-in is going on"
            raise AccessError(name, message) from None
        for left in _LEFT_BY_KILLED:
            (folder / left).unlink(missing_ok=True)
        yield folder
    finally:
        os.close(handle)


def allowed_origins(source: SourceConfig, adapter: AdapterConfig) -> tuple[tuple[str, int], ...]:
    """Return the hosts and ports that a source's pages may ask for; a base_url takes the place of all others."""
    if source.base_url:
        return (origin(source.base_url),)
    return tuple((host, DEFAULT_PORTS["https"]) for host in adapter.hosts.all)


def context_options(
    source: SourceConfig, adapter: AdapterConfig, folder: Path, *, chromium: str | None, no_sandbox: bool
) -> dict[str, Any]:
    """Return the options of a source's persistent context, for Playwright.

    Names are looked up and checked here: the browser's own resolver knows these addresses and no others, so neither
    a redirect nor a name that changes its address leads anywhere else.

    Raises:
        AccessError: the page's host has no address that may be reached.
        SettingsError: there is no Chromium, or it cannot run here with its sandbox.
    """
    return {
        "user_data_dir": str(folder),
        "executable_path": str(find_chromium(chromium)),
        "headless": adapter.browser.headless,
        "chromium_sandbox": has_sandbox(source, no_sandbox=no_sandbox),
        "args": [*_ARGUMENTS, f"--host-resolver-rules={_resolver_rules(source, adapter)}"],
        "accept_downloads": False,
        "service_workers": "block",
        "locale": "zh-CN",
        "timezone_id": "Asia/Shanghai",
        "viewport": VIEWPORT,
    }


def _resolver_rules(source: SourceConfig, adapter: AdapterConfig) -> str:
    pages = {origin(source.base_url)[0]} if source.base_url else set(adapter.hosts.page)
    rules = []
    for host, port in allowed_origins(source, adapter):
        try:
            address = checked_address(source, host, port)
        except AccessError:
            if host in pages:
                raise
            continue  # pictures that cannot be had: the notes can
        shown = f"[{address}]" if ":" in address else address
        rules.append(f"MAP {host} {shown}:{port}")
    return ", ".join([*rules, "MAP * ~NOTFOUND"])


@contextlib.contextmanager
def open_profile(
    source: SourceConfig,
    adapter: AdapterConfig,
    root: Path,
    *,
    chromium: str | None = None,
    no_sandbox: bool = False,
    headless: bool | None = None,
) -> Iterator[BrowserContext]:
    """Open a source's profile for a sign-in: visible unless ``headless``; what is done there stays in the profile.

    Raises:
        AccessError: the profile is open elsewhere, or the source's host may not be reached.
        SettingsError: no Chromium, no sandbox, or no screen for a visible window (``bad_field``).
    """
    shown = not (adapter.browser.headless if headless is None else headless)
    if shown and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        message = (
            f"signing in to {source.name} needs a visible browser, and there is no screen here "
            "(DISPLAY is not set): run this command on a desktop, or put a signed-in profile there"
        )
        raise SettingsError("bad_field", message, field="DISPLAY")
    with held_profile(root, source.name) as folder:
        options = context_options(source, adapter, folder, chromium=chromium, no_sandbox=no_sandbox)
        allowed = frozenset(allowed_origins(source, adapter))
        with sync_playwright() as playwright:
            context = playwright.chromium.launch_persistent_context(**options | {"headless": not shown})
            try:
                context.route(
                    "**/*",
                    lambda route: (
                        route.continue_()
                        if route.request.url.startswith(("data:", "blob:")) or origin(route.request.url) in allowed
                        else route.abort()
                    ),
                )
                context.route_web_socket("**", lambda socket: socket.close())
                yield context
            finally:
                context.close()
