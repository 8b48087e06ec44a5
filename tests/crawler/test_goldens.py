"""Every recorded page gives the recorded result: parsing is a pure function of bytes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crawler.adapters import adapter_names, load_adapter, load_spider
from crawler.parsing import parse_safely
from crawler.reading import PageRead, ReadRules, judge
from crawler.watch import CommentSelectors
from storage.records import ReadOutcome

if TYPE_CHECKING:
    from crawler.reading import Judged, PageParse

PLACE = Path(__file__).parent.parent / "fixtures" / "crawler"
CASES = sorted(path.parent for path in PLACE.glob("*/*/meta.json"))
KINDS = ("hit", "clean", "broken", "gone", "blocked", "ambiguous")


def read_case(case: Path) -> dict[str, Any]:
    """Return what a case's page is judged to be and what it holds."""
    platform = case.parent.name
    meta = json.loads((case / "meta.json").read_text("utf-8"))
    body = next(case.glob("input.*")).read_bytes()
    read = PageRead(
        url=meta["url"],
        asked_url=meta.get("asked_url", meta["url"]),
        status=meta.get("status", 200),
        body=body,
        at=datetime.fromisoformat(meta["at"]),
        headers=meta.get("headers", {}),
    )
    adapter = load_adapter(platform)
    selectors = meta.get("comments")
    rules = ReadRules(
        platform=platform,
        article=meta.get("article"),
        follow=meta.get("follow"),
        comments=CommentSelectors(**selectors) if selectors else None,
        base_url=adapter.home,
        limits=adapter.limits,
    )
    judged = judge(read, adapter)
    if judged.outcome is not ReadOutcome.OK:
        return shown(judged, None)
    return shown(judged, parse_safely(load_spider(platform).parse_page, read, meta.get("kind", "article"), rules))


def shown(judged: Judged, parsed: PageParse | None) -> dict[str, Any]:
    found = {"outcome": judged.outcome, "marker": judged.marker, "stops": judged.stops}
    if parsed is not None:
        found |= {"outcome": parsed.outcome, "marker": parsed.reason, "kind": parsed.kind}
        found["posts"] = [asdict(post) for post in parsed.posts]
        found["links"] = [asdict(link) for link in parsed.links]
        found["problems"] = list(parsed.problems)
        more = {"comments": parsed.comments, "accounts": parsed.accounts}
        found |= {name: [asdict(one) for one in facts] for name, facts in more.items() if facts}
        found |= {} if parsed.more is None else {"more": parsed.more}
    plain: dict[str, Any] = json.loads(json.dumps(found, default=str))
    return plain


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_recorded_page_gives_the_recorded_result(case: Path, pytestconfig: pytest.Config) -> None:
    found = read_case(case)
    golden = case / "output.json"
    if not golden.exists() or pytestconfig.getoption("--update-goldens"):
        is_new = not golden.exists()
        golden.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")
        assert not is_new, f"{golden} was written, please review it"
    assert found == json.loads(golden.read_text("utf-8"))


@pytest.mark.parametrize("platform", adapter_names())
@pytest.mark.parametrize("kind", KINDS)
def test_every_platform_has_a_case_of_every_kind(platform: str, kind: str) -> None:
    assert any(case.name.startswith(kind) for case in CASES if case.parent.name == platform)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_case_does_what_its_name_says(case: Path) -> None:
    found = read_case(case)
    expected = {"gone": "gone", "blocked": "blocked", "broken": "format_changed", "hit": "ok", "clean": "ok"}
    wanted = expected.get(case.name.split("_")[0])
    assert wanted is None or found["outcome"] == wanted


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_reading_twice_gives_the_same(case: Path) -> None:
    assert read_case(case) == read_case(case)


def test_ids_of_one_page_are_unique() -> None:
    for case in CASES:
        posts = read_case(case).get("posts", [])
        ids = Counter(entry["native_id"] for post in posts for entry in [post, *post["comments"]])
        assert max(ids.values(), default=1) == 1, case
