"""Post lines: what is read, what is refused, and why."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.post_lines import (
    MAX_LINE_BYTES,
    LineProblem,
    PostLine,
    iter_lines,
    parse_count,
    parse_post_line,
)


def read(**record: Any) -> PostLine:
    found = parse_post_line(json.dumps(record), 1)
    assert isinstance(found, PostLine), found
    return found


def refused(raw: str | bytes) -> LineProblem:
    found = parse_post_line(raw, 7)
    assert isinstance(found, LineProblem), found
    assert found.line == 7
    return found


def test_whole_line_is_read() -> None:
    line = read(
        id="1",
        platform="weibo",
        kind="post",
        url="https://weibo.com/1/x",
        title="标题",
        text="正文",
        author={"id": 7, "handle": "h", "name": "名", "bio": "介绍", "verified": False, "followers": "9.7万"},
        parent="上文",
        comments=[{"author": "甲", "text": "一"}, {"id": "c2", "author": {"id": "u", "name": "乙"}, "text": "二"}],
        images=["a.png"],
        metrics={"likes": "100万+", "views": 3, "other": "x"},
        published_at="2026-11-18T10:30:00",
        mood="?",
    )
    assert (line.author.native_id, line.author.followers, line.author.verified) == ("7", 97000, False)
    assert [(comment.native_id, comment.author.name) for comment in line.comments] == [(None, "甲"), ("c2", "乙")]
    assert line.metrics == {"likes": 1000000, "views": 3}
    assert line.published_at == datetime(2026, 11, 18, 2, 30, tzinfo=UTC)
    assert line.unknown_keys == ("mood",)


@pytest.mark.parametrize(
    "record",
    [
        {"title": "t"},
        {"text": "t"},
        {"author": {"name": "n"}},
        {"author": {"bio": "b"}},
        {"comments": [{"author": "", "text": "c"}]},
        {"text": "t", "author": None, "comments": None, "parent": None, "metrics": None},
    ],
)
def test_one_text_is_enough_and_null_means_absent(record: dict[str, Any]) -> None:
    assert read(id="1", **record).id == "1"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   ",
        b"{",
        b"[]",
        b'"x"',
        b'{"id": "1", "text": NaN}',
        b'{"id": "1", "text": "\xff"}',
        b"[" * 100_000,
        b'{"id": ' + b"9" * 5000 + b"}",
    ],
)
def test_broken_lines_are_bad_lines(raw: bytes) -> None:
    assert refused(raw).code == "bad_line"


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"text": "t"}, "id"),
        ({"id": " ", "text": "t"}, "id"),
        ({"id": True, "text": "t"}, "id"),
        ({"id": "1"}, "text"),
        ({"id": "1", "text": " \n"}, "text"),
        ({"id": "1", "text": 5}, "text"),
        ({"id": "1", "text": "t", "author": "名"}, "author"),
        ({"id": "1", "text": "t", "author": {"verified": "yes"}}, "author.verified"),
        ({"id": "1", "text": "t", "comments": [{"text": 1, "author": "a"}]}, "comments[0].text"),
        ({"id": "1", "text": "t", "comments": ["x"]}, "comments[0]"),
        ({"id": "1", "text": "t", "images": [1]}, "images[0]"),
        ({"id": "1", "text": "t", "metrics": {"likes": "many"}}, "metrics.likes"),
        ({"id": "1", "text": "t", "published_at": "yesterday"}, "published_at"),
        ({"id": "1", "text": "t", "published_at": "0001-01-01"}, "published_at"),
    ],
)
def test_wrong_fields_are_named(record: dict[str, Any], field: str) -> None:
    problem = refused(json.dumps(record))
    assert (problem.code, problem.field) == ("bad_field", field)
    assert problem.id == ("1" if record.get("id") == "1" else None)


def test_nul_and_lone_surrogates_are_replaced_one_for_one() -> None:
    line = read(id="1\x00", text="a\x00b\ud800c", comments=[{"author": "\udfff", "text": "x"}])
    assert (line.id, line.text, line.comments[0].author.name) == ("1\ufffd", "a\ufffdb\ufffdc", "\ufffd")


@pytest.mark.parametrize(
    ("raw", "count"),
    [
        ("9.7万", 97000),
        ("100万+", 1000000),
        ("1,234", 1234),
        ("3亿", 300000000),
        ("2.5w", 25000),
        (7, 7),
        (7.0, 7),
        ("约9万", None),
        ("", None),
        (True, None),
        (-1, None),
        (1.5, None),
        ("9" * 40, None),
    ],
)
def test_counts_as_platforms_write_them(raw: object, count: int | None) -> None:
    assert parse_count(raw) == count


def test_lines_end_at_line_feeds_only_and_a_bom_is_dropped() -> None:
    stream = io.BytesIO("\ufeffa\u2028b\r\n\n c".encode())
    assert list(iter_lines(stream)) == [(1, "a\u2028b".encode()), (2, b""), (3, b" c")]


def test_overlong_line_is_refused_and_the_next_one_read() -> None:
    stream = io.BytesIO(b"x" * (3 * MAX_LINE_BYTES) + b'\n{"id": "2", "text": "t"}\n')
    (first, long), (second, short) = list(iter_lines(stream))
    assert (first, second) == (1, 2)
    assert "longer than" in refused(long).message
    assert isinstance(parse_post_line(short, 2), PostLine)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
def test_any_line_is_read_or_refused(raw: bytes | str) -> None:
    assert isinstance(parse_post_line(raw, 1), PostLine | LineProblem)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["id", "text", "author", "comments", "metrics", "published_at"]), _JSON))
def test_any_values_in_known_keys_are_read_or_refused(record: dict[str, Any]) -> None:
    assert isinstance(parse_post_line(json.dumps(record), 1), PostLine | LineProblem)
