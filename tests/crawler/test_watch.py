"""`watch.yml`: what is accepted, what is refused, and where the fault is said to be."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from crawler.due import due_sources
from crawler.watch import basis_problems, in_quiet_hours, load_watch, parse_watch
from storage.errors import SettingsError
from storage.records import RunState
from storage.runs import RunRow

if TYPE_CHECKING:
    from pathlib import Path

    from crawler.watch import SourceConfig

WHOLE = """
sources:
  - name: forum
    platform: web
    access: operator
    base_url: https://bbs.example.cn/x/
    start: [/sitemap.xml, "list?page=1"]
    article: ^/thread/
    follow: page=
    comments: {item: .reply, author: .who, text: .said, published_at: time}
    queries: [停息挂账]
    topics: [debt_negotiation]
    basis: {document: 合作协议, reference: A-1, granted_by: 示例论坛, valid_until: 2027-01-31}
    schedule: "0 */6 * * *"
    budget: {pages_per_run: 100, delay_seconds: 1.5, quiet_hours: "23:00-07:00"}
    refresh_days: 3
  - {name: tips, platform: xiaohongshu, access: import}
"""


def one(text: str) -> SourceConfig:
    return parse_watch(f"sources:\n  - {{name: s, platform: web, access: open, {text}}}\n")[0]


def test_whole_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "watch.yml"
    path.write_text(WHOLE, "utf-8")
    forum, tips = load_watch(path)
    assert forum.start_urls == ("https://bbs.example.cn/sitemap.xml", "https://bbs.example.cn/x/list?page=1")
    assert forum.reach.origins == {("bbs.example.cn", 443)}
    assert (tips.access, tips.start_urls) == ("import", ())


@pytest.mark.parametrize("text", ["", "sources: []", "sources:"])
def test_empty_file_has_no_sources(text: str) -> None:
    assert parse_watch(text) == ()


@pytest.mark.parametrize(
    ("line", "code", "field", "place"),
    [
        ("    colour: red", "unknown_key", "sources.0.colour", 6),
        ("    budget: {pages: 3}", "unknown_key", "sources.0.budget.pages", 6),
        ("    article: '('", "bad_field", "sources.0.article", 6),
        ("    schedule: hourly", "bad_field", "sources.0.schedule", 6),
        ("    budget: {quiet_hours: '25:00-07:00'}", "bad_field", "sources.0.budget.quiet_hours", 6),
        ("    budget: {delay_seconds: 0.5}", "bad_field", "sources.0", 2),
        ("    budget: {delay_seconds: -1}", "bad_field", "sources.0.budget.delay_seconds", 6),
        ("    start: ['javascript:alert(1)']", "bad_field", "sources.0", 2),
        ("    comments: {item: '..', author: a, text: b}", "bad_field", "sources.0.comments", 6),
        ("    comments: {item: a}", "bad_field", "sources.0.comments.author", 6),
        ("    name: again", "bad_field", "name", 6),
        ("    basis: {valid_until: soon}", "bad_field", "sources.0.basis.valid_until", 6),
    ],
)
def test_faults_name_key_and_line(line: str, code: str, field: str, place: int) -> None:
    head = "sources:\n  - name: s\n    platform: web\n    access: open\n    base_url: https://a.example\n"
    with pytest.raises(SettingsError) as caught:
        parse_watch(head + line + "\n", file="w.yml")
    assert (caught.value.code, caught.value.field, caught.value.line) == (code, field, place)
    assert caught.value.file == "w.yml"


@pytest.mark.parametrize(
    "text",
    [
        "base_url: ftp://a.example",
        "base_url: 'https://u:p@a.example'",
        "start: [/x]",
        "topics: []",
        "base_url: https://a.example, private: true, budget: {pages_per_run: 0}",
        "start: [http://127.0.0.1:1/, http://127.0.0.2:1/], private: true",
    ],
)
def test_sources_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        one(text)
    assert caught.value.code == "bad_field"


@pytest.mark.parametrize("text", ["sources: [", "- a", "sources: {a: 1}", "sources: [1]", "a: &x [*x]"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_watch(text)


def test_platform_without_adapter_is_for_imports_only() -> None:
    with pytest.raises(SettingsError, match="no adapter"):
        parse_watch("sources: [{name: s, platform: nowhere, access: visitor}]")


def test_an_access_that_the_platform_does_not_know_is_refused() -> None:
    with pytest.raises(SettingsError, match="one of: operator, import"):
        parse_watch("sources: [{name: s, platform: xiaohongshu, access: visitor}]")


def test_two_sources_of_one_name_are_refused() -> None:
    source = "{name: s, platform: x, access: import}"
    with pytest.raises(SettingsError, match="two sources"):
        parse_watch(f"sources: [{source}, {source}]")


def test_missing_and_undecodable_files(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_watch(tmp_path / "watch.yml")
    assert caught.value.code == "missing_file"
    (tmp_path / "watch.yml").write_bytes("sources: [] # 来源".encode("gb18030"))
    with pytest.raises(SettingsError) as caught:
        load_watch(tmp_path / "watch.yml")
    assert caught.value.code == "bad_encoding"


def test_operator_needs_a_whole_and_valid_basis() -> None:
    today = date(2026, 11, 18)
    forum = parse_watch(WHOLE)[0]
    assert basis_problems(forum, today=today) == ()
    assert basis_problems(forum, today=date(2027, 2, 1)) == ("its basis ended on 2027-01-31",)
    bare = forum.model_copy(update={"basis": None})
    assert len(basis_problems(bare, today=today)) == 4
    assert basis_problems(one("base_url: https://a.example"), today=today) == ()


def test_quiet_hours_run_over_midnight_in_shanghai() -> None:
    source = one("base_url: https://a.example, budget: {quiet_hours: '23:00-07:00'}")
    assert in_quiet_hours(source, datetime(2026, 11, 18, 15, 0, tzinfo=UTC))  # 23:00
    assert in_quiet_hours(source, datetime(2026, 11, 18, 22, 59, tzinfo=UTC))  # 06:59
    assert not in_quiet_hours(source, datetime(2026, 11, 18, 23, 0, tzinfo=UTC))  # 07:00
    assert not in_quiet_hours(one("base_url: https://a.example"), datetime(2026, 11, 18, 15, 0, tzinfo=UTC))


def test_due_is_what_is_unfinished_unscheduled_or_fired(now: datetime) -> None:
    texts = ["", "schedule: 0 1 * * *", "budget: {quiet_hours: '10:00-11:00'}"]
    plain, planned, quiet = (one(f"base_url: https://a.example{', ' if t else ''}{t}") for t in texts)
    imported = parse_watch("sources: [{name: i, platform: x, access: import}]")[0]
    sources = [plain, planned.model_copy(update={"name": "p"}), quiet.model_copy(update={"name": "q"}), imported]

    def names(state: RunState, *, fired: bool) -> list[str]:
        run = RunRow(id=1, source="p", state=state, started_at=now, ended_at=now)
        found = due_sources(sources, {"p": run}, now=now, fired_since=lambda _cron, _moment: fired)
        return [source.name for source in found]

    assert names(RunState.FINISHED, fired=False) == ["s"]
    assert names(RunState.FINISHED, fired=True) == ["s", "p"]
    assert names(RunState.BLOCKED, fired=False) == ["s"]
    assert names(RunState.RUNNING, fired=False) == names(RunState.BUDGET, fired=False) == ["s", "p"]
