"""The verdict: its reasons add up, its spans are true, its label fits its band, its work is bounded."""

from __future__ import annotations

import json
import math
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.engine import Ruleset, load_ruleset, screen_post, screen_posts
from classifiers.labels import VerifiedKinds
from classifiers.postlines import read_post_line
from classifiers.records import Band, CommentText, Label, PostText, TargetKind, Verdict, verdict_line

GOLD = Path(__file__).parent.parent / "gold" / "posts.jsonl"
OFFER = "我们专业办理停息挂账，不成功不收费，加微信 anping_kefu7"


@cache
def rules() -> Ruleset:
    return load_ruleset()


def screen(post: PostText) -> Verdict:
    return screen_post(post, rules())


def gold_posts() -> list[PostText]:
    return [read_post_line(json.loads(line)) for line in GOLD.read_text("utf-8").splitlines()]


def check(post: PostText, verdict: Verdict) -> None:
    """Check what holds for every verdict: spans, score, band, label and target."""
    fields = dict(post.fields())
    for finding in verdict.findings:
        assert fields[finding.field][finding.start : finding.end] == finding.text
    for contact in verdict.contacts:
        assert 0 <= contact.start < contact.end <= len(fields[contact.field])
    line = json.loads(json.dumps(verdict_line(post.id, verdict)))
    odds = line["bias"]
    for finding in line["findings"]:
        odds += finding["weight"]
    grown = math.exp(-abs(odds))
    share = 1 / (1 + grown) if odds >= 0 else grown / (1 + grown)
    assert line["score"] == round(100 * share, 1)
    assert verdict.flagged == (verdict.band is Band.FLAGGED) == (verdict.label is Label.CLUE)
    assert (verdict.band is Band.UNSURE) == (verdict.label is Label.UNSURE)
    assert (verdict.target is None) == (verdict.band is Band.CLEAR)


def test_every_gold_verdict_explains_itself() -> None:
    for post in gold_posts():
        check(post, screen(post))


SIGNS = "停息挂账信用卡逾期我们帮您加微v：q。！？“”\n｜0123456789一二\x00\ud800\udfff\u200b🐧💳"
WILD = st.text(alphabet=st.one_of(st.sampled_from(SIGNS), st.characters()), max_size=200)


@settings(max_examples=150)
@given(title=WILD, text=WILD, name=WILD, bio=WILD, parent=WILD, comment=WILD, who=WILD)
def test_no_text_breaks_the_engine(
    *, title: str, text: str, name: str, bio: str, parent: str, comment: str, who: str
) -> None:
    post = PostText(
        id="x",
        title=title,
        text=text + OFFER,
        author_name=name,
        author_bio=bio,
        parent=parent,
        comments=(
            CommentText(text=comment, author_name=who, author_bio=bio),
            CommentText(text=title, author_name=name),
        ),
    )
    check(post, screen(post))


@pytest.mark.parametrize("char", ["\x00", "\ud800"])
def test_nul_and_lone_surrogates_keep_their_place(char: str) -> None:
    post = PostText(id="x", text=f"{char}{OFFER}{char}")
    verdict = screen(post)
    assert verdict.flagged
    check(post, verdict)


def test_the_same_post_gives_the_same_verdict() -> None:
    post = PostText(id="x", title="逾期", text=OFFER)
    assert screen(post) == screen(post)


def test_many_posts_at_once_get_the_verdicts_they_get_alone() -> None:
    posts = gold_posts()
    assert screen_posts(posts, rules()) == [screen(post) for post in posts]


def test_posts_without_trade_and_contact_share_one_verdict() -> None:
    posts = [PostText(id=str(number), text="中午去河边走了一个小时，有点累") for number in range(30)]
    posts[7] = PostText(id="x", text="有事打电话16600001203")
    posts[9] = PostText(id="y", text=OFFER)
    verdicts = screen_posts(posts, rules())
    told = {number for number, verdict in enumerate(verdicts) if verdict is not rules().clear}
    assert told == {7, 9}
    assert verdicts[7].contacts[0].value == "16600001203"


def test_an_offer_is_a_clue_with_category_target_and_contact() -> None:
    verdict = screen(PostText(id="x", text=OFFER))
    assert verdict.label is Label.CLUE
    assert verdict.categories[0] == "interest_suspension"
    assert verdict.target is not None
    assert verdict.target.kind is TargetKind.POST
    assert [(contact.kind, contact.value) for contact in verdict.contacts] == [("wechat", "anping_kefu7")]


def test_a_warning_that_quotes_the_whole_offer_is_education() -> None:
    text = f"【风险提示】近期有不法分子发布“{OFFER}”的广告，请广大客户提高警惕，切勿轻信。如有困难请拨打95588。"
    verdict = screen(PostText(id="x", text=text, author_name="海州银行", verified_as="海州银行股份有限公司"))
    assert verdict.label is Label.EDUCATION
    assert verdict.target is None


def test_a_report_is_news() -> None:
    text = f"本报记者从警方获悉，犯罪嫌疑人李某以“{OFFER}”招揽客户，目前案件正在审理，涉案金额三百万元。"
    assert screen(PostText(id="x", text=text)).label is Label.NEWS


