"""Whatever a post says, the line about it keeps every promise of the contract."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.cli import call
from tests.support.screen_lines import check_answers
from tests.support.tree import ROOT

if TYPE_CHECKING:
    from pathlib import Path

GOLD = ROOT / "tests" / "gold" / "posts.jsonl"
PIECES = [
    *(
        "专业代办停息挂账",
        "协商个性化分期60期",
        "不成功不收费",
        "征信修复",
        "逾期记录铲除",
        "反催收联盟",
        "代理投诉",
    ),
    *(
        "加微信 zhaiwu888",
        "\u2795V：zw_8801",
        "薇❤ abc12345",
        "卫星 13812345678",
        "一三八1234五六七八",
        "QQ群 123456789",
    ),
    *(
        "t.me/fanzhai",
        "https://www.example.test/a?b=1",
        "看我主页",
        "私信我",
        "tg@laozhai",
        "95588",
        "400-123-4567",
    ),
    *(
        "我逾期三个月了怎么办",
        "警方提醒",
        "记者从法院获悉",
        "切勿相信",
        "谨防诈骗",
        "他说“帮您停息”",
        "？",
        "。",
        "！",
        "\n",
    ),
    *(
        "停·息·挂·账",
        "停 息 挂 账",
        "亭息挂账",
        "停\u200b息\u200b挂账",
        "ting xi",
        "停熄掛賬",
        "\uff36\uff38：\uff5a\uff57８８",
        "①③⑧",
        "时代还",
    ),
    *(
        "债务",
        "银行",
        "消费金融",
        "法务",
        "铁粉",
        "🔥💰",
        "👨\u200d👩\u200d👧",
        "e\u0301",
        "𠮷野家",
        "\ufeff",
        "\u202e",
        "\x1b[31m",
        "\x00",
    ),
    *(
        "\ud83d",
        "\udc00",
        "\u2028",
        "<b>停催</b>",
        "{{7*7}}",
        "'; DROP TABLE clue;--",
        "[话题]#",
        "@",
        "#停息挂账#",
        "\t",
        "　",
    ),
]
TEXT = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=9).map("".join)
AUTHOR = st.fixed_dictionaries(
    {},
    optional={
        "id": st.text(max_size=4),
        "name": TEXT,
        "bio": TEXT,
        "verified": st.booleans(),
        "verified_as": st.sampled_from(["", "某银行信用卡中心", "律师事务所", "自媒体"]),
        "followers": st.integers(min_value=0, max_value=10**9),
    },
)
COMMENT = st.fixed_dictionaries(
    {"text": TEXT, "author": TEXT | AUTHOR}, optional={"id": st.text(max_size=3), "parent": st.text(max_size=3)}
)
POST = st.fixed_dictionaries(
    {"text": TEXT.map(lambda text: text + "。")},
    optional={
        "title": TEXT,
        "author": AUTHOR,
        "parent": TEXT,
        "comments": st.lists(COMMENT, max_size=4),
        "platform": st.sampled_from(["xiaohongshu", "web", "weibo"]),
        "kind": st.sampled_from(["note", "comment", "answer"]),
    },
)


def as_input(posts: list[dict[str, Any]], *, ascii_only: bool) -> bytes:
    """Return the lines; lone surrogates can only be written as escapes."""
    lines = [json.dumps(post, ensure_ascii=ascii_only) + "\n" for post in posts]
    return "".join(lines).encode("utf-8") if ascii_only else "".join(map(_escaped, lines)).encode("utf-8")


def _escaped(line: str) -> str:
    return "".join(f"\\u{ord(char):04x}" if "\ud800" <= char <= "\udfff" else char for char in line)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(posts=st.lists(POST, min_size=8, max_size=20), ascii_only=st.booleans())
def test_a_line_keeps_its_promises_whatever_the_post_says(posts: list[dict[str, Any]], ascii_only: bool) -> None:
    for number, post in enumerate(posts):
        post["id"] = str(number)
    done = call("screen", stdin=as_input(posts, ascii_only=ascii_only))
    assert (done.code, done.err) == (0, "")
    check_answers(posts, done.lines)


def test_a_line_keeps_its_promises_on_the_gold_set() -> None:
    posts = [json.loads(line) for line in GOLD.read_text("utf-8").splitlines()]
    done = call("screen", GOLD)
    assert done.code == 0
    check_answers(posts, done.lines)
    bands = {line["band"] for line in done.lines}
    assert bands >= {"flagged", "clear"}
    assert {line["target"]["kind"] for line in done.lines if line["target"]} >= {"post", "comment", "account"}


def test_a_pitch_in_comments_is_laid_at_its_own_door() -> None:
    post = {
        "id": "1",
        "text": "我网贷逾期三个月了，天天被催收，怎么办啊？",
        "author": {"name": "小雨"},
        "comments": [
            {"author": "路人", "text": "抱抱"},
            {"author": {"name": "王老师"}, "text": "专业代办停息挂账，不成功不收费，加微信 zhaiwu888"},
        ],
    }
    line = call("screen", stdin=json.dumps(post).encode()).obj
    check_answers([post], [line])
    assert line["target"] == {"kind": "comment", "comment": 1}


def test_the_same_input_gives_the_same_bytes_by_file_and_by_pipe(tmp_path: Path) -> None:
    path, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    path.write_bytes(b"\n".join(GOLD.read_bytes().splitlines()[:40]))
    by_file = call("screen", path).raw
    assert (
        by_file == call("screen", "-", stdin=path.read_bytes()).raw == call("screen", stdin=path.read_bytes()).raw
    )
    assert call("screen", path, "-o", out).raw == b""
    assert out.read_bytes() == by_file
