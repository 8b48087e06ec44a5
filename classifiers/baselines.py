"""Simple judges of the same rows, to see what the rules are worth beside them.

Any topic word; a topic word with an offer or a contact; a model of character n-grams. The first two find their
words with our own matcher in all its views, so what they lack is only the judging.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from classifiers.evaluate import is_flag_error
from classifiers.evaluate_gold import read_gold
from classifiers.evaluate_tally import FlagTally, PairedTally, Row
from classifiers.keywords import find_terms_each
from classifiers.postlines import read_post_line
from classifiers.records import Label, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from classifiers.evaluate import Judged
    from classifiers.lexicon import Lexicon
    from classifiers.records import PostText

_COMPANY = frozenset({Role.OFFER, Role.CONTACT})


class Baseline(StrEnum):
    """The judges to compare with."""

    TOPIC = "topic"
    TOPIC_WITH_COMPANY = "topic_with_offer_or_contact"
    NGRAMS = "ngram_regression"


# Shown titles: Chinese first, then English.
BASELINE_TITLES: dict[Baseline, tuple[str, str]] = {
    Baseline.TOPIC: ("任一主题词", "Any topic word"),
    Baseline.TOPIC_WITH_COMPANY: ("主题词＋招揽或联系方式", "Topic with offer or contact"),
    Baseline.NGRAMS: ("字符 n-gram 逻辑回归", "Character n-gram regression"),
}


def training_rows(rows: Iterable[Mapping[str, object]]) -> tuple[list[str], list[bool]]:
    """Return the texts to fit on and whether each is a clue; unsure and unlabelled rows teach nothing."""
    texts: list[str] = []
    are_clues: list[bool] = []
    for row in rows:
        gold = read_gold(row)
        if gold.is_decided:
            texts.append(whole_text(read_post_line(row)))
            are_clues.append(gold.label is Label.CLUE)
    return texts, are_clues


def whole_text(post: PostText) -> str:
    """Return every text of a post, a line each."""
    return "\n".join(text for _, text in post.fields())


class Baselines:
    """Judges rows that the rules have judged, and counts both."""

    def __init__(
        self, lexicon: Lexicon, ngrams: Callable[[Sequence[str]], Sequence[bool]], *, fitted_on: Iterable[str] = ()
    ) -> None:
        """Judge by these terms and this fitted model; rows with a text that it was fitted on are counted."""
        self._lexicon = lexicon
        self._ngrams = ngrams
        self._known = {hash(text) for text in fitted_on}
        self._known_rows = 0
        self._tallies = {name: FlagTally() for name in Baseline}
        self._pairs = {name: PairedTally() for name in Baseline}

    def watch(self, items: Sequence[Judged]) -> None:
        """Judge these rows and count them."""
        texts = [whole_text(item.post) for item in items]
        self._known_rows += sum(hash(text) in self._known for text in texts)
        roles = _roles_found(items, self._lexicon)
        flags: dict[Baseline, Sequence[bool]] = {
            Baseline.TOPIC: [Role.TOPIC in found for found in roles],
            Baseline.TOPIC_WITH_COMPANY: [Role.TOPIC in found and bool(found & _COMPANY) for found in roles],
            Baseline.NGRAMS: self._ngrams(texts),
        }
        for name, flagged in flags.items():
            for item, is_flagged in zip(items, flagged, strict=True):
                self._count(name, item, flagged=is_flagged)

    def _count(self, name: Baseline, item: Judged, *, flagged: bool) -> None:
        gold = item.gold
        self._tallies[name].add(gold, flagged=flagged)
        if gold.is_decided:
            right = flagged == (gold.label is Label.CLUE)
            self._pairs[name].add(first=not is_flag_error(gold, item.verdict), second=right)

    def as_row(self) -> Row:
        """Return the figures of every judge as those of ``evaluate``.

        ``paired`` says where only the rules or only the judge is right, with the exact McNemar probability of so
        uneven a split by chance; ``known_rows`` how many rows hold a text that the model was fitted on.
        """
        judges = {
            name.value: {**tally.counts(), **tally.rates(), "paired": _paired(self._pairs[name])}
            for name, tally in self._tallies.items()
        }
        return {"known_rows": self._known_rows, **judges}


def _paired(pair: PairedTally) -> Row:
    return {"only_rules": pair.only_first, "only_baseline": pair.only_second, "p": pair.p_value()}


def _roles_found(items: Sequence[Judged], lexicon: Lexicon) -> list[set[Role]]:
    """Return the roles of the terms in each row; a contact that was found counts as one."""
    named = [(index, text) for index, item in enumerate(items) for _, text in item.post.fields()]
    roles: list[set[Role]] = [{Role.CONTACT} if item.verdict.contacts else set() for item in items]
    for (index, _), hits in zip(named, find_terms_each([text for _, text in named], lexicon), strict=True):
        roles[index].update(hit.role for hit in hits)
    return roles
