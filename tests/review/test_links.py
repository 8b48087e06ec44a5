"""Addresses of strangers: what may be followed, and what people are warned of."""

# ruff: noqa: RUF001 - look-alike characters are what is tested

from __future__ import annotations

import pytest

from review.filters import QueueFilter, parse_filter, read_filter
from review.links import outward_link


@pytest.mark.parametrize(
    "text",
    [
        "javascript:X()",
        "JaVaScRiPt:X()",
        "java\tscript:X()",
        " \x01javascript:X()",
        "data:text/html,<script>X()</script>",
        "vbscript:X()",
        "file:///etc/passwd",
        "blob:https://a.test/1",
        "//evil.test",
        "/local",
        "http://",
        "https://[::1",
        "https://a.test:99999/",
        'https://a"onclick=X() b.test/',
        "",
        None,
    ],
)
def test_nothing_but_web_addresses_is_followed(text: str | None) -> None:
    assert outward_link(text) is None


@pytest.mark.parametrize(
    ("text", "href", "warnings"),
    [
        ("https://forum.test/t/1?a=b#c", "https://forum.test/t/1?a=b", ()),
        ("HTTPS://Forum.Test/路径", "https://forum.test/%E8%B7%AF%E5%BE%84", ()),
        ("http://forum.test:80/", "http://forum.test:80/", ()),
        ("https://аррӏе.test/", "https://xn--80ak6aa92e.test/", ("idn",)),
        ("https://рaypal.test/", "https://xn--aypal-uye.test/", ("idn", "mixed")),
        ("https://中国银行.test/", "https://xn--fiqs8s856bruk.test/", ("idn",)),
        ("http://2130706433/", "http://2130706433/", ("number",)),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/", ("number", "port")),
        ("https://bank.cn@evil.test/", "https://evil.test/", ("user",)),
        ('https://a.test/"onmouseover="X()', "https://a.test/%22onmouseover=%22X()", ()),
        ("https://a.test/<script>", "https://a.test/%3Cscript%3E", ()),
    ],
)
def test_web_addresses_are_spelled_out_with_their_warnings(text: str, href: str, warnings: tuple[str, ...]) -> None:
    link = outward_link(text)
    assert link is not None
    assert link.href == href
    assert link.href.isascii()
    assert link.warnings == warnings


def test_a_filter_survives_an_address() -> None:
    chosen = QueueFilter(state="every", band="unsure", platform="论坛", category="surrender", search="停息&x=1")
    assert parse_filter(chosen.query) == chosen
    assert parse_filter(QueueFilter().query) == QueueFilter()
    assert QueueFilter().address("/queue") == "/queue"
    assert QueueFilter().address("/queue", after="1_2", before=None) == "/queue?after=1_2"


def test_what_cannot_be_meant_is_not_chosen() -> None:
    nonsense = {"state": "x", "band": "clear", "category": "'; DROP", "search": "x" * 5000, "platform": " a "}
    chosen = read_filter(nonsense)
    assert (chosen.state, chosen.band, chosen.category) == ("open", "flagged", "")
    assert (len(chosen.search), chosen.platform) == (100, "a")
