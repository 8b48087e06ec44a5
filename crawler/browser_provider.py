"""The browser of a crawl: one persistent context that reaches the source's hosts and nothing else.

The one module that imports scrapy-playwright (0.0.48), whose handler asks it for its browser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy_playwright.provider import PlaywrightBrowserProvider

from crawler.urls import origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import BrowserContext, Request, Route, WebSocketRoute

HANDLER = "scrapy_playwright.handler.ScrapyPlaywrightDownloadHandler"
"""Scrapy's download handler that opens pages."""

ALLOWED = "allowed_origins"
"""Key of a context's options: the hosts and ports that its pages may ask for."""


class GuardedProvider(PlaywrightBrowserProvider):  # type: ignore[misc]  # an untyped library
    """Opens persistent contexts with a guard, and no other browser."""

    async def launch_browser(self) -> Any:  # noqa: ANN401 - the library's signature
        """Refuse: a browser without the source's profile and guard must never start."""
        raise RuntimeError("a page was asked for without the source's own profile")

    async def launch_persistent_context(self, context_kwargs: dict[str, Any]) -> BrowserContext:
        """Open the profile; every page of it, popups too, asks for the source's hosts only."""
        options = dict(context_kwargs)
        allowed = frozenset(options.pop(ALLOWED))
        context: BrowserContext = await super().launch_persistent_context(options)

        async def check(route: Route) -> None:
            await (route.continue_() if is_allowed(route.request.url, allowed) else route.abort())

        async def no_socket(socket: WebSocketRoute) -> None:
            await socket.close()

        await context.route("**/*", check)
        await context.route_web_socket("**", no_socket)
        return context


def is_allowed(url: str, allowed: frozenset[tuple[str, int]]) -> bool:
    """Tell whether a page may ask for an address: data of its own, or one of the source's hosts."""
    return url.startswith(("data:", "blob:")) or origin(url) in allowed


def abort_others(allowed: frozenset[tuple[str, int]]) -> Callable[[Request], bool]:
    """Return the handler's filter: True for a request that is not to be made."""
    return lambda request: not is_allowed(request.url, allowed)
