"""A Chromium that reaches one host and port and nothing else, for looking at strangers' pages."""

from __future__ import annotations

import contextlib
import os
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING

from crawler.chromium import find_chromium
from crawler.scrapy_settings import user_agent
from crawler.urls import origin
from storage.errors import AccessError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, Playwright, Route

    from crawler.watch import SourceConfig

VIEWPORT_WIDTH, VIEWPORT_HEIGHT = 1280, 900
TIMEOUT_SECONDS = 20

_ARGUMENTS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
)


@contextlib.contextmanager
def opened_browser(
    playwright: Playwright,
    source: SourceConfig,
    page_url: str,
    *,
    chromium: str | None = None,
    no_sandbox: bool = False,
    contact: str = "",
) -> Iterator[BrowserContext]:
    """Open a browser that reaches only the host and port of ``page_url``, at an address checked beforehand.

    Every other name and address fails inside the browser, also by redirect or WebSocket, because its own resolver
    knows no other. That resolver belongs to the process: each host gets a browser of its own, or a page of one
    source could reach, by a redirect, the private host of another. Playwright's driver, whose start takes longer
    than the browser's, is shared. Cookies, downloads and service workers live and end with the browser.

    Raises:
        AccessError: the host is not one of the source's, or has no address that may be reached.
        SettingsError: there is no Chromium, or it cannot run here with its sandbox.
    """
    rules = resolver_rules(source, page_url)
    arguments = [*_ARGUMENTS, f"--host-resolver-rules={rules}"]
    sandboxed = has_sandbox(source, no_sandbox=no_sandbox)
    browser = playwright.chromium.launch(
        executable_path=find_chromium(chromium), args=arguments, chromium_sandbox=sandboxed
    )
    try:
        context = browser.new_context(
            accept_downloads=False,
            locale="zh-CN",
            service_workers="block",
            timezone_id="Asia/Shanghai",
            user_agent=user_agent(contact),
            viewport={"width": VIEWPORT_WIDTH, "height": VIEWPORT_HEIGHT},
        )
        context.set_default_timeout(TIMEOUT_SECONDS * 1000)
        context.route("**/*", lambda route: _filter(route, origin(page_url)))
        context.route_web_socket("**", lambda socket_route: socket_route.close())
        yield context
    finally:
        browser.close()


def has_sandbox(source: SourceConfig, *, no_sandbox: bool, uid: int | None = None) -> bool:
    """Tell whether Chromium runs with its sandbox; without it only for private sources (design §9).

    Raises:
        SettingsError: it would have to run without, for a source of the internet.
    """
    root = (os.geteuid() if uid is None else uid) == 0
    if source.private:
        return not (root or no_sandbox)
    if root or no_sandbox:
        message = (
            f"source {source.name} is not private, and Chromium needs its sandbox for it: "
            "run as another user than root and set browser.no_sandbox = false"
        )
        raise SettingsError("bad_field", message, field="browser.no_sandbox")
    return True


def resolver_rules(source: SourceConfig, page_url: str) -> str:
    """Return Chromium's resolver rules: the page's host at one checked address and port, all else unknown."""
    host, port = origin(page_url)
    if not source.reach.knows(page_url):
        raise AccessError(source.name, f"{host} is not one of its hosts")
    address = checked_address(source, host, port)
    shown = f"[{address}]" if ":" in address else address
    return f"MAP {host} {shown}:{port}, MAP * ~NOTFOUND"


def checked_address(source: SourceConfig, host: str, port: int) -> str:
    """Return an address of a host that the source may reach; raise AccessError where it has none."""
    try:
        found = [ip_address(host).compressed]
    except ValueError:
        found = _look_up(source, host, port)
    allowed = [address for address in found if source.reach.allows(host, port, address)]
    if not allowed:
        hint = "" if source.private else ": private ones may be read with private: true alone"
        raise AccessError(source.name, f"{host} has no address that may be reached{hint}")
    return allowed[0]


def _look_up(source: SourceConfig, host: str, port: int) -> list[str]:
    try:
        return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError:
        raise AccessError(source.name, f"{host} has no address") from None


def _filter(route: Route, own: tuple[str, int]) -> None:
    url = route.request.url
    if url.startswith(("data:", "blob:")) or origin(url) == own:
        route.continue_()
    else:
        route.abort()
