"""HTML and XML from strangers: decoding, safe parsing, text and links. Pure functions."""

from __future__ import annotations

import re
import sys
from functools import cache
from typing import TYPE_CHECKING, TypeAlias, cast

from cssselect import HTMLTranslator
from lxml import etree, html
from w3lib.encoding import html_to_unicode

from crawler.urls import canonical_url, resolve, same_host
from storage.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator

Node: TypeAlias = html.HtmlElement

MAX_DEPTH = 250
"""Elements inside elements that are still read; libxml2 itself stops at 256 without huge_tree."""

_BLOCKS = frozenset(
    re.findall(
        r"\w+",
        "address article aside blockquote body br caption center dd details div dl dt fieldset figcaption figure "
        "footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol option p pre section summary table tbody td tfoot "
        "th thead tr ul",
    )
)
_SILENT = frozenset(
    re.findall(r"\w+", "script style noscript template svg math head title iframe object select button textarea")
)
_SPACE = re.compile(r"[ \t\r\n\f\xa0]+")
_ENDS = re.compile(r"(?i)</(?:body|html)\s*>")
_REFERENCE = re.compile(r"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+));?")
_UNSETTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_EMOTE = re.compile(r"(?i)emoji|emot|smil|face|bq")


def decode_page(body: bytes, content_type: str | None) -> str:
    """Return a page as text: by BOM, header or its own declaration, else as UTF-8 or, if it is not, GB18030."""
    _, text = html_to_unicode(content_type, body, auto_detect_fun=_guess)
    return clean_text(text)


def _guess(body: bytes) -> str:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return "utf-8" if error.start > len(body) - 4 else "gb18030"  # cut in the middle of a character
    return "utf-8"


def parse_html(text: str) -> Node | None:
    """Return the root of an HTML page, None where there is nothing to parse. Nothing is loaded from anywhere.

    What stands after the end of the body counts as part of it, as in a browser; libxml2 would drop it.
    """
    text = _REFERENCE.sub(_checked, settable(_ENDS.sub("", text).replace("\x0c", " ")))
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    try:
        root = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return None
    return cast("Node", root)


def parse_xml(data: bytes) -> etree._Element | None:
    """Return the root of an XML document, None where it is none. Entities are not resolved, nothing is loaded."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(data, parser=parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _checked(found: re.Match[str]) -> str:
    """Return a character reference, U+FFFD in the place of one that stands for nothing that lxml can set."""
    digits, base = (found[1], 16) if found[1] else (found[2], 10)
    number = int(digits[:12], base)
    return "\ufffd" if number > sys.maxunicode or _UNSETTABLE.match(chr(number)) else found[0]


def settable(text: str) -> str:
    """Return a text without the characters that lxml refuses to set; they stand for nothing on a page."""
    return _UNSETTABLE.sub("\ufffd", text)


@cache
def _xpath(selector: str) -> etree.XPath:
    return etree.XPath(HTMLTranslator().css_to_xpath(selector))


def select(node: Node, selector: str) -> list[Node]:
    """Return the elements below a node that a CSS selector matches, in page order."""
    return cast("list[Node]", _xpath(selector)(node))


def text_of(node: Node, *, skip: frozenset[Node] = frozenset()) -> str:
    """Return the visible text of an element, one line per block, without the elements in ``skip``.

    White space collapses as in a browser; other characters stay as they are, invisible ones too. Images of emotes
    count as their alternative text.
    """
    lines = "".join(_pieces(node, skip)).split("\x1e")
    stripped = (_SPACE.sub(" ", line).strip(" ") for line in lines)
    return clean_text("\n".join(line for line in stripped if line))


def _pieces(root: Node, skip: frozenset[Node]) -> Iterator[str]:
    """Yield texts and, at the border of every block, a record separator (which no cleaned page may hold)."""
    silent = None
    for event, node in etree.iterwalk(root, events=("start", "end")):
        tag = node.tag if isinstance(node.tag, str) else ""
        if silent is None and event == "start" and (tag in _SILENT or node in skip):
            silent = node
        if silent is None:
            if tag in _BLOCKS:
                yield "\x1e"
            if event == "start":
                yield _emote(node) if tag == "img" else (node.text or "").replace("\x1e", " ")
        if event == "end":
            silent = None if silent is node else silent
            if silent is None and node is not root:
                yield (node.tail or "").replace("\x1e", " ")


def _emote(image: Node) -> str:
    alt = image.get("alt") or ""
    named = f"{image.get('class') or ''} {image.get('src') or ''}"
    return alt if _EMOTE.search(named) or re.fullmatch(r"\[[^\[\]]{1,10}\]", alt) else ""


def attribute(node: Node, *names: str) -> str:
    """Return the first of the attributes that has a value, else an empty text."""
    return next((clean_text(value).strip() for name in names if (value := node.get(name))), "")


def page_address(root: Node, url: str) -> str:
    """Return a page's canonical address: its rel=canonical where that is of the same host, else its own."""
    own = canonical_url(url) or url
    for link in select(root, "link[rel~=canonical][href]"):
        named = resolve(url, link.get("href", ""))
        if named and same_host(named, own):
            return named
    return own


def page_links(root: Node, url: str, *, limit: int) -> list[str]:
    """Return the pages that a page links to, without repeats, in its order."""
    base = next(iter(select(root, "base[href]")), None)
    start = resolve(url, base.get("href", "")) or url if base is not None else url
    found: dict[str, None] = {}
    for link in select(root, "a[href], area[href]"):
        address = resolve(start, link.get("href", ""))
        if address:
            found.setdefault(address)
        if len(found) >= limit:
            break
    return list(found)


def meta_content(root: Node, *names: str) -> str:
    """Return the content of the first ``meta`` with one of these names or properties, else an empty text."""
    for name in names:
        for node in select(root, f'meta[name="{name}"], meta[property="{name}"], meta[itemprop="{name}"]'):
            if content := attribute(node, "content"):
                return content
    return ""


def drop(nodes: list[Node]) -> None:
    """Remove elements from their tree; the text after them stays."""
    for node in nodes:
        if node.getparent() is not None:
            node.drop_tree()
