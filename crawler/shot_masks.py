"""Other people in the picture of a target: where they stand, and covering them. Pure functions.

What is covered is decided by the browser's own layout (:mod:`crawler.shot_snapshot`) and painted into the finished
picture, so that no style or script of the page can take the covers away. Covered are: what the selectors name as
other people's (comments, commenters, avatars), numbers, names and mentions of others in the target's own words,
whatever of the rest of the page lies over the target, and frames and canvases, whose letters have no position.
Where paint may appear away from its box (shadows, reflections, SVG filters) there is no picture at all.
"""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from crawler.shot_snapshot import Rect, find_nodes
from storage.masking import masked_spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crawler.shot_snapshot import Box, Snapshot

COVER = (64, 64, 64)
"""Colour of the covers."""

MAX_HEIGHT = 12_000
"""Pixels of height up to which a target is shown."""

COMMENT_MARKUP = ('[itemprop~="comment"]', '[itemtype$="/Comment"]')
"""How pages mark comments for machines (schema.org)."""

OTHERS = (*COMMENT_MARKUP, "#comments", ".comments", ".comment-list")
"""Where other people's comments stand on pages whose source names nothing."""

UNMARKED = "the page does not mark the target"
"""Why there is no picture where the target cannot be told from the rest of its page."""

MIN_PIXELS = 4
"""Smaller targets are not shown."""

LETTER_PAD = 2
"""Pixels by which glyphs may reach over the boxes of whole texts."""

_DRIFT = 8  # pixels that a shadow may fall away from its letters; the covers are that much larger then
_BELOW = 16  # of the target's own box, left below its last own words
_OPAQUE_TAGS = frozenset({"iframe", "frame", "object", "embed", "canvas", "fencedframe", "portal"})
_DRAWN_TAGS = frozenset({"img", "svg", "video", "input", "textarea", "select", "button", "meter", "progress"})
_LETTERED = frozenset({"text", "foreignobject", "use", "image"})
_LENGTH = re.compile(r"(-?[\d.]+)px")
_INLINE = ("inline", "contents", "ruby")


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskRules:
    """What the target is and who the others are.

    ``element`` and ``index``: a CSS selector and which of its matches. ``others``: selectors of what belongs to
    other people. ``own``: the offender's name and contacts as they stand in its text, which stay readable.
    ``words``: what the offender is known to have written; where given, some of it must be there. ``mixed``: replies
    may stand unmarked in the element, so all words that are not known as the offender's are covered.
    """

    element: str
    index: int = 0
    others: tuple[str, ...] = OTHERS
    own: tuple[str, ...] = ()
    words: str = ""
    mixed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """The picture of a target alone, or why there is none."""

    png: bytes | None = None
    why: str | None = None


class NoShotError(Exception):
    """The target cannot be shown without risk of showing others; the message says why."""


