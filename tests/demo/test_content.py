"""The content of the demo platforms: counts, variety, rings, the answer key."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from itertools import combinations

import numpy
import pytest
from rapidfuzz import fuzz, process

from demo import drafts
from demo.corpus import load_corpus
from demo.drafts import ContentError
from demo.records import FEED, FORUM, NOTES, Article, Corpus
from demo.truth import load_truth, truth_lines

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
WAYS = {
    "plain",
    "homophone",
    "inserted",
    "zero_width",
    "pinyin",
    "mixed_script",
    "emoji",
    "circled",
    "cn_digits",
    "traditional",
    "alias",
    "euphemism",
    "warning_opening",
    "staged_qa",
}
KINDS = {"solicitation", "victim", "education", "news", "legit", "unrelated"}
TRAPS = ("时代还", "不停催", "十分期待", "辞退保洁", "永不停息", "考研上岸", "逾期不候", "被催收费", "清退保本")
FORUM_BASE = "http://127.0.0.1:8101"
FEED_BASE = "http://127.0.0.1:8102/"
NATIVE_ID = re.compile(r"[0-9a-f]{24}")


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus()


def test_forum_and_feed_have_the_promised_size(corpus: Corpus) -> None:
    assert 210 <= len(corpus.of(FORUM)) <= 235
    assert 75 <= len(corpus.of(FEED)) <= 85


def test_about_a_hundred_notes_of_every_class_stand_on_the_third_platform(corpus: Corpus) -> None:
    notes = corpus.of(NOTES)
    assert 95 <= len(notes) <= 110
    assert {note.kind for note in notes} == KINDS
    assert {note.trick for note in notes} == {"", "deleted", "unavailable", "banned"}
    assert {len(note.comments) > 20 for note in notes} == {True, False}
    assert any(comment.parent for note in notes for comment in note.comments)
    assert any(not note.title for note in notes)
    assert any(note.likes >= 10_000 for note in notes)


def test_note_ids_carry_a_time_that_is_not_the_notes_own(corpus: Corpus) -> None:
    gaps = [note.published_at.timestamp() - int(note.note_id[:8], 16) for note in corpus.of(NOTES)]
    assert all(NATIVE_ID.fullmatch(note.note_id) for note in corpus.of(NOTES))
    assert all(0 <= gap <= 15 * 3600 for gap in gaps)
    assert max(gaps) > 3600


def test_a_reply_stands_after_what_it_replies_to(corpus: Corpus) -> None:
    for note in corpus.of(NOTES):
        known: set[str] = set()
        for comment in note.comments:
            assert comment.parent is None or comment.parent in known
            known.add(comment.element_id)


def test_planted_solicitations_cover_every_category_and_every_way_of_hiding() -> None:
    truth = [planted for planted in load_truth() if planted.counted]
    assert 135 <= len(truth) <= 150
    assert Counter(planted.kind for planted in truth)["comment"] >= 18
    assert Counter(planted.kind for planted in truth)["account"] >= 5
    per_category = Counter(planted.category for planted in truth)
    assert set(per_category) == CATEGORIES
    assert min(per_category.values()) >= 3
    ways = Counter(way for planted in truth for way in planted.how)
    assert set(ways) == WAYS
    assert all(planted.how for planted in truth)


def test_planted_texts_outside_rings_are_no_near_duplicates() -> None:
    texts = [(planted.key, planted.text) for planted in load_truth() if planted.ring is None]
    assert [(texts[a][0], texts[b][0]) for a, b in _close([text for _, text in texts])] == []


def test_no_two_articles_outside_a_ring_are_near_duplicates(corpus: Corpus) -> None:
    found = [(corpus.articles[a], corpus.articles[b]) for a, b in _close([it.text for it in corpus.articles])]
    assert [(a.key, b.key) for a, b in found if not (a.ring and a.ring == b.ring)] == []


def test_five_rings_stand_on_all_platforms_and_share_what_they_should(corpus: Corpus) -> None:
    rings: dict[str, list[Article]] = {}
    for article in corpus.articles:
        if article.ring:
            rings.setdefault(article.ring, []).append(article)
    assert {ring: len(members) for ring, members in rings.items()} == {
        "lanhai": 8,
        "phone6621": 6,
        "qq533": 8,
        "cash_template": 10,
        "stop_template": 8,
    }
    assert all({member.site for member in members} == {FORUM, FEED, NOTES} for members in rings.values())
    for ring in ("lanhai", "phone6621"):
        assert max(_ratios(rings[ring])) <= 45
    for ring in ("qq533", "cash_template", "stop_template"):
        assert min(_ratios(rings[ring])) >= 70
    for ring, shared in (("lanhai", "qydemo_lanhai"), ("phone6621", "13900006621"), ("qq533", "8800000533")):
        assert {_contact(_offered(member)) for member in rings[ring]} == {shared}
    for ring in ("cash_template", "stop_template"):
        assert len({_contact(member.text) for member in rings[ring]}) == len(rings[ring])


def test_a_quarter_of_the_texts_quote_or_warn_and_every_class_is_there(corpus: Corpus) -> None:
    kinds = Counter(article.kind for article in corpus.articles)
    assert set(kinds) == KINDS
    assert min(kinds[kind] for kind in ("victim", "education", "news")) >= 30
    everything = "\n".join(f"{article.author.name}\n{article.title}\n{article.text}" for article in corpus.articles)
    assert [trap for trap in TRAPS if trap not in everything] == []


def test_texts_are_of_ordinary_length_and_contacts_are_invented(corpus: Corpus) -> None:
    lengths = sorted(len(article.text) for article in corpus.articles)
    assert lengths[0] >= 50
    assert lengths[-1] <= 650
    for article in corpus.articles:
        shown = [article.author.name, article.author.bio, article.text, *(it.text for it in article.comments)]
        joined = "\n".join(shown)
        assert re.findall(r"(?<!\d)1[3-9]\d{9}(?!\d)", joined) == re.findall(r"(?<!\d)1390000\d{4}(?!\d)", joined)
        assert all(number.startswith("8800000") for number in re.findall(r"(?<!\d)\d{9,10}(?!\d)", joined))


def test_harmless_posts_show_invented_contacts_as_well(corpus: Corpus) -> None:
    harmless = [article for article in corpus.articles if not article.category and "qydemo" in article.text]
    assert len(harmless) >= 4


def test_the_same_seed_gives_the_same_platforms_and_another_seed_others() -> None:
    assert load_corpus() == load_corpus()
    other = load_corpus(seed=7)
    assert {article.key for article in other.articles} == {article.key for article in load_corpus().articles}
    assert [article.key for article in other.articles] != [article.key for article in load_corpus().articles]


def test_everything_was_published_before_the_start() -> None:
    start = datetime(2027, 3, 1, tzinfo=UTC)
    corpus = load_corpus(start=start)
    for article in corpus.articles:
        assert article.published_at < start
        times = [comment.published_at for comment in article.comments]
        assert times == sorted(times)
        assert all(article.published_at <= moment < start for moment in times)


def test_addresses_and_element_ids_are_unique(corpus: Corpus) -> None:
    for site in (FORUM, FEED, NOTES):
        addresses = [article.path for article in corpus.of(site)] + [it.path for it in corpus.authors(site)]
        assert len(addresses) == len(set(addresses))
    elements = [comment.element_id for article in corpus.articles for comment in article.comments]
    assert len(elements) == len(set(elements))
    assert not set(corpus.gone) & {article.number for article in corpus.of(FORUM)}


def test_offers_in_a_nickname_or_signature_alone_count_where_accounts_have_ids() -> None:
    uncounted = [planted for planted in load_truth() if not planted.counted]
    assert {planted.kind for planted in uncounted} == {"account"}
    assert {planted.site for planted in uncounted} == {FORUM, FEED}
    accounts = [line for line in truth_lines(FORUM_BASE, FEED_BASE) if line["kind"] == "account"]
    assert {line["platform"] for line in accounts} == {"xiaohongshu"}
    assert all(line["planted"] and NATIVE_ID.fullmatch(str(line["native_id"])) for line in accounts)


def test_truth_lines_name_every_post_and_every_planted_comment() -> None:
    lines = truth_lines(FORUM_BASE, FEED_BASE)
    assert {tuple(line) for line in lines} == {("platform", "native_id", "kind", "planted", "category", "ring")}
    posts = [line for line in lines if line["kind"] == "post"]
    assert len(posts) == len(load_corpus().articles)
    planted = [line for line in lines if line["planted"]]
    assert len(planted) == sum(it.counted for it in load_truth())
    assert all((line["category"] is not None) == line["planted"] for line in lines)
    assert len({line["native_id"] for line in lines}) == len(lines)
    comment = next(line for line in lines if line["kind"] == "comment" and line["platform"] == "web")
    assert re.fullmatch(rf"{FORUM_BASE}/thread/\d+\.html#reply-\d+-\d+", str(comment["native_id"]))
    assert {str(line["native_id"]).rsplit("/", 2)[0] for line in lines if line["platform"] == "feed"} == {
        FEED_BASE.rstrip("/")
    }
    notes = [str(line["native_id"]) for line in lines if line["platform"] == "xiaohongshu"]
    assert all(NATIVE_ID.fullmatch(native_id) for native_id in notes)


def test_the_post_above_a_planted_comment_is_not_planted_itself() -> None:
    for article in load_corpus().articles:
        if any(comment.category for comment in article.comments):
            assert not article.planted


def test_an_unknown_key_in_a_data_file_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "ARTICLE_KEYS", drafts.ARTICLE_KEYS - {"how"})
    with pytest.raises(ContentError, match="unknown keys"):
        load_corpus()


def _close(texts: list[str]) -> list[tuple[int, int]]:
    """Return the pairs of texts that are more alike than chance makes them."""
    ratios = process.cdist(texts, texts, scorer=fuzz.ratio, score_cutoff=45.01, dtype=numpy.uint8)
    return [(int(a), int(b)) for a, b in zip(*numpy.nonzero(ratios), strict=True) if a < b]


def _ratios(members: list[Article]) -> list[float]:
    return [fuzz.ratio(a.text, b.text) for a, b in combinations(members, 2)]


def _offered(member: Article) -> str:
    """Return where a ring's member shows its contact: the text, or the signature of an account."""
    return member.text if member.planted else member.author.bio


def _contact(text: str) -> str:
    """Return the one invented contact of a text, spelled plainly."""
    plain = text.translate(
        str.maketrans("０１２３４５６７８９⓪①②③④⑤⑥⑦⑧⑨零一二三四五六七八九O幺", "0123456789" * 3 + "01")
    )
    plain = re.sub(r"(?<=[0-9a-z_])[\s·-]+(?=[0-9a-z_])", "", plain)
    found = {*re.findall(r"1390000\d{4}|8800000\d{3}", plain), *re.findall(r"qydemo[a-z0-9_]+", plain)}
    assert len(found) == 1, (found, plain)
    contact: str = found.pop()
    return contact
