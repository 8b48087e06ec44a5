"""Notes of Xiaohongshu: search results, opened notes, their writers. Pure functions over one JSON object each.

Source of the field names: public readers of the web page (seen autumn 2026); a server-rendered page has the same in
camel case in its state, which :func:`crawler.json_reading.read_state` has turned into snake case.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crawler.urls import canonical_url
from storage.records import AccountFacts, PostFacts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from crawler.json_reading import Fields
    from crawler.reading import ReadRules

ID = re.compile(r"[0-9a-f]{24}")
"""What ids of notes and users look like. A note id's first eight digits are a time, but not its publish time."""

NO_NOTES = frozenset({"rec_query", "hot_query", "live", "live_v2", "ads", "recommend_user"})
"""Kinds of search results that are no notes."""

_TOPIC = re.compile(r"(#[^#\[\]\n]+)\[话题\]#")
_SIGNED = re.compile(r"/[0-9]{12}/[0-9a-f]{32}/(?=[^/])")
_COUNTS = {
    "likes": ("liked_count", "like_count"),
    "comments": ("comment_count",),
    "shares": ("share_count", "shared_count"),
    "favourites": ("collected_count",),
}


def plain_topics(text: str) -> str:
    """Return a text with its topics as people see them: ``#债务[话题]#`` is #债务."""
    return _TOPIC.sub(r"\1", text)


def note_url(base: str, note_id: str) -> str:
    """Return a note's address without what opens it."""
    return f"{base.rstrip('/')}/explore/{note_id}"


def profile_url(base: str, user_id: str) -> str:
    """Return a profile's address without what opens it."""
    return f"{base.rstrip('/')}/user/profile/{user_id}"


def listed_note(item: Fields, rules: ReadRules) -> tuple[PostFacts, str] | None:
    """Return a search result as a post that was not opened, with the token that opens it; None = no note."""
    kind = item.text("model_type")
    if kind in NO_NOTES:
        return None
    item.ignore("rec_query", "hot_query", "trackid", "track_id", "index", "exposed", "ssr_rendered", "ignore")
    note_id, token = item.text("id", "note_id"), item.text("xsec_token")
    card = item.inner("note_card")
    item.done()
    return note_of(card, rules, note_id=note_id, token=token)


def listed_card(card: Fields, rules: ReadRules) -> tuple[PostFacts, str] | None:
    """Return a note of a profile's list, whose fields stand beside its id."""
    return note_of(card, rules, note_id=card.text("note_id", "id"), token=card.text("xsec_token"))


def note_of(card: Fields, rules: ReadRules, *, note_id: str, token: str) -> tuple[PostFacts, str] | None:
    """Return a listed note, None where it has no id."""
    if not ID.fullmatch(note_id):
        return None
    facts = _facts(card, rules, note_id=note_id, at=None)
    return facts, token


def opened_note(card: Fields, rules: ReadRules, *, note_id: str, at: datetime) -> PostFacts | None:
    """Return an opened note, None where it has no id."""
    own = card.text("note_id", "id") or note_id
    return _facts(card, rules, note_id=own, at=at) if ID.fullmatch(own) else None


def _facts(card: Fields, rules: ReadRules, *, note_id: str, at: datetime | None) -> PostFacts:
    """Map a note's fields; ``at`` None = a list entry, of which title, writer and cover are all there is."""
    user = card.inner("user")
    counts = card.inner("interact_info")
    metrics = dict(_metrics(counts))
    counts.ignore("liked", "collected", "followed", "relation", "sticky", "interacted", "nice_count", "niced")
    counts.done()
    images = tuple(_images(card))
    published = card.moment("time", at=at) if at is not None else None
    facts = PostFacts(
        platform=rules.platform,
        native_id=note_id,
        kind="video" if card.text("type") == "video" else "note",
        url=note_url(rules.base_url or "", note_id),
        author=writer(user, rules),
        title=card.text("title", "display_title"),
        text=plain_topics(card.text("desc")),
        images=images,
        metrics=metrics,
        ip_region=card.text("ip_location") or None,
        published_at=published,
        full=at is not None,
    )
    # Topics stand in the text; a video's subtitles are signed addresses that expire.
    card.ignore("time", "last_update_time", "tag_list", "at_user_list", "share_info", "video", "corner_tag_info")
    card.ignore("note_id", "xsec_token", "cover", "model_type", "un_share", "widgets_context", "hash_tag", "poi")
    card.ignore("relative_time", "goods_info", "note_status", "privacy", "sticky", "last_update")
    card.done()
    return facts


def _metrics(counts: Fields) -> Iterator[tuple[str, int | str]]:
    """Yield the counts; one that is not written as a plain number is kept as written, too."""
    for name, keys in _COUNTS.items():
        number, written = counts.count(*keys)
        if number is not None:
            yield name, number
            if written != str(number):
                yield f"{name}_text", written


def _images(card: Fields) -> Iterator[str]:
    """Yield the images' addresses without the dated signature in their path, which is another at every reading."""
    for image in card.each("image_list"):
        listed = [entry.text("url") for entry in image.each("info_list")]
        url = image.text("url_default", "url", "url_pre") or next(filter(None, listed), "")
        known = image.text("trace_id", "file_id")
        if address := canonical_url(url.replace("http://", "https://", 1) if "xhscdn.com" in url else url):
            yield _SIGNED.sub("/", address.partition("?")[0]).partition("!")[0]
        elif known:
            yield known


def writer(user: Fields, rules: ReadRules) -> AccountFacts:
    """Return the account of a note or comment; the token on it opens its profile and is taken apart from it."""
    native_id = user.text("user_id", "id")
    found = AccountFacts(
        native_id=native_id or None,
        handle=user.text("red_id") or None,
        name=user.text("nickname", "nick_name"),
        url=profile_url(rules.base_url or "", native_id) if native_id else None,
    )
    user.ignore("avatar", "image", "images", "xsec_token", "xsec_source", "nick_name", "followed", "show_tags")
    user.done()
    return found
