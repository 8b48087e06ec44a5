"""What all tests share: no network, a fixed clock, both databases, a local site, a real browser."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import time_machine

from tests.support import network

network.install()  # before any library keeps a reference of its own to the functions guarded here

from crawler.chromium import find_chromium  # noqa: E402 - see above
from tests.support import browser as browser_support  # noqa: E402
from tests.support import postgres, stores  # noqa: E402
from tests.support.site import Site  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from storage.engine import Store

POSTGRES_ROOT = pytest.StashKey[Path]()
NOW = datetime(2026, 11, 18, 2, 30, tzinfo=UTC)  # a Wednesday, 10:30 in Shanghai, in week 2026-W47


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a person replace expected outputs after having looked at the change."""
    parser.addoption("--update-goldens", action="store_true", help="rewrite the output.json of recorded pages")


def pytest_configure(config: pytest.Config) -> None:
    """Guard the children too and give this session, with all its workers, one place for PostgreSQL."""
    network.guard_children()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell: children would keep it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    told = getattr(config, "workerinput", {}).get("postgres_root")
    config.stash[POSTGRES_ROOT] = Path(told) if told else postgres.new_root()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a worker of pytest-xdist where the session's PostgreSQL lives."""
    node.workerinput["postgres_root"] = str(node.config.stash[POSTGRES_ROOT])  # type: ignore[attr-defined]  # of xdist


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the session's PostgreSQL; its workers leave that to the first process."""
    if not hasattr(config, "workerinput"):
        postgres.stop(config.stash[POSTGRES_ROOT])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they ask for."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & {"postgres_server", "postgres_url"}:
            item.add_marker(pytest.mark.postgres)
        if fixtures & {"chromium_path", "browser", "page"}:
            item.add_marker(pytest.mark.browser)


@pytest.fixture
def now() -> datetime:
    """Return the moment at which a test happens, to be passed on as ``now``."""
    return NOW


@pytest.fixture
def frozen_now(now: datetime) -> Iterator[datetime]:
    """Stop this process's clock at ``now``; children and threads of others keep their own."""
    with time_machine.travel(now, tick=False):
        yield now


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Return the URL of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> postgres.Server:
    """Return the session's PostgreSQL; missing programs are a failure that names what to install."""
    return postgres.ensure(request.config.stash[POSTGRES_ROOT])


@pytest.fixture
def postgres_url(postgres_server: postgres.Server) -> Iterator[str]:
    """Return the URL of an empty database of this test alone."""
    name = postgres.fresh_name()
    yield postgres_server.create(name)
    postgres_server.drop(name)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty database, once of each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def sqlite_store(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return an empty workspace database of this version on SQLite."""
    template = tmp_path_factory.getbasetemp() / "template.db"
    store = stores.open_store(stores.copy_sqlite(template, tmp_path / "qingyuan.db"), tmp_path)
    yield store
    store.close()


@pytest.fixture
def postgres_store(postgres_server: postgres.Server, tmp_path: Path) -> Iterator[Store]:
    """Return an empty workspace database of this version on PostgreSQL."""
    template = postgres_server.template("workspace", stores.prepare)
    name = postgres.fresh_name()
    store = stores.open_store(postgres_server.create(name, template=template), tmp_path)
    yield store
    store.close()
    postgres_server.drop(name)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest) -> Store:
    """Return an empty workspace database of this version, once of each kind."""
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


@pytest.fixture
def site() -> Iterator[Site]:
    """Return a running local web site without pages."""
    with Site() as running:
        yield running


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """Return the Chromium to use; a missing one is a failure that names what to install."""
    return find_chromium()


@pytest.fixture(scope="module")
def browser(chromium_path: Path) -> Iterator[Browser]:
    """Return a running Chromium for the tests of one file."""
    with browser_support.launched(chromium_path) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a new page of a new visitor; asking for anything outside the machine fails the test."""
    with browser_support.opened_page(browser) as opened:
        yield opened
