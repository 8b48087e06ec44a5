"""A strict reader of the lines that `screen` writes: every promise about a line, checked against the post read."""

from __future__ import annotations

import math
import re
from typing import Any

LINE = {
    "id",
    "flagged",
    "band",
    "score",
    "bias",
    "label",
    "categories",
    "target",
    "findings",
    "contacts",
    "ruleset",
}
FINDING = {"rule", "role", "field", "start", "end", "text", "view", "weight"}
CONTACT = {"kind", "value", "field", "start", "end"}
CONTACT_KINDS = {"wechat", "qq", "phone", "telegram", "url", "account_jump", "qr"}
CLEAR_LABELS = {"education", "news", "victim", "legit", "unrelated"}
CATEGORIES = {
    "anti_collection",
    "agency_complaint",
    "interest_suspension",
    "credit_repair",
    "surrender",
    "fee_refund",
    "debt_restructure",
    "loan_broker",
    "ab_loan",
    "debt_mule",
    "script_teaching",
    "forged_docs",
    "pii_trade",
    "impersonation",
    "card_cashout",
}
_BAD = re.compile("[\x00\ud800-\udfff]")
_COMMENT = re.compile(r"comments\[(0|[1-9][0-9]*)\]\.(text|author|author\.bio)")


def check_answers(posts: list[dict[str, Any]], lines: list[dict[str, Any]]) -> None:
    """Check that the lines answer these readable posts, one each, in order, by one ruleset."""
    assert [line["id"] for line in lines] == [clean(str(post["id"])) for post in posts]
    assert len({line["ruleset"] for line in lines}) <= 1
    for post, line in zip(posts, lines, strict=True):
        check_line(post, line)


def check_line(post: dict[str, Any], line: dict[str, Any]) -> None:
    """Check one line against its post."""
    assert set(line) == LINE
    _check_bands(line)
    _check_target(post, line)
    for finding in line["findings"]:
        _check_finding(post, finding)
    for contact in line["contacts"]:
        _check_contact(post, contact)
    said = [tuple(contact[key] for key in ("kind", "value", "field", "start")) for contact in line["contacts"]]
    assert len(set(said)) == len(said), "a contact stands twice"
    log_odds = line["bias"] + math.fsum(finding["weight"] for finding in line["findings"])
    assert abs(line["score"] - 100 / (1 + math.exp(-log_odds))) <= 0.05 + 1e-9


def check_refusal(line: dict[str, Any], number: int) -> None:
    """Check the line that stands for a refused one."""
    assert set(line) - {"id"} == {"line", "error"}
    assert isinstance(line.get("id", ""), str)
    assert line["line"] == number
    assert set(line["error"]) == {"code", "message"}
    assert line["error"]["code"] in {"bad_line", "bad_field"}
    assert line["error"]["message"].strip()


def _check_bands(line: dict[str, Any]) -> None:
    assert line["band"] in {"flagged", "unsure", "clear"}
    assert line["flagged"] is (line["band"] == "flagged")
    assert (line["label"] == "clue") is line["flagged"]
    assert (line["label"] == "unsure") is (line["band"] == "unsure")
    assert (line["label"] in CLEAR_LABELS) is (line["band"] == "clear")
    assert isinstance(line["score"], int | float)
    assert 0 <= line["score"] <= 100
    assert round(line["score"], 1) == line["score"]
    assert math.isfinite(line["bias"])
    assert set(line["categories"]) <= CATEGORIES
    assert len(set(line["categories"])) == len(line["categories"])
    assert isinstance(line["ruleset"], str)
    assert line["ruleset"]


def _check_target(post: dict[str, Any], line: dict[str, Any]) -> None:
    target = line["target"]
    assert (target is None) is (line["band"] == "clear")
    if target is None:
        return
    assert target["kind"] in {"post", "comment", "account"}
    if target["kind"] != "comment":
        assert set(target) == {"kind"}
        return
    assert set(target) == {"kind", "comment"}
    assert type(target["comment"]) is int
    assert 0 <= target["comment"] < len(post["comments"])


def _check_finding(post: dict[str, Any], finding: dict[str, Any]) -> None:
    assert set(finding) == FINDING
    for key in ("rule", "role", "view"):
        assert isinstance(finding[key], str)
        assert finding[key]
    assert type(finding["weight"]) in {int, float}
    assert math.isfinite(finding["weight"])
    assert finding["text"] == _span(post, finding)


def _check_contact(post: dict[str, Any], contact: dict[str, Any]) -> None:
    assert set(contact) == CONTACT
    assert contact["kind"] in CONTACT_KINDS
    assert isinstance(contact["value"], str)
    assert contact["value"].strip()
    assert _span(post, contact).strip()


def _span(post: dict[str, Any], spanned: dict[str, Any]) -> str:
    start, end = spanned["start"], spanned["end"]
    text = field_text(post, spanned["field"])
    assert type(start) is type(end) is int
    assert 0 <= start < end <= len(text)
    return text[start:end]


def field_text(post: dict[str, Any], field: str) -> str:
    """Return the string that a field's name means, cleaned as at every boundary."""
    if found := _COMMENT.fullmatch(field):
        comment = post["comments"][int(found[1])]
        author = comment.get("author") or {}
        name, bio = (author, "") if isinstance(author, str) else (author.get("name"), author.get("bio"))
        return clean({"text": comment["text"], "author": name, "author.bio": bio}[found[2]])
    assert field in {"title", "text", "author.name", "author.bio", "parent"}, field
    if field.startswith("author."):
        return clean(post["author"][field.removeprefix("author.")])
    return clean(post[field])


def clean(text: str) -> str:
    """Return a text with NUL and lone surrogates replaced one for one."""
    return _BAD.sub("\ufffd", text)
