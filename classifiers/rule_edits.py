"""Small edits of one entry of a lexicon file that leave every other character as it was written.

The file is parsed only to find the places; comments, order and layout stay. What comes out is parsed again and must
be the same data with the additions asked for, so an odd layout is refused and never spoilt.
"""

from __future__ import annotations

import json
import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNPRINTED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")

Edit = tuple[int, int, str]
"""Start and end of what is replaced, and by what."""


class RuleEditError(ValueError):
    """The entry is not there, the addition stands there already, or the layout does not allow the edit."""


def edit_entry(
    content: bytes,
    term: str,
    *,
    exceptions: Iterable[str] = (),
    non_matching: Iterable[str] = (),
    views: Iterable[str] | None = None,
) -> bytes:
    """Return a lexicon file in which one entry has these exceptions and counter-examples more.

    ``views``, where given, replace the entry's own. Raises RuleEditError.
    """
    text = content.decode("utf-8").removeprefix("\ufeff")
    data = yaml.safe_load(text)
    entry, node = _find(data, yaml.compose(text, Loader=yaml.SafeLoader), term)
    new_exceptions = _missing(entry.get("exceptions"), exceptions)
    new_examples = _missing(entry["examples"].get("non_matching"), non_matching)
    edits = []
    if new_exceptions:
        edits.append(_add(text, node, "exceptions", new_exceptions))
    if new_examples:
        edits.append(_add(text, _value(node, "examples"), "non_matching", new_examples))
    if views is not None:
        edits.append(_set(node, "views", list(views)))
    if not edits:
        raise RuleEditError(f"{term} has this already")
    wanted = deepcopy(data)
    changed, _ = _find(wanted, None, term)
    if new_exceptions:
        changed["exceptions"] = [*(changed.get("exceptions") or ()), *new_exceptions]
    if new_examples:
        changed["examples"]["non_matching"] = [*changed["examples"]["non_matching"], *new_examples]
    if views is not None:
        changed["views"] = list(views)
    return _checked(_applied(text, edits), wanted)


def _find(data: Any, root: Any, term: str) -> tuple[dict[str, Any], Any]:  # noqa: ANN401 - parsed YAML
    """Return the entry of a term as data and as a node."""
    for number, entry in enumerate(data["terms"]):
        if entry["term"] == term:
            return entry, None if root is None else _value(root, "terms").value[number]
    raise RuleEditError(f"the file has no entry {term}")


def _value(mapping: Any, key: str) -> Any:  # noqa: ANN401 - a YAML node
    return next((value for name, value in mapping.value if name.value == key), None)


def _missing(present: Iterable[str] | None, wanted: Iterable[str]) -> list[str]:
    known = set(present or ())
    return [text for text in dict.fromkeys(wanted) if text not in known]


def _add(text: str, mapping: Any, key: str, values: list[str]) -> Edit:  # noqa: ANN401 - a YAML node
    """Return the edit that appends values to a list of the mapping."""
    node = _value(mapping, key)
    if node is None or not node.value:
        return _set(mapping, key, values)
    if node.flow_style:
        end = node.end_mark.index - 1
        comma = " " if text[:end].rstrip().endswith(",") else ", "
        return end, end, comma + ", ".join(map(_quoted, values))
    end = node.value[-1].end_mark.index
    indent = " " * node.start_mark.column
    return end, end, "".join(f"\n{indent}- {_quoted(value)}" for value in values)


def _set(mapping: Any, key: str, values: list[str]) -> Edit:  # noqa: ANN401 - a YAML node
    """Return the edit that gives the mapping a key, or the key other values."""
    written = f"[{', '.join(map(_quoted, values))}]"
    node = _value(mapping, key)
    if node is not None:
        return node.start_mark.index, node.end_mark.index, written
    if mapping.flow_style:
        end = mapping.end_mark.index - 1
        return end, end, f", {key}: {written}"
    end = _value(mapping, "term").end_mark.index
    return end, end, f"\n{' ' * mapping.start_mark.column}{key}: {written}"


def _quoted(text: str) -> str:
    """Return a text as a quoted scalar of YAML."""
    return _UNPRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _applied(text: str, edits: list[Edit]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _checked(text: str, wanted: object) -> bytes:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        found = None
    if found != wanted:
        raise RuleEditError("the layout of the file does not allow this edit; edit it by hand")
    return text.encode()
