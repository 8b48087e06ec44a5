"""The summary at the desk: its numbers lead to lists of that length, masked, for those who may read clues."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from tests.support.figures import SECRET, busy_weeks

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.support.desk import OpenDesk

NUMBER = re.compile(r'<a href="(/lists/[^"]+)">(\d+)</a>')
ROW = re.compile(r"<tr>\s*<td")


@pytest.fixture
def busy(desk: OpenDesk, now: datetime, tmp_path: Path) -> OpenDesk:
    desk.clock.at = busy_weeks(desk.store, now, tmp_path)
    return desk


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_number_leads_to_a_list_of_its_length(busy: OpenDesk, language: str) -> None:
    client = busy.client("aud")
    client.cookies["qy_language"] = language
    page = client.get("/summary?week=2026-W49").text
    numbers = NUMBER.findall(page)
    assert len(numbers) > 50
    assert ("Action rate" in page) == (language == "en")
    for address, number in dict(numbers).items():
        answer = client.get(unescape(address))
        assert answer.status == 200
        assert len(ROW.findall(answer.text.partition("<tbody>")[2])) == int(number), address
        assert SECRET not in answer.text


def test_list_is_turned_page_by_page(busy: OpenDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("review.routes.summary._PAGE_ROWS", 2)
    client, seen = busy.client("ana"), []
    address: str | None = "/lists/sent?week=2026-W49"
    while address:
        text = client.get(address).text
        seen += re.findall(r'href="/clues/(c\d+)"', text)
        following = re.search(r'rel="next" href="([^"]+)"', text)
        address = unescape(following[1]) if following else None
    assert len(seen) == len(set(seen)) == 9


def test_summary_is_to_be_had_as_pdf(busy: OpenDesk) -> None:
    answer = busy.client("sen").get("/summary/2026-W49.pdf")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.body.startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/summary?week=2026-W99", 400),
        ("/summary?week=2031-W02", 400),
        ("/summary/nothing.pdf", 400),
        ("/lists/everything", 404),
        ("/lists/acted?week=x", 400),
        ("/lists/acted?from=-1&age=999&platform=%27%3B--&new=2", 200),
    ],
)
def test_addresses_that_cannot_be_meant_are_refused(desk: OpenDesk, path: str, status: int) -> None:
    assert desk.client("com").get(path).status == status


@pytest.mark.parametrize("name", ["admin", "olga"])
def test_who_may_not_read_clues_sees_no_summary(desk: OpenDesk, name: str) -> None:
    client = desk.client(name)
    for path in ("/summary", "/summary/2026-W47.pdf", "/lists/sent"):
        assert client.get(path).status == 403


def test_charts_stand_on_the_page_in_a_real_browser(busy: OpenDesk, page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{busy.url}/sign-in")
    page.fill("#name", "com")
    page.fill("#password", "correct horse 9")
    page.press("#password", "Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    page.goto(f"{busy.url}/summary?week=2026-W49")
    assert page.locator("svg.chart[role=img]").count() == 5
    for chart in page.locator("svg.chart").all():
        box = chart.bounding_box()
        assert box is not None
        assert box["width"] > 300
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.locator(".figures a").first.click()
    page.wait_for_url("**/lists/acted*")
    assert said == []
