"""The main text of a page, by trafilatura. Pure functions."""

from __future__ import annotations

import copy
import logging
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

import trafilatura
from trafilatura.settings import DEFAULT_CONFIG

from crawler.markup import drop, select, settable, text_of

if TYPE_CHECKING:
    from configparser import ConfigParser

    from crawler.markup import Node

_FRAME = (
    "nav, [role=navigation], [role=banner], [role=contentinfo], [role=search], body > footer, body > header, "
    "body > aside, form"
)
_SPARE = range(0x10000, 0x10080)  # Linear B: letters to trafilatura, and on no page we read

logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # its complaints are our outcomes


def main_text(root: Node) -> str:
    """Return the main text of a page, one line per paragraph; empty where there is none.

    trafilatura drops invisible characters; here they stay, because hiding them in words is a trick of the trade.
    """
    tree = copy.deepcopy(root)
    drop(select(tree, _FRAME))
    hidden = _hide_invisible(tree)
    found = trafilatura.bare_extraction(tree, include_comments=False, config=_config())
    body = getattr(found, "body", None)
    if body is None:
        return ""
    text = text_of(_as_html(body))
    return text.translate(hidden) if hidden else text


@cache
def _config() -> ConfigParser:
    """Return trafilatura's settings for Chinese posts.

    Below MIN_EXTRACTED_SIZE (250, fitted on Latin text) it falls back to all text of the page on one line.
    """
    config = copy.deepcopy(DEFAULT_CONFIG)
    config["DEFAULT"]["MIN_EXTRACTED_SIZE"] = "10"
    return config


def _as_html(body: Node) -> Node:
    """Return trafilatura's own element names as HTML ones, as far as they make lines."""
    for element in body.iter("lb", "head", "item", "list", "quote", "row", "cell", "code"):
        element.tag = {"lb": "br", "cell": "td", "code": "pre"}.get(element.tag, "div")
    return body


def _hide_invisible(tree: Node) -> dict[int, str]:
    """Put letters of a spare alphabet in the place of format characters; return what they stand for."""
    found: dict[str, str] = {}
    for element in tree.iter():
        for place in ("text", "tail") if isinstance(element.tag, str) else ("tail",):
            shown = getattr(element, place)
            if shown and not shown.isascii() and any(unicodedata.category(char) == "Cf" for char in shown):
                setattr(element, place, _swap(shown, found))
    return {ord(letter): character for character, letter in found.items()}


def _swap(text: str, found: dict[str, str]) -> str:
    shown = "".join(_letter(char, found) if unicodedata.category(char) == "Cf" else char for char in text)
    return settable(shown)


def _letter(character: str, found: dict[str, str]) -> str:
    if character not in found and len(found) == len(_SPARE):
        return character  # more kinds of them than letters: trafilatura drops the rest
    return found.setdefault(character, chr(_SPARE[len(found)]))
