"""Channels are data: discovered, checked strictly, overlaid whole, traceable."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from classifiers.records import Category
from reporting.channel import PACKAGED, channel_line, get_channel, load_channels
from reporting.columns import COLUMN_KEYS, schema
from storage.errors import NotFoundError, SettingsError
from storage.records import OutcomeKind, SubmissionState

ROOT = Path(__file__).parents[2]


def overlay(folder: Path, name: str = "partner_desk", **changed: Any) -> Path:
    """Write a changed copy of a packaged channel into an overlay folder and return the folder."""
    value = yaml.safe_load((PACKAGED / "partner_desk.yml").read_text("utf-8"))
    for key, part in changed.items():
        place, _, last = key.rpartition("__")
        inner = value[place] if place else value
        inner[last] = part
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yml").write_text(yaml.safe_dump(value, allow_unicode=True), "utf-8")
    return folder


def test_two_channels_ship_for_all_platforms() -> None:
    channels = load_channels()
    assert sorted(channels) == ["cac_12377", "partner_desk"]
    assert all(channel.takes(platform) for channel in channels.values() for platform in ("web", "xiaohongshu"))


@pytest.mark.parametrize("name", sorted(load_channels()))
def test_packaged_channel_is_complete(name: str) -> None:
    spec = load_channels()[name].spec
    assert {column.id for column in spec.columns} == set(COLUMN_KEYS)
    assert {category.value for category in Category} <= set(spec.rules)
    meant = {kind for kind, words in spec.reply.words.items() if words}
    assert meant == set(OutcomeKind) - {OutcomeKind.LOGIN_WALL, OutcomeKind.PROBE_BLOCKED}


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("已下架", "content_removed"),
        ("已限流", "content_restricted"),
        ("已封号", "account_banned"),
        ("关闭账号", "account_banned"),
        ("已禁言", "account_muted"),
        ("暂停更新", "account_muted"),
        ("限制营利权限", "monetisation_restricted"),
        ("未违规", "live"),
        ("重复举报", "unknown"),
        ("account_banned", "account_banned"),
    ],
)
def test_words_of_a_reply_mean_what_the_design_says(word: str, kind: str) -> None:
    answer = load_channels()["partner_desk"].answer(word)
    assert answer is not None
    assert (answer.kind.value, answer.state) == (kind, SubmissionState.ANSWERED)


def test_words_that_decide_nothing_keep_the_item_open() -> None:
    channel = load_channels()["partner_desk"]
    waiting, asking = channel.answer("核实中"), channel.answer("需补充材料")
    assert waiting is not None
    assert asking is not None
    assert (waiting.state, asking.state) == (SubmissionState.ACKNOWLEDGED, SubmissionState.NEED_MORE)
    assert channel.answer("随便说说") is None


def test_new_file_is_a_new_channel(tmp_path: Path) -> None:
    channels = load_channels([overlay(tmp_path / "channels", "my_bank_desk", platforms=["web"])])
    assert channels["my_bank_desk"].takes("web")
    assert not channels["my_bank_desk"].takes("weibo")


def test_overlay_replaces_the_whole_file_and_shows_where_it_lies(tmp_path: Path) -> None:
    folder = overlay(tmp_path / "channels", version="9.1")
    line = channel_line(load_channels([folder])["partner_desk"])
    path = folder / "partner_desk.yml"
    assert line["version"] == "9.1"
    assert line["origin"] == str(path)
    assert line["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert channel_line(load_channels()["partner_desk"])["origin"] == "packaged"


def test_template_of_the_workspace_goes_before_the_packaged_one(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    shutil.copy(PACKAGED / "templates" / "letter.docx", tmp_path / "templates" / "letter.docx")
    found = load_channels([tmp_path / "channels"])["cac_12377"].template
    assert found == tmp_path / "templates" / "letter.docx"


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"colour": "red"}, "unknown_key", "colour"),
        ({"limits__speed": 3}, "unknown_key", "limits.speed"),
        ({"reply__words": {"gone": ["x"]}}, "bad_field", "reply.words.gone.[key]"),
        ({"contacts": "some"}, "bad_field", "contacts"),
        ({"columns": [{"id": "nickname", "header": "x"}]}, "bad_field", None),
        ({"columns": [{"id": "price", "header": "x"}]}, "bad_field", "columns.0.id"),
        ({"rules": {"surrender": "x"}}, "bad_field", None),
        ({"measures": {"post": "x"}}, "bad_field", None),
        ({"letter__template": "../../secret.docx"}, "bad_field", "letter.template"),
        ({"letter__template": "none.docx"}, "missing_file", "letter.template"),
        ({"reply__waiting": ["已下架"]}, "bad_field", "reply"),
        ({"version": "new"}, "bad_field", "version"),
    ],
)
def test_wrong_channel_file_names_file_and_field(
    tmp_path: Path, changed: dict[str, Any], code: str, field: str | None
) -> None:
    folder = overlay(tmp_path / "channels", **changed)
    with pytest.raises(SettingsError) as raised:
        load_channels([folder])
    assert (raised.value.code, raised.value.field) == (code, field)
    assert raised.value.file == str(folder / "partner_desk.yml")
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"a: [", "bad_field"), ("标题".encode("gb18030"), "bad_encoding"), (b"", "bad_field"), (b"- 1", "bad_field")],
)
def test_file_that_is_no_channel_is_refused(tmp_path: Path, data: bytes, code: str) -> None:
    (tmp_path / "broken.yml").write_bytes(data)
    with pytest.raises(SettingsError) as raised:
        load_channels([tmp_path])
    assert raised.value.code == code


def test_channel_cannot_have_a_name_that_is_no_id(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="named by its file"):
        load_channels([overlay(tmp_path, "Mein Kanal")])


def test_unknown_channel_ends_with_two() -> None:
    with pytest.raises(NotFoundError) as raised:
        get_channel(load_channels(), "nowhere")
    assert (raised.value.code, raised.value.exit_code) == ("unknown_channel", 2)


def test_schema_in_the_documentation_is_the_columns() -> None:
    assert json.loads((ROOT / "docs" / "schemas" / "clue.json").read_text("utf-8")) == schema()


TRANSPORTS = {
    "mail": {"kind": "mail", "to": ["desk@platform.example"]},
    "folder": {"kind": "folder", "path": "/mnt/share"},
    "webhook": {"kind": "webhook", "url": "https://intake.platform.example/in", "secret_env": "PARTNER_SECRET"},
}


def test_no_packaged_channel_sends_by_itself() -> None:
    assert [channel.name for channel in load_channels().values() if channel.spec.transport is not None] == []


@pytest.mark.parametrize("kind", sorted(TRANSPORTS))
def test_a_transport_is_read_and_off_until_switched_on(kind: str, tmp_path: Path) -> None:
    channels = load_channels([overlay(tmp_path / "channels", transport=TRANSPORTS[kind])])
    found = channels["partner_desk"].spec.transport
    assert found is not None
    assert (found.kind, found.dry_run) == (kind, True)
    assert channel_line(channels["partner_desk"])["transport"] == {"kind": kind, "dry_run": True}
    assert "transport" not in channel_line(channels["cac_12377"])


@pytest.mark.parametrize(
    ("kind", "changed", "field"),
    [
        ("mail", {"to": []}, "to"),
        ("mail", {"to": ["nobody"]}, "to"),
        ("mail", {"to": ["a@b.example\nBcc: c@d.example"]}, "to"),
        ("mail", {"cc": ["<a@b.example>"]}, "cc"),
        ("mail", {"subject": "{secret}"}, "subject"),
        ("mail", {"subject": "one\ntwo"}, "subject"),
        ("mail", {"text": "{batch.__class__}"}, "text"),
        ("mail", {"text": "{batch!r}"}, "text"),
        ("mail", {"password": "x"}, "password"),
        ("mail", {"limits": {"package_bytes": 0}}, "limits.package_bytes"),
        ("folder", {"path": "share"}, "path"),
        ("folder", {"path": "../share"}, "path"),
        ("webhook", {"url": "ftp://intake.platform.example/"}, "url"),
        ("webhook", {"url": "https://user:word@intake.platform.example/"}, "url"),
        ("webhook", {"secret_env": "lower"}, "secret_env"),
        ("webhook", {"secret": "s"}, "secret"),
        ("webhook", {"timeout_seconds": 0}, "timeout_seconds"),
        ("webhook", {"dry_run": "sometimes"}, "dry_run"),
    ],
)
def test_a_wrong_transport_is_named_by_its_field(
    kind: str, changed: dict[str, Any], field: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as raised:
        load_channels([overlay(tmp_path / "channels", transport={**TRANSPORTS[kind], **changed})])
    assert str(raised.value.field).startswith(f"transport.{kind}.{field}")
    assert raised.value.code == ("unknown_key" if field in {"password", "secret"} else "bad_field")


def test_an_unknown_kind_of_transport_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="mail"):
        load_channels([overlay(tmp_path / "channels", transport={"kind": "pigeon"})])
