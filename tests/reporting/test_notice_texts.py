"""The words of notices, their bodies for each service, and how those are signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from reporting.needs import Need, NeedKind
from reporting.notice_bots import BotKind, body_sign, check_answer, signed_url
from reporting.notice_texts import (
    LONGEST_MESSAGE_BYTES,
    PACKAGED,
    WORDS_FILE,
    Language,
    Message,
    json_body,
    load_texts,
    mail_of,
    make_message,
)
from storage.errors import PermanentSendError, RetryableSendError, SettingsError, UnknownResultError

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 11, 18, 2, 30, tzinfo=UTC)
VALUES: dict[str, str | int] = {
    "source": "forum",
    "marker": "captcha_title",
    "since": "2026-11-18 10:00",
    "until": "2026-12-01",
    "left": 13,
    "job": "crawl",
    "period": "2026-11-18",
    "batch": "2026-W47-partner_desk",
    "items": 3,
    "channel_zh": "平台合作专员台",
    "channel_en": "Partner desk",
    "sent": "2026-11-01 10:00",
    "days": 15,
}


def message(
    kind: NeedKind = NeedKind.APPROVAL, *, language: Language = "zh", number: int = 1, **changed: str
) -> Message:
    need = Need(kind=kind, cause=f"test:{kind}", values={**VALUES, **changed}, page="/runs")
    return make_message(
        load_texts(), need, language=language, number=number, public_url="https://desk.example.com/", at=AT
    )


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", NeedKind)
def test_every_kind_has_words_in_both_languages(kind: NeedKind, language: Language) -> None:
    made = message(kind, language=language)
    assert "{" not in made.whole
    assert made.link == "https://desk.example.com/runs"
    assert len(made.whole.encode()) < 600
    assert ("批次" in made.title) == (
        language == "zh" and kind in {"draft", "approval", "reconcile", "overdue", "need_more"}
    )


def test_a_reminder_says_which_it_is() -> None:
    assert "3" in message(number=3).title.replace(VALUES["batch"], "")  # type: ignore[arg-type]  # it is a string


def test_values_cannot_pose_as_lines_of_their_own() -> None:
    made = message(batch="x\r\nBcc: all@example.com\x1b[2J\u2028" + "y" * 5000)
    assert "\n" not in made.title
    assert "\r" not in made.title + made.text + made.todo
    assert "\x1b" not in made.whole
    assert len(made.whole.encode()) <= LONGEST_MESSAGE_BYTES


def test_a_mail_is_plain_text_from_a_machine_with_a_given_id() -> None:
    mail = mail_of(
        load_texts(), message(), sender="qy@example.com", to=["a@example.com", "b@example.com"], message_id="<1@x>"
    )
    assert mail["Message-ID"] == "<1@x>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["To"] == "a@example.com, b@example.com"
    assert "待审批" in mail["Subject"]
    assert mail.get_content_type() == "text/plain"
    assert "https://desk.example.com/runs" in mail.get_content()


@pytest.mark.parametrize("kind", BotKind)
def test_every_service_gets_json_that_holds_the_words(kind: BotKind) -> None:
    hostile = message(batch='a"b\\c</script>')
    body = json.loads(json_body(load_texts(), hostile, name=kind, timestamp="1", sign="s"))
    shown = {
        BotKind.WECOM: lambda: body["text"]["content"],
        BotKind.DINGTALK: lambda: body["text"]["content"],
        BotKind.FEISHU: lambda: body["content"]["text"],
        BotKind.PLAIN: lambda: body["title"],
    }[kind]()
    assert 'a"b\\c</script>' in shown
    assert (body.get("sign") == "s") == (kind is BotKind.FEISHU)


def test_dingtalk_is_signed_in_its_address() -> None:
    """Over time and secret with the secret as key, Base64, quoted; worked out apart from the product."""
    url = signed_url(BotKind.DINGTALK, "https://oapi.example/robot/send?access_token=abc", "SEC+/=1", at=AT)
    query = parse_qs(urlsplit(url).query)
    assert query["access_token"] == ["abc"]
    assert query["timestamp"] == ["1794969000000"]
    expected = base64.b64encode(hmac.digest(b"SEC+/=1", b"1794969000000\nSEC+/=1", hashlib.sha256)).decode()
    assert query["sign"] == [expected]
    assert signed_url(BotKind.DINGTALK, "https://x/", "", at=AT) == "https://x/"


def test_feishu_is_signed_in_its_body_over_nothing() -> None:
    timestamp, sign = body_sign(BotKind.FEISHU, "secret", at=AT)
    assert timestamp == "1794969000"
    assert sign == base64.b64encode(hmac.digest(b"1794969000\nsecret", b"", hashlib.sha256)).decode()
    assert body_sign(BotKind.FEISHU, "", at=AT) == ("", "")
    assert body_sign(BotKind.WECOM, "secret", at=AT) == ("", "")


@pytest.mark.parametrize(
    "answer", [b'{"errcode":0,"errmsg":"ok"}', b'{"code":0,"msg":"success"}', b'{"StatusCode":0}']
)
def test_a_code_of_zero_is_taken(answer: bytes) -> None:
    check_answer(BotKind.FEISHU, answer)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b'{"errcode":93000,"errmsg":"invalid webhook url"}', PermanentSendError),
        (b'{"errcode":310000,"errmsg":"sign not match"}', PermanentSendError),
        (b'{"code":19021,"msg":"sign match fail"}', PermanentSendError),
        (b'{"errcode":45009,"errmsg":"api freq out of limit"}', RetryableSendError),
        (b'{"errcode":130101,"errmsg":"send too fast"}', RetryableSendError),
        (b'{"code":11232,"msg":"frequency limited"}', RetryableSendError),
        (b"<html>sign in</html>", UnknownResultError),
        (b'{"code": true}', UnknownResultError),
        (b"[]", UnknownResultError),
        (b"", UnknownResultError),
    ],
)
def test_a_refusal_with_a_good_status_is_seen(answer: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        check_answer(BotKind.WECOM, answer)


def test_an_overlay_replaces_words_and_bodies(tmp_path: Path) -> None:
    shutil.copy(PACKAGED / WORDS_FILE, tmp_path)
    words = (tmp_path / WORDS_FILE).read_text("utf-8").replace("待审批", "请审批")
    (tmp_path / WORDS_FILE).write_text(words, "utf-8")
    (tmp_path / "notice_wecom.json").write_text('{"msgtype": "markdown", "t": {{ title | tojson }}}', "utf-8")
    texts = load_texts(tmp_path)
    need = Need(kind=NeedKind.APPROVAL, cause="c", values=VALUES)
    made = make_message(texts, need, language="zh", number=1, public_url="", at=AT)
    assert made.title.endswith("请审批")
    assert made.link == ""
    assert json.loads(json_body(texts, made, name="wecom"))["t"] == made.title


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        (WORDS_FILE, b"zh: {approval: {title: a, text: b, todo: c}}", "bad_field"),
        (WORDS_FILE, b"zh: {approval: {title: a, text: b, todo: c, more: d}}", "unknown_key"),
        (WORDS_FILE, b"zh: [", "bad_field"),
        (WORDS_FILE, "zh: 词".encode("gb18030"), "bad_encoding"),
        ("notice_wecom.json", b"{{ title }}", "bad_field"),
        ("notice_wecom.json", b"[{{ title | tojson }}]", "bad_field"),
        ("notice_wecom.json", b"{{ nothing.here }}", "bad_field"),
        ("notice_wecom.json", b"{{ ''.__class__.__mro__ }}", "bad_field"),
        ("notice_wecom.json", b"{% if", "bad_field"),
        ("notice_wecom.json", b"\xff", "bad_encoding"),
    ],
)
def test_a_broken_overlay_is_refused_by_name(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingsError) as found:
        json_body(load_texts(tmp_path), message(), name="wecom")
    assert (found.value.code, found.value.file) == (code, str(tmp_path / name))