@dataclass(frozen=True, slots=True)
class TextPart:
    """A part of a text node, by offsets into its value, whose letters are to be covered."""

    node: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What of the page is shown, what is covered in it, and the letters whose place is still to be asked for."""

    crop: Rect
    covers: tuple[Rect, ...]
    letters: tuple[TextPart, ...]


def find_target(snapshot: Snapshot, rules: MaskRules) -> int:
    """Return the target's node.

    Raises:
        NoShotError: the page does not mark it, or it is not laid out.
    """
    found = find_nodes(snapshot, rules.element, shadow=False)
    if rules.index >= len(found):
        raise NoShotError(UNMARKED)
    if found[rules.index] not in snapshot.by_node:
        raise NoShotError("the target is not shown on the page")
    return found[rules.index]


def make_plan(snapshot: Snapshot, target: int, rules: MaskRules) -> Plan:
    """Return what to show and what to cover.

    Raises:
        NoShotError: positions cannot be trusted, or nothing can be seen of the target.
    """
    inside = snapshot.inside({target})
    above = set(snapshot.chain(target))
    named = {node for css in rules.others for node in find_nodes(snapshot, css, shadow=True)}
    opaque = {node for node in inside if snapshot.names[node] in _OPAQUE_TAGS} | _copied_letters(snapshot, inside)
    covered = snapshot.inside((named & inside - above) | opaque)
    crop = _crop(snapshot, target, inside - covered)
    letters, lines = _private_letters(snapshot, inside - covered, rules.own)
    foreign = [
        box
        for box in snapshot.boxes
        if box.node not in inside and _lies_over(snapshot, box, above) and box.rect.meets(crop)
    ]
    hidden = [box for box in snapshot.boxes if box.node in covered and not box.rect.empty]
    strange = _unknown_words(snapshot, inside - covered, rules)
    told = [*hidden, *foreign, *lines, *(strange if rules.mixed else ())]
    _check_paint(snapshot, {box.node for box in told} | {part.node for part in letters})
    rects = [box.rect.padded(LETTER_PAD + _drift(box.styles.get("text-shadow", ""))) for box in told]
    return Plan(crop, _outermost(rect for rect in rects if rect.meets(crop)), tuple(letters))


def cover(png: bytes, crop: Rect, covers: Iterable[Rect]) -> bytes:
    """Return the picture of a crop with boxes painted over; coordinates are those of the document."""
    painted = tuple(covers)
    if not painted:
        return png
    with Image.open(io.BytesIO(png)) as read:
        picture = read.convert("RGB")
    pen = ImageDraw.Draw(picture)
    for rect in painted:
        left, top = math.floor(rect.x - crop.x), math.floor(rect.y - crop.y)
        right, bottom = math.ceil(rect.right - crop.x) - 1, math.ceil(rect.bottom - crop.y) - 1
        if right >= left and bottom >= top:
            pen.rectangle((left, top, right, bottom), fill=COVER)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=3)  # three times as fast as the default, a tenth larger
    return buffer.getvalue()


def _crop(snapshot: Snapshot, target: int, own: set[int]) -> Rect:
    """Return the target's box, without the empty or covered end below its last own words or picture."""
    rect = _union(box.rect for box in snapshot.by_node[target])
    if rect is None or min(rect.width, rect.height) < MIN_PIXELS:
        raise NoShotError("the target is not shown on the page")
    shown = [
        box.rect for box in snapshot.boxes if box.node in own and _draws(snapshot, box) and box.rect.meets(rect)
    ]
    if not shown:
        raise NoShotError("nothing of the target itself is shown on the page")
    bottom = min(rect.bottom, max(one.bottom for one in shown) + _BELOW)
    if bottom - rect.y > MAX_HEIGHT:
        raise NoShotError("the target is too tall")
    x, y = math.floor(rect.x), math.floor(rect.y)
    return Rect(x, y, math.ceil(rect.right) - x, math.ceil(bottom) - y)


def _draws(snapshot: Snapshot, box: Box) -> bool:
    """Tell whether a box shows a letter or a picture of its own."""
    return bool(box.text and box.text.strip()) or snapshot.names[box.node] in _DRAWN_TAGS


def _copied_letters(snapshot: Snapshot, inside: set[int]) -> set[int]:
    """Return the SVG copies of parts of the page with letters in them; snapshots do not show what is copied."""
    found = set()
    for node in inside:
        if snapshot.names[node] == "use":
            attributes = snapshot.attributes[node]
            name = (attributes.get("href") or attributes.get("xlink:href") or "").partition("#")[2]
            if any(snapshot.names[one] in _LETTERED for one in snapshot.inside(snapshot.named(name))):
                found.add(node)
    return found


def _lies_over(snapshot: Snapshot, box: Box, above: set[int]) -> bool:
    """Tell whether a box of the rest of the page can be seen; what was made transparent before the shot cannot."""
    drawn = _draws(snapshot, box) or snapshot.names[box.node] in _OPAQUE_TAGS or _in_top_layer(snapshot, box.node)
    if box.node not in above and box.styles.get("background-image", "none") != "none":
        drawn = True
    if not drawn or box.rect.empty or box.styles.get("visibility", "visible") != "visible":
        return False
    for node in snapshot.chain(box.node):
        if node in above:
            return True
        if _in_top_layer(snapshot, node):
            return True
        if snapshot.style(node, "opacity") == "0":
            return False
    return True


def _in_top_layer(snapshot: Snapshot, node: int) -> bool:
    """Tell whether a node may be painted apart from its ancestors, whose transparency then does not reach it."""
    return snapshot.names[node] == "dialog" or "popover" in snapshot.attributes[node]


