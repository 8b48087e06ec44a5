"""The page of figures in a real browser: readable, nothing runs, nothing is loaded, spans stand where they are."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from classifiers.wording import WORDING_RULE
from tests.classifiers.labelled import CALM, OFFER, overlay_with_weights
from tests.review.test_browser import CONTRAST
from tests.support.cli import call

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

ATTACK = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">{{ 7*7 }}"
HOSTILE: list[dict[str, Any]] = [
    {
        "id": f"1{ATTACK}",
        "platform": ATTACK,
        "title": f"{ATTACK}\u202etxt\u2066",
        "text": f"{OFFER}{ATTACK}\u200b\x1b[31m'\"><b>",
        "author": {"name": "</style><script>1</script>", "bio": OFFER, "verified_as": ATTACK},
        "comments": [{"author": {"name": ATTACK, "bio": "\u202e"}, "text": "\u0e49" * 40}],
        "parent": "</title>",
        "label": "news",
        "contacts": [{"kind": "qq", "value": f"{ATTACK}\u202e"}],
        "subtype": ATTACK,
        "obfuscations": [ATTACK],
        "why": ATTACK,
    },
    {
        "id": "2",
        "text": "停\u200b息 挂 账 找 我 们，专业办理，加微信 anping_kefu7",
        "label": "victim",
        "categories": [],
    },
    {"id": "3", "text": CALM, "label": "clue", "categories": ["surrender"], "where": ["text"]},
    {"id": "4", "text": CALM + "云" * 30_000, "label": "clue", "subtype": "<b>s</b>", "obfuscations": ["<i>"]},
    {"id": "5", "text": OFFER, "label": "clue", "contacts": [], "where": ["comments"]},
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("page")
    rows = tmp_path / "rows<b>.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in HOSTILE), "utf-8")
    overlay = overlay_with_weights(tmp_path / "strict", flagged_from=90.0, unsure_from=80.0)
    gold = tmp_path / "gold.jsonl"
    gold.write_text('{"id":"1","text":"办理","label":"clue"}\n{"id":"2","text":"云","label":"news"}\n', "utf-8")
    options = ("--against", overlay, "--baselines", gold, "--details")
    done = call("evaluate", rows, "--html", tmp_path / "page.html", *options, "--json")
    assert done.code == 0, done.out
    return tmp_path / "page.html"


@pytest.fixture
def opened(written: Path, page: Page) -> Page:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(written.as_uri())
    page.wait_for_load_state("load")
    assert said == []
    return page


def errors(page: Page) -> Locator:
    return page.locator(".errors .error")


def test_nothing_runs_and_nothing_is_loaded(written: Path, opened: Page) -> None:
    assert opened.title() == "清源 判断效果 · Qingyuan evaluation"
    assert opened.locator("script, img, link, iframe, form, object, video").count() == 0
    assert opened.evaluate("performance.getEntriesByType('resource').length") == 0
    assert set(re.findall(r'href="([^"#]*)', written.read_text("utf-8"))) == {""}
    assert ATTACK in errors(opened).locator(".id").nth(2).inner_text()
    assert ATTACK in errors(opened).locator(".text").nth(2).inner_text()


def test_hidden_characters_are_tokens_and_never_turn_a_line(written: Path, opened: Page) -> None:
    assert re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]",
                     written.read_text("utf-8")) is None  # fmt: skip
    tokens = set(opened.locator(".token").all_inner_texts())
    assert {"U+202E", "U+2066", "U+200B", "U+001B"} <= tokens


def test_errors_are_grouped_by_kind_the_worst_first(opened: Page) -> None:
    heads = [" ".join(head.split()) for head in opened.locator(".errors > h3").all_inner_texts()]
    assert heads == ["漏报 Missed clue 2", "误报 False flag 2", "联系方式有误 Wrong contacts 1"]
    ids = [" ".join(text.split()) for text in errors(opened).locator(".id").all_inner_texts()]
    assert (ids[:2], ids[3:]) == (["3", "4"], ["2", "5"])
    for link in opened.locator(".toc a").all():
        assert opened.locator(str(link.get_attribute("href"))).count() == 1


def test_marks_cover_what_the_findings_name_and_the_text_is_whole(opened: Page, written: Path) -> None:
    rows = written.parent / "rows<b>.jsonl"
    (verdict,) = call("screen", "-", stdin=rows.read_bytes().split(b"\n")[1]).lines
    (card,) = [found for found in errors(opened).all() if found.locator(".id").inner_text() == "2"]
    bare = "node => { const copy = node.cloneNode(true); copy.querySelectorAll('.token').forEach(t => t.remove());"
    shown = card.locator(".text").evaluate(f"{bare} return copy.textContent }}")
    assert shown == HOSTILE[1]["text"].replace("\u200b", "")
    marked = set()
    position = 0
    for kind, part in card.locator(".text").evaluate(
        """node => { const found = [];
        const walk = (at, marked) => at.childNodes.forEach(one => one.nodeType == 3
          ? found.push([marked, one.textContent])
          : walk(one, one.classList.contains('token') ? 'token' : one.tagName == 'MARK' ? 'mark' : marked));
        walk(node.querySelector('bdi'), ''); return found }"""
    ):
        size = 1 if re.fullmatch(r"U\+[0-9A-F]+", part) else len(part)
        if kind:
            marked |= set(range(position, position + size))
        position += size
    words = [finding for finding in verdict["findings"] if finding["rule"] != WORDING_RULE]  # not whole sentences
    named = {at for finding in words for at in range(finding["start"], finding["end"])}
    assert named
    assert marked - {HOSTILE[1]["text"].index("\u200b")} == named - {HOSTILE[1]["text"].index("\u200b")}
    assert "停息挂账" in card.locator(".decoded").inner_text()


def test_the_reasons_add_up_to_the_score(opened: Page) -> None:
    for card in errors(opened).all():
        weights = card.locator(
            ".why > .reasons:not(.total) td:last-child, .why details:not(:last-child) td:last-child"
        )
        total = sum(float(text) for text in weights.all_text_contents())
        bias, whole = (float(text) for text in card.locator(".total td:last-child").all_inner_texts())
        assert total + bias == pytest.approx(whole, abs=0.002)
        assert f"score {card.locator('.score').inner_text()}" in card.locator(".total").inner_text()


def test_long_texts_are_cut_and_say_so(opened: Page) -> None:
    (card,) = [found for found in errors(opened).all() if found.locator(".id").inner_text() == "4"]
    assert f"{30_000 + len(CALM) - 20_000} more characters" in card.locator(".text").inner_text()
    assert card.bounding_box()["height"] < 1000


def test_figures_baselines_and_the_other_ruleset_are_there(opened: Page) -> None:
    body = opened.locator("main").inner_text()
    shown = ("召回率 Recall", "标签混淆", "基线 Plain judges", "规则对比", "不再命中 No longer flagged", "McNemar")
    for words in (*shown, "代理退保", "借款人"):
        assert words in body
    assert opened.locator(".change").count() == 3
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_text_can_be_read(opened: Page) -> None:
    opened.evaluate("document.querySelectorAll('details').forEach(found => { found.open = true })")
    assert opened.evaluate(CONTRAST) == []


def test_only_the_first_rows_of_a_kind_are_shown(tmp_path: Path, page: Page) -> None:
    rows = tmp_path / "many.jsonl"
    rows.write_text("".join(json.dumps({"id": str(n), "text": CALM, "label": "clue"}) + "\n" for n in range(205)))
    assert call("evaluate", rows, "--html", tmp_path / "page.html").code == 0
    page.goto((tmp_path / "page.html").as_uri())
    assert errors(page).count() == 200
    assert "漏报 Missed clue 205" in " ".join(page.locator(".errors > h3").inner_text().split())
    assert "Only the first 200 are shown" in page.locator(".warn").inner_text()
