"""The desk in real Chromium: keys, claims, undo, conflict, what is seen and what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from storage.clues import get_clue
from tests.support import desk as support
from tests.support.desk import AccountFacts

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from playwright.sync_api import Browser, Page

    from storage.clues import ClueRow
    from tests.support.desk import OpenDesk

Enter = "Callable[..., Page]"


def stored(desk: OpenDesk, clue_id: int) -> ClueRow:
    with desk.store.read() as conn:
        return get_clue(conn, clue_id)


def states(desk: OpenDesk, clues: dict[str, int]) -> set[str]:
    return {stored(desk, number).state.value for number in clues.values()}


def key_of(page: Page) -> str:
    return str(page.locator("[data-clue]").get_attribute("data-clue"))


def press_and_wait(page: Page, key: str) -> None:
    with page.expect_navigation():
        page.keyboard.press(key)


def test_one_key_decides_and_shows_the_next(
    enter: Callable[..., Page], desk: OpenDesk, clues: dict[str, int]
) -> None:
    page = enter("ana")
    press_and_wait(page, "Enter")
    seen = [key_of(page)]
    for key in "axs":
        press_and_wait(page, key)
        seen.append(key_of(page))
    assert len(set(seen)) == 4
    decided = [stored(desk, int(one[1:])) for one in seen[:3]]
    assert [row.state for row in decided] == ["confirmed", "rejected", "unsure"]
    assert decided[0].category == decided[0].categories[0], "the machine's category is chosen beforehand"
    press_and_wait(page, "a")
    press_and_wait(page, "x")
    assert "done=1" in page.url
    assert states(desk, clues) == {"confirmed", "rejected", "unsure"}


def test_a_digit_chooses_the_category(enter: Callable[..., Page], desk: OpenDesk, clues: dict[str, int]) -> None:
    page = enter("ana", f"/clues/c{clues['p1']}")
    page.keyboard.press("5")
    assert page.locator("input[name=category]:checked").get_attribute("value") == "surrender"
    press_and_wait(page, "a")
    assert stored(desk, clues["p1"]).category == "surrender"


def test_backspace_takes_the_last_decision_back(
    enter: Callable[..., Page], desk: OpenDesk, clues: dict[str, int]
) -> None:
    page = enter("ana", f"/clues/c{clues['p1']}")
    press_and_wait(page, "x")
    assert stored(desk, clues["p1"]).state == "rejected"
    press_and_wait(page, "Backspace")
    assert stored(desk, clues["p1"]).state == "queued"
    assert key_of(page) == f"c{clues['p1']}"
    press_and_wait(page, "a")
    assert stored(desk, clues["p1"]).state == "confirmed"


def test_a_duplicate_takes_the_id_of_its_original(
    enter: Callable[..., Page], desk: OpenDesk, clues: dict[str, int]
) -> None:
    page = enter("ana", f"/clues/c{clues['p2']}")
    page.keyboard.press("d")
    page.keyboard.type(f"c{clues['p1']}")
    press_and_wait(page, "Enter")
    assert stored(desk, clues["p2"]).state == "duplicate"


def test_enter_in_the_reason_confirms_nothing(
    enter: Callable[..., Page], desk: OpenDesk, clues: dict[str, int]
) -> None:
    page = enter("ana", f"/clues/c{clues['p1']}")
    page.keyboard.press("r")
    page.keyboard.type("只是求助")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert states(desk, clues) == {"new"}
    page.keyboard.press("Escape")
    press_and_wait(page, "x")
    assert "只是求助" in page.goto(f"{desk.url}/clues/c{clues['p1']}?state=every").text()


def test_movement_never_decides(enter: Callable[..., Page], desk: OpenDesk, clues: dict[str, int]) -> None:
    page = enter("ana", f"/clues/c{clues['p5']}")
    visited = {key_of(page)}
    for key in "jjkjjkk":
        if page.locator(f'[data-key="{key}"]').count():
            press_and_wait(page, key)
            visited.add(key_of(page))
    assert len(visited) >= 3
    for key in (
        "ArrowDown",
        "ArrowUp",
        "ArrowLeft",
        "ArrowRight",
        "PageDown",
        "PageUp",
        "Home",
        "End",
        "Space",
        "Enter",
        "Tab",
    ):
        page.keyboard.press(key)
    page.wait_for_timeout(200)
    assert states(desk, clues) == {"new"}


def test_keys_with_a_modifier_and_held_keys_do_nothing(
    enter: Callable[..., Page], desk: OpenDesk, clues: dict[str, int]
) -> None:
    page = enter("ana", f"/clues/c{clues['p1']}")
    for key in ("Control+x", "Alt+s", "Meta+a"):
        page.keyboard.press(key)
    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', repeat: true, bubbles: true}))"
    )
    page.wait_for_timeout(200)
    assert states(desk, clues) == {"new"}


def test_keys_rest_while_somebody_types(enter: Callable[..., Page], desk: OpenDesk, clues: dict[str, int]) -> None:
    page = enter("ana", f"/clues/c{clues['p1']}")
    for selector in ("input.reason", "#unmask-reason", "input[name=of]", "#search"):
        page.focus(selector)
        page.keyboard.type("axs5jk?")
        page.keyboard.press("Backspace")
        assert page.input_value(selector) == "axs5jk"
        page.fill(selector, "")
    assert states(desk, clues) == {"new"}
    page.focus("input.reason")
    page.keyboard.press("Escape")
    press_and_wait(page, "x")
    assert states(desk, clues) == {"new", "rejected"}


def test_keys_rest_while_an_input_method_composes(
    enter: Callable[..., Page], desk: OpenDesk, clues: dict[str, int]
) -> None:
    page = enter("ana", f"/clues/c{clues['p1']}")
    session = page.context.new_cdp_session(page)
    page.focus("input.reason")
    session.send("Input.imeSetComposition", {"text": "an", "selectionStart": 2, "selectionEnd": 2})
    session.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": "a", "windowsVirtualKeyCode": 229})
    session.send("Input.insertText", {"text": "暗"})
    assert page.input_value("input.reason") == "暗"
    page.keyboard.press("Escape")
    for options in ("isComposing: true", "keyCode: 229"):
        page.evaluate(
            f"document.body.dispatchEvent(new KeyboardEvent('keydown', {{key: 'a', {options}, bubbles: true}}))"
        )
    page.wait_for_timeout(200)
    assert states(desk, clues) == {"new"}


def test_every_key_that_is_printed_works_and_every_one_that_works_is_printed(
    enter: Callable[..., Page], desk: OpenDesk, clues: dict[str, int]
) -> None:
    page = enter("ana", f"/clues/c{clues['p1']}")
    press_and_wait(page, "x")
    press_and_wait(page, "j")
    working = set(page.eval_on_selector_all("[data-key]", "all => all.map(e => e.dataset.key)"))
    assert working == {"j", "k", "a", "x", "s", "d", "r", "m", "e", "?", "Backspace", *"123456789"}
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    printed = page.locator("#help kbd").all_inner_texts()
    assert {"a", "x", "s", "d", "1–9", "⌫", "j / k", "r", "m", "e", "/", "?"} == set(printed)
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()
    page.keyboard.press("e")
    assert page.locator("#evidence").get_attribute("open") is not None
    for key, selector in (
        ("r", "input.reason"),
        ("m", "#unmask-reason"),
        ("d", "input[name=of]"),
        ("/", "#search"),
    ):
        page.keyboard.press(key)
        assert page.locator(selector).evaluate("e => e === document.activeElement"), key
        page.keyboard.press("Escape")


def test_who_is_slower_meets_the_conflict_page(
    enter: Callable[..., Page], browser: Browser, desk: OpenDesk, clues: dict[str, int]
) -> None:
    page = enter("ana", f"/clues/c{clues['p1']}")
    other = desk.client("ben")
    other.submit(f"/clues/c{clues['p1']}/decide", conclusion="rejected", version=1)
    press_and_wait(page, "a")
    assert "有人先你一步" in page.inner_text("h1")
    assert "ben" in page.inner_text("main")
    row = stored(desk, clues["p1"])
    assert (row.state, row.decided_by) == ("rejected", "ben")
    with page.expect_navigation():
        page.click("text=继续下一条")
    assert key_of(page) != f"c{clues['p1']}"


def test_a_claim_is_taken_while_one_reads_and_given_back(
    enter: Callable[..., Page], desk: OpenDesk, clues: dict[str, int]
) -> None:
    page = enter("ana", f"/clues/c{clues['p1']}")
    page.wait_for_selector("[data-held=yes]", timeout=10_000)
    assert stored(desk, clues["p1"]).claimed_by == "ana"
    assert desk.client("ben").submit(f"/clues/c{clues['p1']}/claim").status == 409
    page.goto(f"{desk.url}/queue")
    page.wait_for_timeout(300)
    assert stored(desk, clues["p1"]).claimed_by is None
    desk.client("ben").submit(f"/clues/c{clues['p1']}/claim")
    page.goto(f"{desk.url}/clues/c{clues['p2']}")
    page.goto(f"{desk.url}/clues/c{clues['p1']}")
    assert "ben 正在复核" in page.inner_text("main")


def test_unmasking_shows_everything_after_a_reason(
    enter: Callable[..., Page], desk: OpenDesk, clues: dict[str, int]
) -> None:
    number = clues["p1"]
    support.add_screenshot(desk.store, desk.clock(), number)
    page = enter("ana", f"/clues/c{number}")
    assert "zhaiwu00001" not in page.content()
    assert page.locator("img.blurred").evaluate("e => e.complete && e.naturalWidth > 0")
    page.keyboard.press("m")
    page.keyboard.type("核对联系方式")
    press_and_wait(page, "Enter")
    assert "zhaiwu00001" in page.inner_text(".centre")
    assert "zhaiwu00001" in page.inner_text("#contacts")
    assert page.locator("img.blurred").count() == 0
    page.reload()
    assert "核对联系方式" in page.inner_text(".history")


def test_an_analysts_screen_needs_no_scrolling_for_a_decision(
    enter: Callable[..., Page], desk: OpenDesk, now: datetime
) -> None:
    comments = tuple(support.said_below(f"c{n}", "怎么办啊" * 20, f"路人{n}") for n in range(30))
    ids = support.add_clues(
        desk.store, now, [support.pitch(1, comments=comments), *map(support.pitch, range(2, 60))]
    )
    page = enter("ana", f"/clues/c{ids['p1']}")
    assert page.evaluate("document.documentElement.scrollHeight") <= 900
    for selector in (".confirm", ".reject", ".doubt", ".clue-head", ".score-big", ".field .text", "#unmask-reason"):
        assert page.locator(selector).first.is_visible()
        box = page.locator(selector).first.bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + min(box["height"], 20) <= 900, selector


def test_a_mark_tells_its_rule_when_pointed_at_or_focused(
    enter: Callable[..., Page], desk: OpenDesk, clues: dict[str, int]
) -> None:
    page = enter("ana", f"/clues/c{clues['p1']}")
    mark = page.locator(".field .text mark[tabindex]").first
    tip = "e => getComputedStyle(e, '::after').content"
    assert mark.evaluate(tip) == "none"
    mark.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert " · " in mark.evaluate(tip)
    mark.blur()
    mark.hover()
    assert " · " in mark.evaluate(tip)
    assert page.locator(".reasons tr.lit").count() >= 1


def test_everything_can_be_done_by_keyboard_and_the_focus_is_seen(
    enter: Callable[..., Page], desk: OpenDesk, clues: dict[str, int]
) -> None:
    page = enter("ana", f"/clues/c{clues['p1']}")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        here = page.evaluate(
            "(() => { const e = document.activeElement; const s = getComputedStyle(e);"
            " return [e.tagName + '.' + e.className + '.' + (e.name || e.id), s.outlineStyle,"
            " e.matches('input[type=radio]') || s.outlineWidth !== '0px']; })()"
        )
        reached.add(here[0])
        assert here[2] or here[0].startswith("BODY"), f"{here[0]} hides its focus"
    for wanted in (
        "BUTTON.confirm.conclusion",
        "BUTTON.reject.conclusion",
        "INPUT.reason.reason",
        "INPUT..unmask-reason",
    ):
        assert any(one.startswith(wanted.rsplit(".", 1)[0]) for one in reached), wanted


def test_without_scripts_forms_and_links_do_the_work(
    browser: Browser, desk: OpenDesk, clues: dict[str, int]
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(desk.url)
        page.fill("#name", "ana")
        page.fill("#password", support.PASSWORD)
        page.click("main button.primary")
        page.click("main button.primary")
        first = key_of(page)
        page.click(".confirm")
        assert stored(desk, int(first[1:])).state == "confirmed"
        assert key_of(page) != first
        page.click("button:has-text('撤销')")
        assert stored(desk, int(first[1:])).state == "queued"
        page.fill("#unmask-reason", "核对")
        page.click(".unmask button")
        assert "zhaiwu" in page.inner_text("#contacts")


def test_a_nickname_does_not_turn_its_neighbours_around(
    enter: Callable[..., Page], desk: OpenDesk, now: datetime
) -> None:
    for number, name in ((1, "上岸\u202e喵abc"), (2, "\u2067\u202b\u05e9\u05dc\u05d5\u05dd abc"), (3, "普通abc")):
        author = AccountFacts(native_id=f"b{number}", name=name, bio="\u202e" + "债务" * 3)
        support.add_clues(
            desk.store, now, [support.pitch(number, author=author, title=f"标题{number}\u202e ABC 123")]
        )
    page = enter("ana", "/queue")
    orders = page.eval_on_selector_all(
        "tbody tr",
        "rows => rows.map(r => [...r.cells].map(c => Math.round(c.getBoundingClientRect().left)))",
    )
    assert len({tuple(one) for one in orders}) == 1
    assert orders[0] == sorted(orders[0])
    assert "\u202e" not in page.content()
    assert "\u2067" not in page.content()
    assert page.locator(".where .token").count() >= 3
    page.goto(f"{desk.url}/clues/c1")
    assert "\u202e" not in page.content()
    title = page.locator(".field .text bdi").first
    letters = title.evaluate(
        "bdi => { const w = document.createTreeWalker(bdi, NodeFilter.SHOW_TEXT); const out = [];"
        " while (w.nextNode()) { const n = w.currentNode;"
        " for (let i = 0; i < n.length; i++) { const r = document.createRange();"
        " r.setStart(n, i); r.setEnd(n, i + 1); out.push(r.getBoundingClientRect().left); } } return out; }"
    )
    assert letters == sorted(letters), "the title reads from left to right"


def test_a_session_that_ended_leaves_nothing_on_the_screen(
    enter: Callable[..., Page], desk: OpenDesk, clues: dict[str, int]
) -> None:
    page = enter("ana", f"/clues/c{clues['p1']}")
    desk.client("admin").submit("/people/ana/disable")
    page.wait_for_selector("#password", timeout=10_000)
    assert "停息挂账" not in page.content()
    page.go_back()
    page.wait_for_timeout(200)
    assert "停息挂账" not in page.content()


def test_the_clock_of_a_simulation_is_named_on_every_page(
    enter: Callable[..., Page], desk: OpenDesk, clues: dict[str, int]
) -> None:
    page = enter("ana", "/queue")
    assert page.locator(".banner-clock").count() == 0
    desk.store.simulated = True
    for path in ("/queue", f"/clues/c{clues['p1']}", "/clusters", "/password"):
        page.goto(f"{desk.url}{path}")
        assert "2026-11-18 10:30" in page.inner_text(".banner-clock"), "Shanghai time"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_text_stands_out_from_what_it_stands_on(
    enter: Callable[..., Page], desk: OpenDesk, clues: dict[str, int], language: str
) -> None:
    page = enter("ana", "/queue")
    if language == "en":
        page.click("text=English")
    for path in ("/queue", f"/clues/c{clues['p1']}", "/clusters", "/password", "/nowhere"):
        page.goto(f"{desk.url}{path}")
        faint = page.evaluate(CONTRAST)
        assert faint == [], path


CONTRAST = """() => {
  const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
  const linear = (v) => v / 255 <= .03928 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > .9) return c;
    }
    return [255, 255, 255];
  };
  const out = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    const seen = e.checkVisibility({opacityProperty: true, visibilityProperty: true});
    if (!own || !seen || e.closest(":disabled, .gone, kbd, .unseen, .skip")) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) out.push([e.tagName, e.className, e.textContent.slice(0, 20), Math.round(ratio * 10) / 10]);
  }
  return out;
}"""
