"""The lexicon: strict reading, overlays, version, and the contract of every entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from classifiers.examples import broken_examples
from classifiers.keywords import find_terms
from classifiers.lexicon import (
    PACKAGED_LEXICONS,
    Lexicon,
    LexiconError,
    content_version,
    load_lexicon,
    make_lexicon,
    written_forms,
)
from classifiers.records import Category, Role
from classifiers.terms import Weight
from classifiers.views import make_views

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "role: topic\ncategory: anti_collection\nsource: test\ndate: 2026-11-21\nterms:\n"
ENTRY = """  - term: 停息挂账
    examples:
      matching: [办停息挂账, 停息挂账吧]
      non_matching: [停车]
"""


@pytest.fixture(scope="module")
def packaged() -> Lexicon:
    return load_lexicon([PACKAGED_LEXICONS])


def written(folder: Path, text: str, name: str = "a.yml") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_every_entry_lives_up_to_its_examples(packaged: Lexicon) -> None:
    assert broken_examples(packaged) == []


def test_ids_are_unique_and_no_form_stands_twice_in_a_role(packaged: Lexicon) -> None:
    assert len({term.id for term in packaged.terms}) == len(packaged.terms)
    seen = [(term.role, form) for term in packaged.terms for form in written_forms(term)]
    assert len(seen) == len(set(seen))


def test_every_category_has_a_telling_topic_term(packaged: Lexicon) -> None:
    telling = {t.category for t in packaged.terms if t.role is Role.TOPIC and t.weight is not Weight.WEAK}
    assert telling == set(Category)


def test_every_entry_names_source_and_date(packaged: Lexicon) -> None:
    assert all(term.source and term.date for term in packaged.terms)
    assert all(term.category for term in packaged.terms if term.role is Role.TOPIC)


@pytest.mark.parametrize(
    ("text", "entry", "field", "unknown"),
    [
        (HEAD + ENTRY + "    colour: red\n", "停息挂账", "colour", True),
        (HEAD + ENTRY + "    weight: heavy\n", "停息挂账", "weight", False),
        (HEAD + ENTRY.replace("[办停息挂账, 停息挂账吧]", "[办停息挂账]"), "停息挂账", "examples.matching", False),
        (HEAD + ENTRY.replace("[停车]", "[]"), "停息挂账", "examples.non_matching", False),
        (HEAD + "  - variants: [a]\n", "number 1", "term", False),
        ("colour: red\n" + HEAD + ENTRY, "", "colour", True),
        (HEAD.replace("topic", "subject") + ENTRY, "", "role", False),
        (HEAD.replace("source: test\n", "") + ENTRY, "", "source", False),
    ],
)
def test_an_error_names_file_entry_and_field(
    tmp_path: Path, text: str, entry: str, field: str, unknown: bool
) -> None:
    with pytest.raises(LexiconError) as caught:
        load_lexicon([written(tmp_path / "lexicons", text)])
    error = caught.value
    assert (error.path.name, error.entry, error.field, error.unknown_key) == ("a.yml", entry, field, unknown)
    assert all(part in str(error) for part in ("a.yml", entry, field))


@pytest.mark.parametrize("text", ["- a\n", "role: [", "", "\ttabs: 1"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(LexiconError):
        load_lexicon([written(tmp_path / "lexicons", text)])


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(b"role: \xff\xfe")
    with pytest.raises(LexiconError):
        load_lexicon([tmp_path])


def test_a_form_that_stands_twice_is_refused_in_any_script(tmp_path: Path) -> None:
    folder = written(tmp_path / "lexicons", HEAD + ENTRY)
    written(folder, HEAD + ENTRY.replace("term: 停息挂账", "term: 停息掛賬"), "b.yml")
    with pytest.raises(LexiconError, match=r"b\.yml.*停息掛賬.*a:停息挂账"):
        load_lexicon([folder])


def test_an_overlay_replaces_the_file_of_its_name_and_adds_others(tmp_path: Path) -> None:
    base = written(tmp_path / "base", HEAD + ENTRY)
    written(base, HEAD + ENTRY.replace("停息挂账", "征信修复"), "b.yml")
    overlay = written(tmp_path / "overlay", HEAD + ENTRY.replace("停息挂账", "代理退保"))
    written(overlay, HEAD + ENTRY.replace("停息挂账", "职业背债"), "c.yml")
    terms = {term.term for term in load_lexicon([base, overlay]).terms}
    assert terms == {"代理退保", "征信修复", "职业背债"}


def test_the_version_is_that_of_the_content_alone(tmp_path: Path) -> None:
    plain = load_lexicon([written(tmp_path / "one", HEAD + ENTRY)])
    spaced = load_lexicon([written(tmp_path / "two", "# comment\n" + HEAD.replace("topic", "'topic'") + ENTRY)])
    changed = load_lexicon([written(tmp_path / "three", HEAD + ENTRY.replace("停车", "停电"))])
    assert plain.version == spaced.version != changed.version
    assert len(plain.version) == 64


def test_the_version_does_not_depend_on_the_order_of_terms(packaged: Lexicon) -> None:
    assert content_version(reversed(packaged.terms)) == packaged.version
    assert make_lexicon(packaged.terms[:-1]).version != packaged.version


@pytest.mark.parametrize(
    "text",
    [
        "这个时代还缺什么",
        "那个年代还没有手机",
        "三代还宗是旧俗",
        "老板不停催我们上菜",
        "我又被催收费了",
        "公司辞退保洁阿姨",
        "清退保本理财产品",
        "炫辣退保真好吃",
        "三退保平安",
        "对新剧十分期待",
        "万分期待这一天",
        "江水永不停息",
        "黑户口怎么上户",
        "领奖逾期不候",
        "考研上岸啦",
        "公考上岸的学姐",
        "鸭子游上岸晒太阳",
        "律师朋友结婚了",
        "小区业主维权拉横幅",
        "洗白色衣服要分开",
        "做个分享给大家",
        "天空放晴了",
        "四件套换季打折",
        "盲盒开盒好激动",
        "到档案馆查档案",
        "牛肉解冻以后再炒",
        "创业陪跑计划",
        "健身房退卡费",
        "国内口碑不错",
        "养卡通宠物",
        "在工厂做流水线工人",
    ],
)
def test_everyday_words_around_a_term_are_no_topic(packaged: Lexicon, text: str) -> None:
    topics = {term.id for term in packaged.terms if term.role is Role.TOPIC}
    assert [hit.rule for hit in find_terms(make_views(text), packaged) if hit.rule in topics] == []


@pytest.mark.parametrize("word", ["维权", "分期", "上岸", "催收", "逾期", "征信", "协商", "退保", "贷款", "话术"])
def test_everyday_words_of_the_field_carry_little(packaged: Lexicon, word: str) -> None:
    assert {term.weight for term in packaged.terms if word in written_forms(term)} == {Weight.WEAK}


def test_a_loaded_lexicon_cannot_be_changed(packaged: Lexicon) -> None:
    with pytest.raises(AttributeError):
        packaged.version = ""  # type: ignore[misc]