def test_a_warning_that_ends_in_a_pitch_is_a_clue() -> None:
    warning = "请警惕停息挂账骗局，很多中介都是骗子。"
    text = f"{warning}\n我们公司有合同有门店，帮您跟银行谈分期，办成再收5个点，加微信 anping_kefu7"
    assert screen(PostText(id="x", text=text)).label is Label.CLUE


def test_a_pitch_below_a_victims_post_targets_the_comment_only() -> None:
    post = PostText(
        id="x",
        text="信用卡逾期三个月了，天天被催收，我该怎么办？",
        author_name="小雨",
        comments=(CommentText(text="抱抱", author_name="阿花"), CommentText(text=OFFER, author_name="老周")),
    )
    verdict = screen(post)
    assert verdict.flagged
    assert verdict.target is not None
    assert (verdict.target.kind, verdict.target.comment) == (TargetKind.COMMENT, 1)


def test_the_authors_own_comment_is_the_target_when_only_it_offers() -> None:
    post = PostText(
        id="x", text="今天的云很好看", author_name="老周", comments=(CommentText(text=OFFER, author_name="老周"),)
    )
    verdict = screen(post)
    assert verdict.target is not None
    assert (verdict.target.kind, verdict.target.comment) == (TargetKind.COMMENT, 0)


def test_an_offer_in_the_profile_alone_targets_the_account() -> None:
    verdict = screen(PostText(id="x", text="今天的云很好看", author_name="云朵", author_bio=OFFER))
    assert verdict.target is not None
    assert verdict.target.kind is TargetKind.ACCOUNT


@pytest.mark.parametrize("text", ["滴我", "办不成不收费", "有门路，想知道的私我"])
def test_a_bare_bait_is_unsure(text: str) -> None:
    verdict = screen(PostText(id="x", text=text))
    assert verdict.label is Label.UNSURE
    check(PostText(id="x", text=text), verdict)


@pytest.mark.parametrize("text", ["演唱会门票转让，要的私我", "被骗过，别信什么办不成不收费"])
def test_a_bait_that_says_what_for_is_no_fragment(text: str) -> None:
    assert screen(PostText(id="x", text=text)).label is not Label.UNSURE


@pytest.mark.parametrize("text", ["今天天气不错", "十分期待永不停息的热爱", "这家店一直不停催单"])
def test_texts_without_the_trade_leave_early_and_clear(text: str) -> None:
    verdict = screen(PostText(id="x", text=text))
    assert (verdict.label, verdict.findings, verdict.score) == (Label.UNRELATED, (), pytest.approx(2.9, abs=3))


def test_a_borrowers_question_is_no_clue() -> None:
    text = "信用卡逾期两个月，客服说可以协商还款，手续费要怎么算？可以找朋友代还吗？"
    assert not screen(PostText(id="x", text=text)).flagged


def calls_of(text: str) -> int:
    """Count the calls, Python's and C's, that one screening makes."""
    count = 0

    def tick(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    post = PostText(id="x", text=text)
    ruleset = rules()
    screen_post(post, ruleset)  # tables that are read once
    before = sys.getprofile()
    sys.setprofile(tick)
    try:
        screen_post(post, ruleset)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "unit",
    [
        OFFER,
        "信用卡“",
        "信用卡1 3 ",
        "信用卡@某人 ",
        "信用卡微信",
        "信用卡a.b.",
        "逾期。",
        "收1万",
        "别信“我们帮您办”",
    ],
)
def test_doubling_the_text_at_most_doubles_the_work(unit: str) -> None:
    assert calls_of(unit * 200) <= 2.5 * calls_of(unit * 100)


def test_repeating_an_offer_does_not_raise_its_score() -> None:
    assert screen(PostText(id="x", text=OFFER * 40)).score == screen(PostText(id="x", text=OFFER * 20)).score


def test_gold_recall_and_precision_stand() -> None:
    rows = [json.loads(line) for line in GOLD.read_text("utf-8").splitlines()]
    verdicts = [(row["label"], screen(read_post_line(row)).flagged) for row in rows]
    clues = [flagged for label, flagged in verdicts if label == "clue"]
    others = [flagged for label, flagged in verdicts if label not in ("clue", "unsure")]
    assert len(rows) >= 600
    assert sum(clues) >= 0.9 * len(clues)
    assert sum(others) <= 0.05 * len(others)


def test_an_overlay_changes_the_version(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    source = Path(__file__).parents[2] / "classifiers" / "data" / "weights.yml"
    changed = source.read_text("utf-8").replace("unsure_from: -1.0", "unsure_from: -0.9")
    (tmp_path / "data" / "weights.yml").write_text(changed, encoding="utf-8")
    overlaid = load_ruleset([tmp_path])
    assert overlaid.weights.unsure_from == pytest.approx(-0.9)
    assert overlaid.version != rules().version


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("海州银行股份有限公司", "licensed"),
        ("海州市公安局", "public"),
        ("海州日报社", "media"),
        ("海州正衡律师事务所", "law"),
        ("海州信息咨询有限公司", ""),
        ("", ""),
    ],
)
def test_verification_says_what_the_speaker_is(name: str, kind: str) -> None:
    assert isinstance(rules().verified, VerifiedKinds)
    assert rules().verified.kind_of(name) == kind
