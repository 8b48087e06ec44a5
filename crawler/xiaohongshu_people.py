"""Comments and profiles of Xiaohongshu. Pure functions over one JSON object each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.xiaohongshu_notes import plain_topics, profile_url, writer
from storage.records import AccountFacts, CommentFacts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from crawler.json_reading import Fields
    from crawler.reading import ReadRules


def comments_of(
    entry: Fields, rules: ReadRules, *, at: datetime, root: str | None = None
) -> Iterator[CommentFacts]:
    """Yield a comment and the replies shown below it; ``root`` is the comment that a page of replies stands under.

    A reply answers the comment it names as its target, else the one it stands under. A comment of pictures alone
    says nothing and is left out.
    """
    own = entry.text("id")
    target = entry.inner("target_comment")
    answered = target.text("id") or root
    target.ignore("user_info")
    target.done()
    text = plain_topics(entry.text("content"))
    comment = CommentFacts(
        native_id=own,
        author=writer(entry.inner("user_info"), rules),
        text=text,
        parent=answered,
        published_at=entry.moment("create_time", at=at),
    )
    replies = list(entry.each("sub_comments"))
    entry.ignore("note_id", "like_count", "liked", "ip_location", "sub_comment_count", "sub_comment_cursor")
    entry.ignore(
        "sub_comment_has_more", "status", "show_tags", "at_users", "pictures", "note_author_liked", "audio"
    )
    entry.done()
    if own and text.strip():
        yield comment
    for reply in replies:
        yield from comments_of(reply, rules, at=at, root=own)


def profile_of(page: Fields, rules: ReadRules, *, user_id: str | None) -> AccountFacts | None:
    """Return the account of a profile, None where it shows nobody. Its handle is the public number (小红书号)."""
    basic = page.inner("basic_info")
    nickname, handle = basic.text("nickname"), basic.text("red_id")
    if not basic.is_there or not (nickname or handle):
        return None
    verified = _verified(page, basic)
    found = AccountFacts(
        native_id=user_id,
        handle=handle or None,
        name=nickname,
        bio=basic.text("desc"),
        verified=verified,
        followers=_followers(page),
        url=profile_url(rules.base_url or "", user_id) if user_id else None,
    )
    basic.ignore("gender", "images", "imageb", "image", "ip_location", "user_id", "red_official_verify_show_icon")
    basic.done()
    page.ignore("tags", "tab_public", "extra_info", "result", "verify_info", "interactions", "banner_info", "feeds")
    page.done()
    return found


def _verified(page: Fields, basic: Fields) -> bool | None:
    """Return whether the platform shows its mark; 0 = none (public code, unconfirmed)."""
    info = page.inner("verify_info")
    kind = info.text("red_official_verify_type") or basic.text("red_official_verify_type")
    return kind != "0" if kind else None


def _followers(page: Fields) -> int | None:
    found = None
    for entry in page.each("interactions"):
        kind = entry.text("type")
        number, _ = entry.count("count")
        found = number if kind == "fans" else found
        entry.ignore("name", "i18n_count")
        entry.done()
    return found
