"""What the desk hides until somebody gives a reason: contacts, and numbers that belong to third parties.

Four nets, because a contact that slips through is shown to everybody: the spans that the verdict stored, a fresh
search in the very text that is shown, every further place where the same characters stand, disguised or not, and
whatever has the look of an id, letters and digits in one word.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from classifiers.contact_tables import load_contact_tables
from classifiers.contacts import Speaker, find_contacts
from classifiers.engine import DATA
from classifiers.records import ContactKind
from classifiers.views import make_views
from storage.sealing import mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from classifiers.contact_tables import ContactTables
    from classifiers.views import Views

Span = tuple[int, int]
"""[start, end) in code points of a field."""

_GAP = r"[\s\-_.·\u200b-\u200f\u2060-\u2064\ufe0f\ufeff]{0,3}"
_NUMBERS = re.compile(
    rf"(?<!\d)1[3-9](?:{_GAP}\d){{9}}(?!\d)"  # mobile
    rf"|(?<!\d)[1-9]\d{{5}}{_GAP}(?:19|20)\d{{2}}{_GAP}[01]\d[0-3]\d{_GAP}\d{{3}}[\dx](?![\dx])"  # identity card
    rf"|(?<!\d)\d(?:[ \-]?\d){{14,18}}(?!\d)"  # bank card
    r"|[a-z0-9_.+\-]{1,64}@[a-z0-9\-]{1,63}(?:\.[a-z0-9\-]{1,63}){1,4}"  # mail
    r"|(?<![a-z0-9_\-])(?=[a-z_\-]{0,24}[0-9])[a-z][a-z0-9_\-]{5,24}(?![a-z0-9_\-])"  # what looks like an id
)
_SHORTEST_REPEAT = 5  # shorter strings stand in ordinary words


def find_private(
    texts: Mapping[str, str], stored: Mapping[str, Iterable[Span]] | None = None
) -> dict[str, list[Span]]:
    """Return the spans to hide in each field, in order and without overlap.

    ``texts`` are all fields that a page shows together, by their name in the verdict; ``stored`` the spans that
    the verdict has for them.
    """
    views = {name: make_views(text) for name, text in texts.items()}
    found = {name: set(_found_in(name, texts, views[name])) for name in texts}
    for name, spans in (stored or {}).items():
        if name in found:
            found[name] |= {(start, end) for start, end in spans if 0 <= start < end <= len(texts[name])}
    repeated = _repeats(texts, views, found)
    return {name: _merged([*spans, *repeated[name]]) for name, spans in found.items()}


def hide(text: str, spans: Iterable[Span]) -> str:
    """Return the text with the middle of each span as asterisks, one for one."""
    characters = list(text)
    for start, end in spans:
        characters[start:end] = mask(text[start:end])
    return "".join(characters)


@cache
def contact_tables() -> ContactTables:
    """Return the tables of how contacts are written."""
    return load_contact_tables(DATA / "contacts.yml")


def _found_in(name: str, texts: Mapping[str, str], views: Views) -> Iterator[Span]:
    is_bio = name.endswith(".bio")
    author = texts.get(name.removesuffix(".bio") + ("" if "comments[" in name else ".name"), "") if is_bio else ""
    speaker, folded = Speaker(name=author, is_bio=is_bio), views.folded.text
    for contact in find_contacts(name, texts[name], speaker, tables=contact_tables(), folded=folded):
        if contact.kind is not ContactKind.QR:
            yield contact.start, contact.end
    for number in _NUMBERS.finditer(folded):
        yield number.span()


def _repeats(
    texts: Mapping[str, str], views: Mapping[str, Views], found: Mapping[str, Iterable[Span]]
) -> dict[str, list[Span]]:
    """Return where else the hidden strings stand, in whatever spacing, width or letter case."""
    wanted = {
        make_views(texts[name][start:end]).squeezed.text for name, spans in found.items() for start, end in spans
    }
    needles = [needle for needle in wanted if len(needle) >= _SHORTEST_REPEAT]
    places: dict[str, list[Span]] = {name: [] for name in texts}
    for name, own in views.items() if needles else ():
        view = own.squeezed
        for needle in needles:
            at = view.text.find(needle)
            while at >= 0:
                places[name].append(view.span(at, at + len(needle)))
                at = view.text.find(needle, at + len(needle))
    return places


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
