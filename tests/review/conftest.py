"""A running desk with a few clues, for the tests of the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from storage import users
from tests.support import desk as support

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from playwright.sync_api import Page

    from storage.engine import Store
    from tests.support.desk import OpenDesk


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let hashing a password cost little; tests/storage/test_users.py looks at the real cost."""
    monkeypatch.setattr(users, "_MEMORY_KIB", 64)


@pytest.fixture
def desk(sqlite_store: Store, now: datetime) -> Iterator[OpenDesk]:
    """Return a running desk without clues."""
    with support.opened_desk(sqlite_store, now) as running:
        yield running


@pytest.fixture
def clues(desk: OpenDesk, now: datetime) -> dict[str, int]:
    """Add five clues and return their ids by native id, ``p1`` to ``p5``."""
    return support.add_clues(desk.store, now, [support.pitch(number) for number in range(1, 6)])


@pytest.fixture
def enter(desk: OpenDesk, page: Page) -> Callable[..., Page]:
    """Return a function that signs the browser in and opens a page of the desk."""

    def enter_as(name: str, path: str = "/queue") -> Page:
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(f"{desk.url}/sign-in")
        page.fill("#name", name)
        page.fill("#password", support.PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_url(lambda url: "/sign-in" not in url)
        page.goto(f"{desk.url}{path}")
        return page

    return enter_as