def _private_letters(snapshot: Snapshot, own: set[int], keep: Sequence[str]) -> tuple[list[TextPart], list[Box]]:
    """Return what of the target's own words belongs to others: parts of text nodes, and boxes of made-up text."""
    text, places = _own_text(snapshot, own)
    kept = [found.span() for word in keep if word.strip() for found in re.finditer(re.escape(word.strip()), text)]
    parts: list[TextPart] = []
    boxes: list[Box] = []
    for at in sorted(place for start, end in masked_spans(text, kept) for place in range(start, end)):
        node, offset = places[at]
        if node < 0:
            continue
        if node in snapshot.pseudo or not snapshot.values[node]:
            boxes += [box for box in snapshot.by_node[node] if box not in boxes]
        elif parts and parts[-1].node == node and parts[-1].end in {offset, offset - 1}:
            parts[-1] = TextPart(node, parts[-1].start, offset + 1)
        else:
            parts.append(TextPart(node, offset, offset + 1))
    return parts, boxes


def _unknown_words(snapshot: Snapshot, own: set[int], rules: MaskRules) -> list[Box]:
    """Return the texts that are not among the offender's known words.

    Raises:
        NoShotError: none of those words are there, so that this may be somebody else's post by now.
    """
    if not rules.words:
        return []
    known = "".join(rules.words.split())
    said = [box for box in snapshot.boxes if box.node in own and box.text and box.text.strip()]
    strange = [box for box in said if "".join(str(box.text).split()) not in known]
    if len(strange) == len(said):
        raise NoShotError("the page does not show the words that the target was read with")
    return strange


def _own_text(snapshot: Snapshot, own: set[int]) -> tuple[str, list[tuple[int, int]]]:
    """Return the target's words as they are read, and per character its node and offset (-1: between blocks)."""
    letters: list[str] = []
    places: list[tuple[int, int]] = []
    block = -1
    for box in snapshot.boxes:
        if box.node not in own or not box.text:
            continue
        now = _block(snapshot, box.node)
        if letters and now != block:
            letters.append("\n")
            places.append((-1, 0))
        block = now
        for offset, letter in enumerate(snapshot.values[box.node] or box.text):
            space = letter.isspace()
            if space and letters and letters[-1] in " \n":
                continue
            letters.append(" " if space else letter)
            places.append((box.node, offset))
    return "".join(letters), places


def _block(snapshot: Snapshot, node: int) -> int:
    for one in snapshot.chain(snapshot.parents[node]):
        if not snapshot.style(one, "display").startswith(_INLINE):
            return one
    return -1


def _check_paint(snapshot: Snapshot, nodes: set[int]) -> None:
    """Refuse a page that may paint what is to be covered somewhere else than in its box."""
    if any(name.startswith("::view-transition") for name in snapshot.names):
        raise NoShotError("the page shows pictures of itself while it changes")
    seen: set[int] = set()
    for start in nodes:
        for node in snapshot.chain(start):
            if node in seen:
                break
            seen.add(node)
            if why := _stray_paint(snapshot, node):
                raise NoShotError(f"the page paints away from its boxes: {why}")


def _stray_paint(snapshot: Snapshot, node: int) -> str | None:
    for name in ("filter", "backdrop-filter"):
        value = snapshot.style(node, name)
        if "url(" in value or ("drop-shadow" in value and _drift(value) > _DRIFT):
            return name
    if snapshot.style(node, "-webkit-box-reflect") not in {"", "none"}:
        return "box-reflect"
    if _drift(snapshot.style(node, "text-shadow")) > _DRIFT:
        return "text-shadow"
    return None


def _drift(value: str) -> float:
    """Return the largest length in a style's value, in pixels."""
    return max((abs(float(found)) for found in _LENGTH.findall(value)), default=0.0)


def _union(rects: Iterable[Rect]) -> Rect | None:
    found = [rect for rect in rects if not rect.empty]
    if not found:
        return None
    x, y = min(rect.x for rect in found), min(rect.y for rect in found)
    return Rect(x, y, max(rect.right for rect in found) - x, max(rect.bottom for rect in found) - y)


def _outermost(rects: Iterable[Rect]) -> tuple[Rect, ...]:
    """Return the boxes that no other one contains, in a fixed order."""
    kept: list[Rect] = []
    for rect in sorted(set(rects), key=lambda one: (-one.width * one.height, one.x, one.y)):
        if not any(
            one.x <= rect.x and one.y <= rect.y and one.right >= rect.right and one.bottom >= rect.bottom
            for one in kept
        ):
            kept.append(rect)
    return tuple(sorted(kept, key=lambda one: (one.y, one.x, one.width, one.height)))
