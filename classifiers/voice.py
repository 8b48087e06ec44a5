"""Who speaks to whom: every sentence gets a voice, and every piece of evidence is active or not.

The same words stand in an offer, in a bank's warning that quotes it, in a report and in the story of a victim. An
offer, promise, fee or contact counts only in a provider's own voice: outside quotation, not negated, not in a
sentence that warns, reports or complains (codebook R1, R2, R4). A warner's or reporter's sentence that also offers
the speaker's own service and a way to reach him is a pitch (R3).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from classifiers.cues import CueHit, Voice
from classifiers.records import ContactFound, Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifiers.hits import Hit

# A sentence ends at its mark, at a line break, at the bar between the parts of a profile.
_SENTENCE = re.compile(r"[^。!?;\n|]{1,400}[。!?;\n|]{0,3}|[。!?;\n|]{1,3}")
_PAIRS = {"“": "”", "「": "」", "『": "』", "‘": "’", "《": "》"}
_OPENERS = re.compile('[“「『‘"]')
# A quotation that is not closed within so many code points is taken to end with its paragraph.
QUOTE_LIMIT = 300
# A shorter quotation may be emphasis or the word to send; a longer one cites somebody else's speech.
CITED_FROM = 7
_NEGATION = re.compile(
    r"(?:没有?|未|无|并非|不是|从不|不会|不再|拒绝|别|不要|切勿|请勿|勿|反对|禁止|严禁|不)[^,。!?;\n]{0,4}$"
)
_OWN_OFFER = frozenset({"offer.firm", "offer.serve", "offer.invite", "offer.sell", "offer.refer"})
_REACH = frozenset({"contact.route"})
_NO_VOICES: frozenset[Voice] = frozenset()


class Sentence(NamedTuple):
    """One sentence of a field and the voices that its unquoted words have."""

    start: int
    end: int
    voices: frozenset[Voice]
    is_pitch: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One field as read: its evidence, its sentences and its quotations; offsets count the field's code points."""

    field: str
    text: str
    folded: str
    terms: tuple[Hit, ...]
    cues: tuple[CueHit, ...]
    contacts: tuple[ContactFound, ...]
    sentences: tuple[Sentence, ...]
    quotes: tuple[tuple[int, int], ...]

    def sentence_at(self, offset: int) -> Sentence:
        """Return the sentence in which the offset lies."""
        index = bisect_right(self.sentences, offset, key=lambda sentence: sentence.start)
        return self.sentences[max(0, index - 1)]

    def quote_at(self, offset: int) -> tuple[int, int] | None:
        """Return the quotation in which the offset lies, or None."""
        index = bisect_right(self.quotes, offset, key=lambda quote: quote[0]) - 1
        if index < 0 or not self.quotes[index][0] <= offset < self.quotes[index][1]:
            return None
        return self.quotes[index]

    def is_quoted(self, offset: int) -> bool:
        """Return whether the offset lies inside a quotation."""
        return self.quote_at(offset) is not None


def read_field(
    field: str,
    text: str,
    folded: str,
    *,
    terms: Iterable[Hit],
    cues: Iterable[CueHit],
    contacts: Iterable[ContactFound],
) -> Reading:
    """Return the field with its sentences and quotations."""
    terms, cues, contacts = tuple(terms), tuple(cues), tuple(contacts)
    quotes = find_quotes(folded)
    sentences = tuple(_read_sentences(folded, cues, contacts, quotes))
    return Reading(
        field=field,
        text=text,
        folded=folded,
        terms=terms,
        cues=cues,
        contacts=contacts,
        sentences=sentences,
        quotes=quotes,
    )


def find_quotes(folded: str) -> tuple[tuple[int, int], ...]:
    """Return the [start, end) of the words between quotation marks; a quotation may cross sentences."""
    quotes: list[tuple[int, int]] = []
    at = 0
    while opener := _OPENERS.search(folded, at):
        start = opener.end()
        closer = _PAIRS.get(opener.group(), opener.group())
        end = folded.find(closer, start, start + QUOTE_LIMIT)
        if end < 0:
            line = folded.find("\n", start, start + QUOTE_LIMIT)
            end = line if line >= 0 else min(len(folded), start + QUOTE_LIMIT)
        quotes.append((start, end))
        at = end + 1
    return tuple(quotes)


def _read_sentences(
    folded: str, cues: tuple[CueHit, ...], contacts: tuple[ContactFound, ...], quotes: tuple[tuple[int, int], ...]
) -> Iterable[Sentence]:
    spans = [match.span() for match in _SENTENCE.finditer(folded)] or [(0, len(folded))]
    if not cues and not contacts:
        return [Sentence(start, end, _NO_VOICES, is_pitch=False) for start, end in spans]
    starts = [start for start, _ in spans]
    voices: dict[int, set[Voice]] = {}
    own: dict[int, set[str]] = {}
    for hit in cues:
        if not _inside(quotes, hit.start):
            index = max(0, bisect_right(starts, hit.start) - 1)
            voices.setdefault(index, set()).add(hit.cue.speaks)
            own.setdefault(index, set()).add(hit.cue.id)
    for contact in contacts:
        own.setdefault(max(0, bisect_right(starts, contact.start) - 1), set()).add("contact.route")
    return [
        Sentence(start, end, frozenset(voices.get(index, _NO_VOICES)) - {Voice.NONE}, _is_pitch(own[index]))
        if index in own
        else Sentence(start, end, _NO_VOICES, is_pitch=False)
        for index, (start, end) in enumerate(spans)
    ]


def _is_pitch(ids: set[str]) -> bool:
    """Say whether a sentence with these cues offers the speaker's own service and a way to reach him."""
    return not ids.isdisjoint(_OWN_OFFER) and not ids.isdisjoint(_REACH) and "voice.attribution" not in ids


def _inside(spans: tuple[tuple[int, int], ...], offset: int) -> bool:
    index = bisect_right(spans, offset, key=lambda span: span[0]) - 1
    return index >= 0 and offset < spans[index][1]


def is_active(reading: Reading, start: int, *, quotes_count: bool, role: Role) -> bool:
    """Return whether evidence at this offset stands in a provider's own voice.

    ``quotes_count`` is False where nobody in the text warns, reports or complains: there a short quotation is
    emphasis.
    """
    quote = reading.quote_at(start)
    if quote is not None and (quotes_count or quote[1] - quote[0] >= CITED_FROM):
        return False
    sentence = reading.sentence_at(start)
    if sentence.voices & {Voice.WARNER, Voice.REPORTER, Voice.DEBTOR} and not sentence.is_pitch:
        return False
    if role is Role.PROMISE or role is Role.FEE:
        return True
    before = reading.folded[max(sentence.start, start - 7) : start]
    return _NEGATION.search(before) is None
