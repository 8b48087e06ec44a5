"""The note platform as a person sees it: its application in real Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo.notes.server import NotesServer
from demo.records import NOTES
from demo.world import World
from tests.support.browser import opened_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

SEARCH = "/search_result?keyword=信用卡逾期&source=web_search_result_notes"
CARDS = "section.note-item:not(.query-note-item) a.cover.mask"
MASK = ".note-detail-mask"


@pytest.fixture(scope="module")
def notes() -> Iterator[NotesServer]:
    with NotesServer(World()) as running:
        yield running


@pytest.fixture
def page(browser: Browser, notes: NotesServer) -> Iterator[Page]:
    """Open a page of somebody who signed in, and fail on any fault of the page's own script."""
    faults: list[str] = []
    with opened_page(browser) as page:
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(notes.sign_in_url)
        page.click("button[type=submit]")
        page.wait_for_url("**/explore")
        yield page
    notes.gate.lift()
    assert faults == []


def scroll_down(page: Page, *, until: str) -> None:
    for _ in range(60):
        if page.locator(until).count():
            return
        page.mouse.wheel(0, 6000)
        page.wait_for_timeout(50)
    raise AssertionError(f"{until} was not reached")


def open_note(page: Page, number: int) -> None:
    page.locator(CARDS).nth(number).click()
    page.wait_for_selector(f"{MASK} .comments-el .end-container, {MASK} .parent-comment")


def test_a_search_goes_on_by_scrolling_to_its_last_page(page: Page, notes: NotesServer) -> None:
    page.goto(notes.base + SEARCH)
    page.wait_for_selector(CARDS)
    assert page.locator('a[href*="/user/profile/"]', has_text="我").count() == 1
    scroll_down(page, until=".feeds-page .end-container")
    links = page.locator(CARDS).evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert len(links) == len(set(links)) > 60
    assert all(link.startswith("/search_result/") and "?xsec_token=AB" in link for link in links)
    first = page.locator("section.note-item").first
    for inside in (".title", "a.author .name", ".count"):
        assert first.locator(inside).first.inner_text()


def test_nothing_found_says_so(page: Page, notes: NotesServer) -> None:
    page.goto(notes.base + "/search_result?keyword=量子纠缠")
    page.wait_for_selector(".search-empty-container")


def test_a_card_opens_as_an_overlay_with_an_address_of_its_own(page: Page, notes: NotesServer) -> None:
    page.goto(notes.base + SEARCH)
    page.wait_for_selector(CARDS)
    before = len(notes.hits)
    open_note(page, 0)
    assert "/explore/" in page.url
    assert page.url.endswith("&xsec_source=pc_search")
    assert page.inner_text("#detail-desc")
    called = [hit.path for hit in notes.hits[before:] if hit.path.startswith("/api/")]
    assert called == ["/api/sns/web/v1/feed", "/api/sns/web/v2/comment/page"]
    page.keyboard.press("Escape")
    page.wait_for_selector(MASK, state="detached")
    assert "/search_result" in page.url
    open_note(page, 1)
    page.click(".close")
    page.wait_for_selector(MASK, state="detached")


def test_comments_go_on_by_scrolling_and_replies_unfold(page: Page, notes: NotesServer) -> None:
    note = next(it for it in World().corpus.of(NOTES) if it.key == "nvi1")
    page.goto(notes.base + SEARCH)
    page.wait_for_selector(CARDS)
    card = f'a.cover.mask[href*="{note.note_id}"]'
    scroll_down(page, until=card)
    page.click(card)
    page.wait_for_selector(f"{MASK} .parent-comment")
    page.locator(".show-more").first.click()
    page.wait_for_selector(".show-more", state="detached")
    page.hover(".note-scroller")
    scroll_down(page, until=f"{MASK} .comments-el .end-container")
    assert page.locator(f"{MASK} .comment-item").count() == len(note.comments)
    parent = next(it.parent for it in note.comments if it.parent)
    thread = page.locator(".parent-comment", has=page.locator(f"#comment-{parent}"))
    shown = thread.locator(".comment-item-sub .content").all_inner_texts()
    assert shown == [it.text for it in note.comments if it.parent == parent]


def test_a_direct_page_and_a_profile_draw_themselves(page: Page, notes: NotesServer) -> None:
    page.goto(notes.base + SEARCH)
    page.wait_for_selector(CARDS)
    open_note(page, 2)
    title = page.inner_text("#detail-title")
    page.reload()
    page.wait_for_selector(".page-note .comments-el")
    assert page.inner_text("#detail-title") == title
    page.goto(notes.base + str(page.get_attribute(".author-container a", "href")))
    page.wait_for_selector(".user-name")
    page.wait_for_selector("section.note-item")
    page.goto(page.url.partition("/user/")[0] + "/explore/" + "0" * 24)
    assert "error_code=300031" in page.url
    assert "当前笔记暂时无法浏览" in page.inner_text("#main")


def test_a_guest_meets_the_login_wall(browser: Browser, notes: NotesServer) -> None:
    with opened_page(browser) as page:
        page.goto(notes.base + SEARCH)
        assert "登录后查看搜索结果" in page.inner_text("#main")
        assert page.locator("a.cover").count() == 0


def test_a_sign_in_at_one_platform_does_not_count_at_its_twin(page: Page, notes: NotesServer) -> None:
    with NotesServer(World(), twin=True) as rednote:
        page.goto(rednote.base + SEARCH)
        assert "登录后查看搜索结果" in page.inner_text("#main")
        page.goto(rednote.sign_in_url)
        page.click("button[type=submit]")
        page.goto(rednote.base + SEARCH)
        page.wait_for_selector(CARDS)
    page.goto(notes.base + SEARCH)
    page.wait_for_selector(CARDS)


def test_a_challenge_shows_its_page_and_ends_when_a_person_passes(page: Page, notes: NotesServer) -> None:
    page.goto(notes.base + SEARCH)
    page.wait_for_selector(CARDS)
    notes.gate.challenge_after(0)
    scroll_down(page, until="#captcha-form")
    assert "请通过验证" in page.inner_text("main")
    page.click("button[type=submit]")
    page.wait_for_selector(CARDS)
