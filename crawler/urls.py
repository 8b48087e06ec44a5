"""Addresses of pages: one canonical form, and which hosts they belong to. Pure functions."""

from __future__ import annotations

import re
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from w3lib.url import safe_url_string

from storage.text import clean_text

TRACKING_KEYS = frozenset(
    {
        "_ga",
        "dclid",
        "fbclid",
        "from_source",
        "gclid",
        "igshid",
        "mc_cid",
        "mc_eid",
        "msclkid",
        "scm",
        "share_from",
        "share_source",
        "share_token",
        "spm",
        "spm_id_from",
        "vd_source",
        "xsec_source",
        "xsec_token",
        "yclid",
    }
)
"""Query keys that only say where a visitor came from, or open a page; every ``utm_`` key is one too."""

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_URL_CHARS = 2000
_QUOTED_DEEP = 4
_TOKEN = re.compile(r"(?i)(?:token|session|passport|verifyuuid|sign(?:ature)?)[a-z_]*=")
_REPEATS = 3


def canonical_url(url: str) -> str | None:
    """Return the one form of a page's address, None where it is no http or https address.

    Host and scheme in lower case, no default port, no fragment, no user name, tracking keys dropped; the order of
    the other keys stays (contracts §5). Idempotent.
    """
    try:
        parts = urlsplit(safe_url_string(clean_text(url).strip()))
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS or not host:
        return None
    netloc = f"[{host}]" if ":" in host else host
    if port not in (None, DEFAULT_PORTS[scheme]):
        netloc = f"{netloc}:{port}"
    return urlunsplit((scheme, netloc, parts.path or "/", _without_tracking(parts.query), ""))


def without_tokens(url: str) -> str:
    """Return the canonical form of an address without query pairs that carry a token, however deep it is quoted."""
    plain = canonical_url(url) or ""
    parts = urlsplit(plain)
    kept = [pair for pair in parts.query.split("&") if not _carries_token(pair)]
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "&".join(kept), ""))


def _carries_token(pair: str) -> bool:
    for _ in range(_QUOTED_DEEP):
        if _TOKEN.search(pair):
            return True
        pair = unquote(pair)
    return bool(_TOKEN.search(pair))


def _without_tracking(query: str) -> str:
    kept = [pair for pair in query.split("&") if pair and not _tracks(pair.partition("=")[0].lower())]
    return "&".join(kept)


def _tracks(key: str) -> bool:
    return key.startswith("utm_") or key in TRACKING_KEYS


def resolve(base: str, link: str) -> str | None:
    """Return the canonical form of a link found on a page, None where it leads to no page."""
    try:
        return canonical_url(urljoin(base, clean_text(link).strip()))
    except ValueError:
        return None


def netloc(url: str) -> str:
    """Return host and, where it is not the scheme's own, port of a canonical address."""
    return urlsplit(url).netloc


def origin(url: str) -> tuple[str, int]:
    """Return host and port of an address; empty host where it has none."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme.lower(), 0))
    except ValueError:
        return ("", 0)


def same_host(one: str, other: str) -> bool:
    """Tell whether two addresses are of one host and port; ``www.`` in front makes no difference."""
    (host, port), (second, second_port) = origin(one), origin(other)
    if {port, second_port} == set(DEFAULT_PORTS.values()):  # http and https of one host
        port = second_port
    return bool(host) and (host.removeprefix("www."), port) == (second.removeprefix("www."), second_port)


def path_and_query(url: str) -> str:
    """Return what ``article`` and ``follow`` are searched in."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def is_trap(url: str) -> bool:
    """Tell whether an address looks like one of an endless series: overlong, or one folder again and again."""
    if len(url) > MAX_URL_CHARS:
        return True
    folders = [folder for folder in urlsplit(url).path.split("/") if folder]
    return any(folders.count(folder) > _REPEATS for folder in set(folders))
