"""The parts of reading through a browser that need none: strict JSON, definitions, tokens, health, the guard."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from crawler.adapter_sections import Assertions, Bounds
from crawler.adapters import load_adapter
from crawler.browser_provider import is_allowed
from crawler.browser_spider import reason_of
from crawler.health import RunHealth
from crawler.json_reading import Audit, Fields, read_json, read_state
from crawler.profiles import allowed_origins, context_options, held_profile, profile_folder
from crawler.urls import without_tokens
from crawler.watch import parse_watch
from storage.errors import AccessError, SettingsError
from storage.records import AccountFacts, PostFacts

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 11, 18, tzinfo=UTC)
HEAD = "name: n, platform: xiaohongshu, access: operator, queries: [q]"


def fields(**values: object) -> tuple[Fields, Audit]:
    audit = Audit()
    return Fields(values, "x", audit), audit


@pytest.mark.parametrize(
    ("written", "number"),
    [("9.7万", 97_000), ("100万+", 1_000_000), ("1,234", 1234), ("1.2亿", 120_000_000), (12, 12), ("", None)],
)
def test_counts_are_numbers_with_their_writing_beside_them(written: object, number: int | None) -> None:
    found, audit = fields(n=written)
    assert found.count("n") == (number, str(written))
    assert audit.problems == ()


@pytest.mark.parametrize("value", ["many 3", {"a": 1}, [], True])
def test_values_of_another_kind_are_named(value: object) -> None:
    found, audit = fields(n=value)
    assert found.count("n")[0] is None
    assert audit.problems


def test_what_nobody_took_is_named_once() -> None:
    found, audit = fields(a=1, b=2)
    found.text("a")
    found.done()
    found.done()
    assert audit.problems == ("unknown key x.b",)


def test_times_are_milliseconds_and_never_of_the_future() -> None:
    found, _ = fields(t=1778112064000, late=1_900_000_000_000, none=None)
    assert found.moment("t", at=AT) == datetime(2026, 5, 7, 0, 1, 4, tzinfo=UTC)
    assert found.moment("late", at=AT) is None
    assert found.moment("none", at=AT) is None


@pytest.mark.parametrize("huge", ["9" * 400, 10**30, "-5"])
def test_absurd_times_are_none(huge: object) -> None:
    found, _ = fields(t=huge)
    assert found.moment("t", at=AT) is None


def test_state_of_a_page_is_no_json_and_still_read() -> None:
    page = r'<script>window.__INITIAL_STATE__={"a":undefined,"bC":{"_rawValue":[NaN,"undefined \" x"]}}</script>'
    assert read_state(page) == {"a": None, "b_c": [None, 'undefined " x']}


@pytest.mark.parametrize(
    "page", ["", "<script>window.__INITIAL_STATE__={</script>", "__INITIAL_STATE__", "[" * 99999]
)
def test_broken_state_is_none(page: str) -> None:
    assert read_state(page) is None
    assert read_json(page.encode()) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://a.cn/explore/1?xsec_token=SECRET&xsec_source=pc",
        "https://a.cn/404/sec_x?source=%2Fexplore%2F1%3Fxsec_token%3DSECRET&error_code=300031",
        "https://a.cn/x?r=%252Fa%253Fxsec_token%253DSECRET",
        "https://a.cn/v.srt?sign=SECRET&t=1",
    ],
)
def test_no_address_keeps_a_token(url: str) -> None:
    found = without_tokens(url)
    assert "SECRET" not in found
    assert without_tokens(found) == found


def test_packaged_definition_is_checked(tmp_path: Path) -> None:
    adapter = load_adapter("xiaohongshu")
    assert adapter.uses_browser
    assert adapter.access == ("operator", "import")
    overlay = tmp_path / "xiaohongshu.yml"
    overlay.write_text("platform: xiaohongshu\nsurprise: 1\n", "utf-8")
    with pytest.raises(SettingsError, match="surprise") as caught:
        load_adapter("xiaohongshu", overlays=tmp_path)
    assert caught.value.code == "unknown_key"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{HEAD.replace('operator', 'open')}", "access of xiaohongshu"),
        ("name: n, platform: xiaohongshu, access: operator", "needs queries"),
        (f"{HEAD}, base_url: 'http://a.cn'", "https://"),
        (f"{HEAD}, private: true", "base_url"),
        (f"{HEAD}, budget: {{delay_seconds: 0}}", "private: true"),
    ],
)
def test_sources_that_cannot_be_read_so_are_refused(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        parse_watch(f"sources: [{{{text}}}]")


def test_source_knows_its_platforms_home_and_hosts() -> None:
    (source,) = parse_watch(f"sources: [{{{HEAD}}}]")
    adapter = load_adapter("xiaohongshu")
    assert source.home == "https://www.xiaohongshu.com"
    hosts = dict(allowed_origins(source, adapter))
    assert hosts["edith.xiaohongshu.com"] == 443
    assert not any("rednote" in host for host in hosts)
    (own,) = parse_watch(f"sources: [{{{HEAD}, base_url: 'http://127.0.0.1:8123', private: true}}]")
    assert allowed_origins(own, adapter) == (("127.0.0.1", 8123),)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:8123/api", True),
        ("data:image/png;base64,AA", True),
        ("http://127.0.0.1:8124/api", False),
        ("http://169.254.169.254/latest", False),
        ("https://127.0.0.1:8123/", True),
        ("file:///etc/passwd", False),
        ("http://2130706433:8123/", False),
        ("ws://127.0.0.1:8123/", True),
    ],
)
def test_pages_reach_the_sources_hosts_and_nothing_else(url: str, allowed: bool) -> None:
    assert is_allowed(url, frozenset({("127.0.0.1", 8123)})) is allowed


def test_browser_knows_one_address_and_no_other(tmp_path: Path) -> None:
    (own,) = parse_watch(f"sources: [{{{HEAD}, base_url: 'http://127.0.0.1:8123', private: true}}]")
    folder = profile_folder(tmp_path / "profiles", "n")
    options = context_options(own, load_adapter("xiaohongshu"), folder, chromium=None, no_sandbox=False)
    (rules,) = [one for one in options["args"] if "host-resolver" in one]
    assert rules.endswith("MAP 127.0.0.1 127.0.0.1:8123, MAP * ~NOTFOUND")
    assert options["service_workers"] == "block"
    assert options["accept_downloads"] is False


def test_profile_is_opened_by_one_process_at_a_time(tmp_path: Path) -> None:
    with held_profile(tmp_path / "profiles", "n") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        with pytest.raises(AccessError, match="open in another process"), held_profile(tmp_path / "profiles", "n"):
            pass
    (folder / "SingletonLock").symlink_to("elsewhere-1")  # left by a browser that was killed
    with held_profile(tmp_path / "profiles", "n"):
        assert not (folder / "SingletonLock").is_symlink()


def note(**wanted: object) -> PostFacts:
    values: dict[str, object] = {
        "text": "正文",
        "published_at": AT,
        "author": AccountFacts(native_id="1", name="甲"),
    }
    return PostFacts(platform="p", native_id="1", kind="note", url=None, **(values | wanted))  # type: ignore[arg-type]


def test_run_whose_notes_lost_a_field_is_no_healthy_one() -> None:
    expected = Assertions(min_fill={"published_at": 0.8}, after=5)
    health = RunHealth()
    for number in range(6):
        health.opened(note(published_at=None if number else AT))
    assert "published_at" in str(health.judge(expected))
    few = RunHealth()
    few.opened(note(published_at=None))
    assert few.judge(expected) is None


def test_run_beyond_its_counts_is_named_once_a_search_ended() -> None:
    expected = Assertions(listed=Bounds(min=2, max=5))
    health = RunHealth(listed=1)
    assert health.judge(expected) is None
    health.searches_ended = 1
    assert "expected 2 to 5" in str(health.judge(expected))


def test_every_marker_and_selector_stays_within_its_platform() -> None:
    adapter = load_adapter("xiaohongshu")
    assert adapter.surface is not None
    assert "{query}" in adapter.surface.search
    assert all("{token}" in path for path in (adapter.surface.note, adapter.surface.profile))
    assert json.dumps(adapter.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Page.goto: net::ERR_CONNECTION_REFUSED at http://a.test/x?xsec_token=AB", "net::ERR_CONNECTION_REFUSED"),
        ("Timeout 30000ms exceeded, xsec_token=AB", "TimeoutError"),
    ],
)
def test_a_page_that_does_not_come_is_named_without_its_address(words: str, reason: str) -> None:
    assert reason_of(TimeoutError(words)) == reason
