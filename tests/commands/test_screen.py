"""`screen` on input as it comes: broken lines, odd bytes, other encodings, pipes, and where the answer goes."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

from storage.post_lines import MAX_LINE_BYTES
from tests.support.cli import Answer, call
from tests.support.screen_lines import check_answers, check_line, check_refusal

if TYPE_CHECKING:
    from pathlib import Path

PITCH = "专业代办停息挂账，不成功不收费，加微信 zhaiwu888"
GOOD: dict[str, Any] = {"id": "good", "text": PITCH}


def line(**post: Any) -> bytes:
    return json.dumps(post, ensure_ascii=False).encode() + b"\n"


def between(raw: bytes) -> Answer:
    """Screen a line between two good ones; those must be judged as ever."""
    done = call("screen", stdin=line(**GOOD) + raw + b"\n" + line(id="last", text="今天天气真好"))
    first, *_, last = done.lines
    assert len(done.lines) == 3
    check_line(GOOD, first)
    assert first["flagged"]
    check_line({"id": "last", "text": "今天天气真好"}, last)
    assert not last["flagged"]
    return done


REFUSED = {
    "blank": b"",
    "spaces": b" \t ",
    "no json": b"hello",
    "half": b'{"id": "1", "te',
    "list": b'[{"id": "1", "text": "x"}]',
    "string": b'"text"',
    "number": b"1",
    "null": b"null",
    "two objects": b'{"id":"1","text":"x"}{"id":"2","text":"y"}',
    "nan": b'{"id": "1", "text": "x", "metrics": {"likes": NaN}}',
    "infinity": b'{"id": "1", "text": "x", "metrics": {"likes": -Infinity}}',
    "overflow": b'{"id": "1", "text": "x", "metrics": {"likes": 1e999}}',
    "endless number": b'{"id": "1", "text": "x", "metrics": {"likes": ' + b"9" * 5000 + b"}}",
    "deep list": b'{"id": "1", "text": "x", "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep object": b'{"id": "1", "text": "x", "a": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
    "open brackets": b"[" * 200_000,
    "not utf-8": b'{"id": "1", "text": "\xff\xfe"}',
    "surrogate bytes": b'{"id": "1", "text": "\xed\xa0\x80"}',
    "overlong": b'{"id": "1", "text": "\xc0\xaf"}',
    "raw nul": b'{"id": "1", "text": "a\x00b"}',
    "raw line separator in string": b'{"id": "1", "text": "a\x0bb"}',
    "second byte order mark": b'\xef\xbb\xbf{"id": "1", "text": "x"}',
    "no id": b'{"text": "x"}',
    "null id": b'{"id": null, "text": "x"}',
    "empty id": b'{"id": " ", "text": "x"}',
    "true id": b'{"id": true, "text": "x"}',
    "float id": b'{"id": 1.5, "text": "x"}',
    "list id": b'{"id": ["1"], "text": "x"}',
    "endless id": b'{"id": "' + b"1" * 3000 + b'", "text": "x"}',
    "no text": b'{"id": "1"}',
    "blank texts": b'{"id": "1", "text": " ", "title": "\\n", "comments": [{"author": "a", "text": ""}]}',
    "only a parent": '{"id": "1", "parent": "停息挂账"}'.encode(),
    "text of a list": b'{"id": "1", "text": ["x"]}',
    "author as text": b'{"id": "1", "text": "x", "author": "a"}',
    "comments as object": b'{"id": "1", "text": "x", "comments": {"0": "a"}}',
    "comment as text": b'{"id": "1", "text": "x", "comments": ["a"]}',
    "time of a number": b'{"id": "1", "text": "x", "published_at": 1700000000}',
    "no time": b'{"id": "1", "text": "x", "published_at": "yesterday"}',
}


def test_faulty_lines_are_refused_in_their_place_and_the_rest_is_judged() -> None:
    """One file of them all: each faulty line stands between good ones, which are judged as ever."""
    posts = [line(id=f"good-{number}", text=PITCH) for number in range(len(REFUSED) + 1)]
    raw = posts[0] + b"".join(bad + b"\n" + good for bad, good in zip(REFUSED.values(), posts[1:], strict=True))

    done = call("screen", stdin=raw)

    assert (done.code, done.err) == (1, "")
    judged, refused = done.lines[::2], done.lines[1::2]
    assert len(refused) == len(REFUSED)
    check_answers([json.loads(post) for post in posts], judged)
    assert all(answer["flagged"] for answer in judged)
    for number, answer in enumerate(refused, 1):
        check_refusal(answer, 2 * number)


ACCEPTED: dict[str, tuple[dict[str, Any], str]] = {
    "number as id": ({"id": 12345678901234567890, "text": "x"}, "12345678901234567890"),
    "nulls": ({"id": "1", "text": "x", "author": None, "comments": None, "title": None, "metrics": None}, "1"),
    "only a name": ({"id": "1", "author": {"name": "停息挂账老师"}}, "1"),
    "only a bio": ({"id": "1", "author": {"bio": PITCH}}, "1"),
    "only a comment": ({"id": "1", "comments": [{"author": "a", "text": PITCH}]}, "1"),
    "chinese id": ({"id": "帖子-1", "text": "x"}, "帖子-1"),
    "counts in words": ({"id": "1", "text": "x", "metrics": {"likes": "9.7万", "views": "100万+"}}, "1"),
}


def test_unusual_lines_are_judged() -> None:
    done = call("screen", stdin=b"".join(line(**post) for post, _ in ACCEPTED.values()))
    assert (done.code, done.err) == (0, "")
    assert [answer["id"] for answer in done.lines] == [answered for _, answered in ACCEPTED.values()]
    check_answers([post for post, _ in ACCEPTED.values()], done.lines)


def test_of_doubled_keys_the_last_one_counts() -> None:
    done = call("screen", stdin='{"id": "1", "id": "2", "text": "好", "text": "坏"}'.encode())
    assert (done.code, done.obj["id"]) == (0, "2")


def test_nul_and_lone_surrogates_are_replaced_one_for_one() -> None:
    post = {"id": "a\ud83d\x00", "text": f"\ud83d\x00{PITCH}\udc00", "author": {"name": "\ud800"}}
    done = call("screen", stdin=json.dumps(post).encode())
    assert done.obj["id"] == "a\ufffd\ufffd"
    check_answers([post], done.lines)
    assert done.obj["flagged"]


def test_a_paired_surrogate_escape_is_one_code_point() -> None:
    post = {"id": "1", "text": "😀" * 3 + PITCH}
    done = call("screen", stdin=json.dumps(post).encode())
    assert b"\\ud83d" in json.dumps(post).encode()
    check_answers([post], done.lines)


@pytest.mark.parametrize("raw", [b"", b"\xef\xbb\xbf"], ids=["nothing", "byte order mark"])
def test_an_empty_file_has_no_answer(raw: bytes) -> None:
    done = call("screen", stdin=raw)
    assert (done.code, done.raw, done.err) == (0, b"", "")


def test_line_ends_and_a_byte_order_mark_do_not_matter() -> None:
    plain = call("screen", stdin=line(**GOOD) + line(id="2", text="好"))
    for raw in (
        b"\xef\xbb\xbf" + line(**GOOD) + line(id="2", text="好"),
        line(**GOOD).replace(b"\n", b"\r\n") + line(id="2", text="好").replace(b"\n", b"\r\n"),
        line(**GOOD) + line(id="2", text="好").rstrip(),
    ):
        assert (call("screen", stdin=raw).raw, plain.code) == (plain.raw, 0)


def test_only_a_line_feed_ends_a_line() -> None:
    post = {"id": "1", "text": f"a\u2028b\u2029c\x85d {PITCH}"}
    done = call("screen", stdin=line(**post))
    check_answers([post], [done.obj])


def test_a_long_line_is_read_and_one_above_eight_mebibytes_is_refused() -> None:
    assert MAX_LINE_BYTES == 8 << 20
    frame, offer = len(b'{"id":"big","title":"","text":""}'), PITCH.encode()
    blank = b" " * (MAX_LINE_BYTES - frame - len(offer))
    longest = b'{"id":"big","title":"' + offer + b'","text":"' + blank + b'"}'
    assert len(longest) == MAX_LINE_BYTES
    assert between(longest).lines[1]["id"] == "big"
    done = between(longest + b" ")
    check_refusal(done.lines[1], 2)
    assert done.lines[1]["error"]["code"] == "bad_line"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "gb18030", "big5"])
def test_a_file_of_another_encoding_is_refused_as_a_whole(encoding: str, tmp_path: Path) -> None:
    path, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    path.write_bytes(
        "".join(line(id=str(n), text="專業代辦停息掛帳，請您諮詢").decode() for n in range(3)).encode(encoding)
    )
    for more in ((), ("-o", out)):
        done = call("screen", path, *more)
        assert done.code == 2
        assert done.problem["code"] == "bad_encoding"
        assert done.problem["file"] == str(path)
        assert not out.exists()


@pytest.mark.parametrize(
    "magic", [b"PK\x03\x04\x14\x00\x08", b"\x89PNG\r\n\x1a\n\x00\x00", b"\x1f\x8b\x08\x00\xff", bytes(range(256))]
)
def test_a_binary_file_is_refused_as_a_whole(magic: bytes) -> None:
    done = call("screen", stdin=magic * 50)
    assert (done.code, done.problem["code"]) == (2, "bad_encoding")


def test_a_line_that_begins_the_file_and_is_longer_than_a_pipe_s_block_is_read() -> None:
    for shift in range(3):  # the cut falls on each byte of a character
        post = {"id": "1" * (shift + 1), "text": "停" * 200_000}
        done = call("screen", stdin=line(**post))
        assert (done.code, done.obj["id"]) == (0, post["id"])


def test_one_line_of_another_encoding_is_refused_alone() -> None:
    bad = '{"id": "1", "text": "停息挂账，请咨询我们"}'.encode("gb18030")
    done = call("screen", stdin=bad + b"\n" + line(**GOOD))
    assert done.code == 1
    check_refusal(done.lines[0], 1)
    check_line(GOOD, done.lines[1])


def test_a_key_that_nobody_reads_is_named_once() -> None:
    done = call("screen", stdin=line(id="1", text="x", lable=1) + line(id="2", text="x", lable=2, more=3))
    assert done.code == 0
    assert done.err.count("lable") == done.err.count("more") == 1
    assert len(done.err.splitlines()) == 2


def test_the_answer_replaces_a_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("before")
    done = call("screen", "-o", path, stdin=line(**GOOD) + b"broken\n")
    assert (done.code, done.raw) == (1, b"")
    assert len(path.read_bytes().splitlines()) == 2
    assert stat.S_IMODE(path.stat().st_mode) & 0o400
    assert [one.name for one in tmp_path.iterdir()] == ["out.jsonl"]


def test_input_and_answer_may_be_one_file(tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_bytes(line(**GOOD))
    assert call("screen", path, "-o", path).code == 0
    check_line(GOOD, json.loads(path.read_bytes()))


@pytest.mark.parametrize("place", ["no/such/folder/out.jsonl", "folder", "/dev/null"])
def test_an_answer_that_cannot_be_written_is_refused_before_work(place: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    done = call("screen", "-o", tmp_path / place, stdin=line(**GOOD))
    assert done.code == 2
    assert done.problem["code"] == "missing_file"
    assert done.problem["file"] == str(tmp_path / place)
    assert list((tmp_path / "folder").iterdir()) == []


@pytest.mark.parametrize("place", ["nothing.jsonl", "folder", "file/below"])
def test_a_missing_file_is_named_by_its_absolute_path(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    done = call("screen", place)
    assert (done.code, done.problem["code"], done.problem["file"]) == (2, "missing_file", str(tmp_path / place))
    assert str(tmp_path / place) in done.err
