"""Addresses that strangers wrote: shown as text, followed only as http or https, and with a warning."""

from __future__ import annotations

import ipaddress
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

_SCHEMES = frozenset({"http", "https"})
_SAFE_IN_PATH = "/%:@!$&'()*+,;=~-._"
_SAFE_IN_QUERY = _SAFE_IN_PATH + "?"
_LONGEST = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class OutwardLink:
    """An address that may be followed: pure ASCII, host in its real (punycode) spelling.

    ``warnings`` are keys of words: ``idn``, ``mixed``, ``number``, ``user``, ``port``.
    """

    href: str
    host: str
    warnings: tuple[str, ...]


def outward_link(text: str | None) -> OutwardLink | None:
    """Return the link that a text is, or None when it must not be followed at all."""
    cleaned = "".join(character for character in text or "" if ord(character) > ord(" "))[:_LONGEST]
    try:
        parts = urlsplit(cleaned)
        host, port = parts.hostname or "", parts.port
        ascii_host = host.encode("idna").decode("ascii") if host else ""
    except (ValueError, UnicodeError):
        return None
    if parts.scheme.lower() not in _SCHEMES or not ascii_host or not _is_host(ascii_host):
        return None
    place = f"[{ascii_host}]" if ":" in ascii_host else ascii_host
    place += f":{port}" if port is not None else ""
    path = quote(parts.path, safe=_SAFE_IN_PATH, errors="replace")
    query = "?" + quote(parts.query, safe=_SAFE_IN_QUERY, errors="replace") if parts.query else ""
    return OutwardLink(
        href=f"{parts.scheme.lower()}://{place}{path}{query}",
        host=ascii_host,
        warnings=_warnings(host, ascii_host, port=port, user="@" in parts.netloc),
    )


def _is_host(host: str) -> bool:
    return ":" in host or all(character.isalnum() or character in "-._" for character in host)


def _warnings(host: str, ascii_host: str, *, port: int | None, user: bool) -> tuple[str, ...]:
    found = {
        "idn": "xn--" in ascii_host,
        "mixed": any(len(_scripts(label)) > 1 for label in host.split(".")),
        "number": _is_number(ascii_host),
        "user": user,
        "port": port not in {None, 80, 443},
    }
    return tuple(name for name, present in found.items() if present)


def _scripts(label: str) -> set[str]:
    """Return the scripts of a label's letters by the first word of their Unicode names."""
    return {unicodedata.name(character, "?").split()[0] for character in label if character.isalpha()}


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.replace(".", "").isdigit() or host.startswith("0x")
    return True
