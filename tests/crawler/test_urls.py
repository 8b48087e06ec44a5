"""One form per address, and which addresses belong to a source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.addresses import is_public, reach_of
from crawler.urls import canonical_url, is_trap, resolve, same_host


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTP://BBS.Example.CN:80/a?b=1#c", "http://bbs.example.cn/a?b=1"),
        ("https://a.example", "https://a.example/"),
        ("https://a.example:8443/x", "https://a.example:8443/x"),
        ("https://a.example/x?utm_source=w&id=2&spm=1.2&b=", "https://a.example/x?id=2&b="),
        ("https://a.example/x?utm_source=w", "https://a.example/x"),
        ("https://a.example/帖子?q=债 务", "https://a.example/%E5%B8%96%E5%AD%90?q=%E5%80%BA%20%E5%8A%A1"),
        ("https://user:pw@a.example/x", "https://a.example/x"),
        ("https://[2001:db8::1]:8080/x", "https://[2001:db8::1]:8080/x"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("ftp://a.example/x", None),
        ("//a.example/x", None),
        ("https://", None),
        ("http://[::1/x", None),
        ("http://a.example:99999/", None),
        ("", None),
    ],
)
def test_canonical_form(url: str, expected: str | None) -> None:
    assert canonical_url(url) == expected


@given(st.text(max_size=60).map(lambda tail: f"https://a.example/{tail}"))
def test_canonical_form_is_its_own(url: str) -> None:
    once = canonical_url(url)
    assert once is None or canonical_url(once) == once


@given(st.text(max_size=60))
def test_any_link_is_resolved_or_dropped(link: str) -> None:
    found = resolve("https://a.example/x/", link)
    assert found is None or found.startswith(("http://", "https://"))


def test_hosts_are_compared_with_port_and_without_www() -> None:
    assert same_host("https://www.a.example/x", "http://a.example/y")
    assert not same_host("https://a.example:8443/", "https://a.example/")
    assert not same_host("https://a.example.evil.example/", "https://a.example/")


def test_traps_are_seen() -> None:
    assert is_trap("https://a.example/" + "x/" * 9)
    assert is_trap("https://a.example/?" + "y" * 2000)
    assert not is_trap("https://a.example/2026/11/2026-11-03/a")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - it must not be public
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "localhost",
        "",
        "2130706433",
    ],
)
def test_no_private_address_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


def test_private_source_reaches_its_own_host_and_port_only() -> None:
    reach = reach_of(("http://127.0.0.1:8000/",), private_host="127.0.0.1")
    assert reach.allows("127.0.0.1", 8000, "127.0.0.1")
    assert not reach.allows("127.0.0.1", 8001, "127.0.0.1")
    assert not reach.allows("localhost", 8000, "127.0.0.1")
    assert not reach_of(("http://127.0.0.1:8000/",)).allows("127.0.0.1", 8000, "127.0.0.1")
    assert reach.knows("http://127.0.0.1:8000/x")
    assert not reach.knows("http://127.0.0.1:8001/x")
