"""Near-duplicate texts and the groups made of them."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.clustering import BANDS, SHARED_BANDS, STRONG, WEAK, band_keys, shingles, similarity
from classifiers.grouping import MAX_SHARING, Evidence, Group, group_clues, telling_contacts

if TYPE_CHECKING:
    from collections.abc import Iterable

HANZI = "".join(map(chr, range(0x4E00, 0x6E00)))
BODY = "专业代办停息挂账，协商个性化分期60期，无前期费用，不成功不收费，逾期的朋友抓紧来咨询我们老师"
OTHER = "信用卡网贷还不上别慌，我们团队帮你停催，律师一对一处理，先办事后付款，全国可做，加急三天出方案"


def tailed(body: str, seed: int) -> str:
    """Return a copy with five random hanzi at its end, as sellers append them against hashes."""
    return body + "".join(random.Random(seed).choices(HANZI, k=5))


def edited(text: str, share: float, seed: int) -> str:
    chance = random.Random(seed)
    return "".join(chance.choice(HANZI) if chance.random() < share else character for character in text)


def members(groups: list[Group]) -> list[list[int]]:
    return [sorted(group.members) for group in groups]


def text_pairs(texts: dict[int, str]) -> dict[tuple[int, int], float]:
    """Return the similarities of all pairs, by brute force."""
    grams = {number: shingles(text) for number, text in texts.items()}
    scored = {pair: similarity(grams[pair[0]], grams[pair[1]]) for pair in itertools.combinations(sorted(texts), 2)}
    return {pair: score for pair, score in scored.items() if score >= WEAK}


def test_disguise_does_not_count_as_an_edit() -> None:
    disguised = (
        "专业代办停·息·挂·賬，协商个性化分期６０期，无 前 期 费 用，不成功不收费，逾期的朋友抓紧来咨询我们老师"
    )
    assert similarity(shingles(BODY), shingles(disguised)) == 1.0


@pytest.mark.parametrize(
    "text", ["", "转发微博", "哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈", "加微信咨询", "\ud800\x00", "，。！" * 50]
)
def test_trivial_texts_link_nobody(text: str) -> None:
    assert len(shingles(text)) == 0
    assert len(band_keys(shingles(text))) == 0
    assert similarity(shingles(text), shingles(text)) == 0.0


def test_a_shingle_is_its_own_exact_key() -> None:
    text = "".join(random.Random(1).sample(HANZI, 300))
    assert len(shingles(text, str)) == 298
    assert len(shingles("𠮷𠮷" + text, str)) == 300


def test_band_keys_stay_what_they_are() -> None:
    keys = band_keys(shingles(BODY))
    assert len(keys) == BANDS
    assert keys.min() >= 0
    assert keys[:2].tolist() == [2495306327774038413, 3875524790697977386]


def test_copies_share_most_bands_and_strangers_hardly_any() -> None:
    own = band_keys(shingles(BODY))
    copies = [int((band_keys(shingles(tailed(BODY, seed))) == own).sum()) for seed in range(20)]
    strangers = ["".join(random.Random(seed).choices(HANZI[:500], k=60)) for seed in range(200)]
    assert min(copies) > BANDS // 3
    assert max(int((band_keys(shingles(text)) == own).sum()) for text in strangers) < SHARED_BANDS


def test_most_spins_of_a_template_become_candidates() -> None:
    source = "".join(random.Random(7).choices(HANZI[:2000], k=100))
    own = band_keys(shingles(source))
    for share, least in ((0.02, 40), (0.05, 40), (0.10, 40), (0.20, 37)):
        spins = [band_keys(shingles(edited(source, share, seed))) for seed in range(40)]
        assert sum(int((keys == own).sum()) >= SHARED_BANDS for keys in spins) >= least, share


@given(st.text(), st.text())
def test_similarity_is_symmetric_and_between_nothing_and_one(one: str, other: str) -> None:
    first, second = shingles(one), shingles(other)
    assert similarity(first, second) == similarity(second, first)
    assert 0.0 <= similarity(first, second) <= 1.0
    oracle = set(first.tolist()), set(second.tolist())
    if oracle[0] and oracle[1]:
        assert similarity(first, second) == len(oracle[0] & oracle[1]) / len(oracle[0] | oracle[1])
    assert bool(np.all(band_keys(first) >= 0))


def test_copies_with_random_tails_join_and_two_bodies_only_by_their_phone() -> None:
    texts = {number: tailed(BODY if number < 5 else OTHER, number) for number in range(10)}
    pairs = text_pairs(texts)
    assert all(score >= STRONG for score in pairs.values())
    apart = group_clues(Evidence(clues=texts, texts=pairs))
    assert members(apart) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert {group.basis for group in apart} == {("text",)}
    both = group_clues(
        Evidence(clues=texts, texts=pairs, contacts={1: [7], 2: [7], 3: [7], 6: [7], 8: [7], 9: [7]})
    )
    assert members(both) == [list(range(10))]
    assert both[0].basis == ("contact", "text")


def test_a_shared_contact_joins_different_texts() -> None:
    (group,) = group_clues(Evidence(clues=range(4), contacts={0: [1], 2: [1, 2], 3: [2]}))
    assert sorted(group.members) == [0, 2, 3]
    assert group.basis == ("contact",)


def test_a_contact_that_everybody_shares_joins_nobody() -> None:
    clues = range(MAX_SHARING + 1)
    evidence = Evidence(clues=clues, contacts=dict.fromkeys(clues, (1,)))
    assert group_clues(evidence) == []
    assert telling_contacts(evidence) == []


def test_links_do_not_chain() -> None:
    chain = {(number, number + 1): 0.4 for number in range(20)}
    assert max(map(len, members(group_clues(Evidence(clues=range(21), texts=chain))))) <= 2
    copies = {(number, number + 1): 0.8 for number in range(20)}
    assert max(map(len, members(group_clues(Evidence(clues=range(21), texts=copies))))) <= 3


def test_one_weak_link_does_not_join_two_rings() -> None:
    rings = {pair: 0.9 for ring in (range(4), range(4, 8)) for pair in itertools.combinations(ring, 2)}
    apart = group_clues(Evidence(clues=range(8), texts=rings | {(3, 4): 0.45}))
    assert members(apart) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    links = {(one, other): 0.35 for one in range(3) for other in range(4, 7)}
    assert members(group_clues(Evidence(clues=range(8), texts=rings | links))) == [list(range(8))]


def test_a_copy_of_one_text_does_not_join_two_operators() -> None:
    contacts = {number: [1] for number in range(3)} | {number: [2] for number in range(3, 6)}
    evidence = Evidence(clues=range(6), contacts=contacts, texts={(2, 3): 0.9})
    assert members(group_clues(evidence)) == [[0, 1, 2], [3, 4, 5]]
    template = dict.fromkeys(itertools.combinations(range(6), 2), 0.9)
    assert members(group_clues(Evidence(clues=range(6), contacts=contacts, texts=template))) == [list(range(6))]


def test_a_copy_without_contact_goes_to_the_ring_it_copies() -> None:
    contacts = {number: [1] for number in range(3)}
    evidence = Evidence(clues=range(4), contacts=contacts, texts={(2, 3): 0.9})
    assert members(group_clues(evidence)) == [[0, 1, 2, 3]]


def test_thousands_of_copies_are_one_group_though_each_is_compared_with_few() -> None:
    texts = {(old, new): 0.8 for new in range(1, 2000) for old in range(min(new, 8))}
    assert members(group_clues(Evidence(clues=range(2000), texts=texts))) == [list(range(2000))]


def test_judgements_overrule_what_the_machine_sees() -> None:
    contacts = {number: [1] for number in range(3)}
    evidence = Evidence(clues=range(5), contacts=contacts, same=[(3, 4)], different=[(0, 1)])
    assert members(group_clues(evidence)) == [[0, 2], [3, 4]]
    assert group_clues(evidence)[1].basis == ()


PAIRS = list(itertools.combinations(range(12), 2))
SCORES = st.dictionaries(st.sampled_from(PAIRS), st.sampled_from([0.1, 0.3, 0.35, 0.5, 0.7, 1.0]), max_size=30)
CONTACTS = st.dictionaries(st.integers(0, 11), st.lists(st.integers(0, 4), max_size=2), max_size=12)
JUDGED = st.lists(st.sampled_from(PAIRS), max_size=6, unique=True)


@given(texts=SCORES, contacts=CONTACTS, judged=JUDGED, chance=st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order_and_respect_people(
    texts: dict[tuple[int, int], float],
    contacts: dict[int, list[int]],
    judged: list[tuple[int, int]],
    chance: random.Random,
) -> None:
    same, different = judged[:2], judged[2:]
    evidence = Evidence(clues=range(12), contacts=contacts, texts=texts, same=same, different=different)
    found = group_clues(evidence)
    assert found == group_clues(
        Evidence(
            clues=shuffled(range(12), chance),
            contacts=dict(shuffled([(n, shuffled(own, chance)) for n, own in contacts.items()], chance)),
            texts=dict(shuffled(texts.items(), chance)),
            same=shuffled(same, chance),
            different=shuffled(different, chance),
        )
    )
    for group in found:
        assert not any(set(pair) <= group.members for pair in different)
    everyone = [number for group in found for number in group.members]
    assert len(everyone) == len(set(everyone))


def shuffled(values: Iterable[Any], chance: random.Random) -> list[Any]:
    copy = list(values)
    chance.shuffle(copy)
    return copy
