"""The commands of sources: whether they can be read, signing in, and going on after a platform stopped one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from commands.context import UsageError, context
from storage.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext

    from crawler.adapter_sections import Login
    from crawler.watch import SourceConfig
    from storage.records import Json

sources_app = typer.Typer(help="Sources of watch.yml: health, signing in, going on.")

_POLL_MS = 500
_SETTLE_MS = 1500

Name = Annotated[str, typer.Argument(metavar="NAME", help="A source of watch.yml.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(sources_app, name="sources")


@sources_app.command("check")
def check() -> None:
    """Show for every source by which right it is read, what its last run came to, and what it needs."""
    lines = list(_checked())
    for line in lines:
        context.out.problems.extend(line["problems"])
    context.out.lines(lines, shown=("source", "platform", "access", "health", "last_ok"))
    if not context.out.json:
        for problem in context.out.problems:
            context.out.note_problem(problem)


@sources_app.command("login")
def login(name: Name) -> None:
    """Open the source's browser, visible, to sign in or to do what a challenge asks; close it when done."""
    from crawler.adapters import load_adapter
    from crawler.profiles import open_profile
    from settings import chromium_choice
    from storage.holds import get_hold, lift_hold

    source, workspace = _source(name), context.workspace
    adapter = load_adapter(source.platform, overlays=workspace.overlays("sources"))
    if adapter.login is None:
        message = f"{source.platform} is not read through a browser: there is nothing to sign in to"
        raise UsageError(message, field="NAME")
    with context.store.read() as conn:
        hold = get_hold(conn, name)
    with open_profile(
        source,
        adapter,
        workspace.root / "profiles",
        chromium=chromium_choice(workspace),
        no_sandbox=workspace.settings.browser.no_sandbox,
        headless=False,
    ) as browser:
        challenged = hold is not None and not hold.is_login
        context.out.note(
            f"the browser of {name} is open: do what the page asks, then close its window"
            if challenged
            else f"the browser of {name} is open: sign in there; it closes by itself once you are signed in"
        )
        page = browser.pages[0] if browser.pages else browser.new_page()
        page.goto(source.home.rstrip("/") + adapter.login.page)
        signed_in = _wait(browser, adapter.login, until_closed=challenged)
    if signed_in and not challenged:
        with context.store.write(context.now()) as unit:
            lift_hold(unit, name)
    problems = [] if signed_in else [_not_signed_in(name)]
    context.out.obj({"source": name, "signed_in": signed_in, "held": challenged, "problems": problems})


@sources_app.command("resume")
def resume(name: Name) -> None:
    """Let a source be read again that its platform stopped, and go on where it stopped."""
    from commands.visits import run_crawls
    from storage.holds import lift_hold

    _source(name)
    with context.store.write(context.now()) as unit:
        lifted = lift_hold(unit, name)
    if not lifted:
        context.out.note(f"{name} was not stopped")
    context.out.obj({"source": name, "lifted": lifted, **run_crawls([name])})


def _wait(browser: BrowserContext, wanted: Login, *, until_closed: bool) -> bool:
    """Wait until somebody is signed in, or until the window is closed; return whether somebody is signed in."""
    from playwright.sync_api import Error as PlaywrightError

    signed_in = False
    try:
        while browser.pages:
            page = browser.pages[0]
            signed_in = any(
                one.locator(wanted.done).filter(has_text=wanted.done_text).count() for one in browser.pages
            )
            if signed_in and not until_closed:
                page.wait_for_timeout(_SETTLE_MS)  # cookies reach the profile's files
                return True
            page.wait_for_timeout(_POLL_MS)
    except PlaywrightError:
        return signed_in  # the window was closed
    return signed_in


def _not_signed_in(name: str) -> Json:
    message = f"the window was closed and nobody is signed in: run `qingyuan sources login {name}` again"
    return {"code": "blocked", "id": name, "message": message}


def _source(name: str) -> SourceConfig:
    from commands.visits import watched

    found = next((source for source in watched() if source.name == name), None)
    if found is None:
        raise NotFoundError("source", name, code="unknown_source")
    return found


def _checked() -> Iterator[Json]:
    """Yield the line of every source, in the order of watch.yml."""
    from commands.visits import watched
    from crawler.source_health import source_line

    with context.store.read() as conn:
        for source in watched():
            yield source_line(conn, source, now=context.now())
