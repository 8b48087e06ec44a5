"""The shapes in which the note platform answers: notes, comments and accounts as JSON.

Keys and nesting follow what is public about Xiaohongshu's web pages (``xpzouying/xiaohongshu-mcp`` types.go,
``NanmiCoder/MediaCrawler`` media_platform/xhs, ``DIYgod/RSSHub`` lib/routes/xiaohongshu, read in November 2026):
counts are strings such as "9.7万", times are milliseconds, and both the order of the keys and the presence of
some of them differ from item to item.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from demo.notes.site import live_comments, notes_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from demo.notes.site import NoteSite
    from demo.records import Article, Author, Comment

    Shape = dict[str, Any]

SHANGHAI = ZoneInfo("Asia/Shanghai")
REGIONS = ("上海", "江苏", "广东", "四川", "河南", "湖北", "山东", "浙江")
MANY = 10_000
_UNDERSCORE = re.compile(r"_([a-z])")


def count_text(number: int) -> str:
    """Return a count as the pages show it: 97000 is 9.7万."""
    if number < MANY:
        return str(number)
    return f"{number / MANY:.1f}".removesuffix(".0") + "万"


def milliseconds(moment: datetime) -> int:
    """Return the milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def region(author: Author) -> str:
    """Return where somebody writes from, as far as the pages tell."""
    return REGIONS[author.number % len(REGIONS)]


def red_id(author: Author) -> str:
    """Return the public number of an account."""
    return f"8800{author.number:07d}"


def description(note: Article) -> str:
    """Return a note's text with its topics, as the platform stores them."""
    topics = " ".join(f"#{topic}[话题]#" for topic in note.topics)
    return f"{note.text}\n{topics}" if topics else note.text


def camel(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return the same value with its keys as the pages' own state writes them: note_card is noteCard."""
    if isinstance(value, dict):
        return {_UNDERSCORE.sub(lambda found: found[1].upper(), key): camel(it) for key, it in value.items()}
    return [camel(it) for it in value] if isinstance(value, list) else value


def varied(fields: Shape, key: str, *, optional: Sequence[str] = ()) -> Shape:
    """Return the fields in an order of their own, without some of the optional ones."""
    rng = random.Random(f"order/{key}")
    kept = [name for name in fields if name not in optional or rng.choice((True, True, False))]
    rng.shuffle(kept)
    return {name: fields[name] for name in kept}


def search_item(site: NoteSite, note: Article) -> Shape:
    """Return one note as a search lists it."""
    card = {
        "type": "video" if note.video else "normal",
        "display_title": note.title,
        "user": user_card(site, note.author),
        "interact_info": interactions(site, note),
        "cover": cover(site, note),
        "image_list": images(site, note),
        "corner_tag_info": [{"type": "publish_time", "text": f"{note.published_at.astimezone(SHANGHAI):%m-%d}"}],
    }
    item = {
        "id": note.note_id,
        "model_type": "note",
        "note_card": varied(card, note.key, optional=("image_list", "corner_tag_info")),
        "xsec_token": site.gate.token("note", note.note_id),
    }
    return varied(item, f"item/{note.key}")


def user_card(site: NoteSite, author: Author) -> Shape:
    """Return somebody as notes and comments name them; the token is another one than the note's."""
    return {
        "user_id": author.uid,
        "nickname": author.name,
        "nick_name": author.name,
        "avatar": f"{site.base}/avatar/{author.uid}.png",
        "xsec_token": site.gate.token("user", author.uid),
    }


def interactions(site: NoteSite, note: Article) -> Shape:
    """Return a note's counts, all of them text."""
    return {
        "liked": False,
        "liked_count": count_text(note.likes),
        "collected": False,
        "collected_count": count_text(note.likes // 3),
        "comment_count": count_text(len(live_comments(site, note))),
        "shared_count": count_text(note.likes // 9),
    }


def cover(site: NoteSite, note: Article) -> Shape:
    """Return a note's first picture as lists carry it."""
    url = f"{site.base}/img/{note.note_id}/0.png"
    return {"width": 120, "height": 160, "url_default": url, "url_pre": url}


def images(site: NoteSite, note: Article) -> list[Shape]:
    """Return a note's pictures; a video has its cover alone."""
    count = 1 if note.video else 1 + note.number % 3
    urls = [f"{site.base}/img/{note.note_id}/{number}.png" for number in range(count)]
    return [
        {
            "width": 120,
            "height": 160,
            "url_default": url,
            "url_pre": url,
            "info_list": [{"image_scene": scene, "url": url} for scene in ("WB_PRV", "WB_DFT")],
        }
        for url in urls
    ]


def note_card(site: NoteSite, note: Article) -> Shape:
    """Return a whole note as an opened one carries it."""
    counts = interactions(site, note)
    counts["share_count"] = counts.pop("shared_count")
    card = {
        "note_id": note.note_id,
        "title": note.title,
        "desc": description(note),
        "type": "video" if note.video else "normal",
        "time": milliseconds(note.published_at),
        "last_update_time": milliseconds(note.published_at),
        "ip_location": region(note.author),
        "user": user_card(site, note.author),
        "interact_info": counts,
        "image_list": images(site, note),
        "tag_list": [{"id": f"{index:024x}", "name": it, "type": "topic"} for index, it in enumerate(note.topics)],
        "at_user_list": [],
        "share_info": {"un_share": False},
        "xsec_token": site.gate.token("note", note.note_id),
    }
    if note.video:
        card["video"] = {"capa": {"duration": 20 + note.number % 70}, "media_v2": '{"video":{"subtitles":{}}}'}
    return varied(card, f"card/{note.key}", optional=("ip_location", "at_user_list", "share_info"))


def comment_shape(site: NoteSite, note: Article, comment: Comment) -> Shape:
    """Return one comment without its replies."""
    speaker = user_card(site, comment.author)
    speaker["image"] = speaker.pop("avatar")
    shape = {
        "id": comment.element_id,
        "note_id": note.note_id,
        "content": comment.text,
        "create_time": milliseconds(comment.published_at),
        "like_count": count_text(comment.author.number % 40),
        "liked": False,
        "status": 0,
        "ip_location": region(comment.author),
        "at_users": [],
        "show_tags": ["is_author"] if comment.author.uid == note.author.uid else [],
        "user_info": speaker,
    }
    return varied(shape, comment.element_id, optional=("ip_location", "at_users"))


def basic_info(site: NoteSite, author: Author) -> Shape:
    """Return what a profile says about its owner."""
    avatar = f"{site.base}/avatar/{author.uid}.png"
    return {
        "nickname": author.name,
        "red_id": red_id(author),
        "desc": author.bio,
        "gender": author.number % 2,
        "ip_location": region(author),
        "images": avatar,
        "imageb": avatar,
    }


def profile_counts(author: Author) -> list[Shape]:
    """Return the three counts of a profile."""
    numbers = {"follows": ("关注", author.number % 300), "fans": ("粉丝", author.number % 30_000)}
    counts = numbers | {"interaction": ("获赞与收藏", author.number % 90_000)}
    return [{"type": kind, "name": name, "count": count_text(number)} for kind, (name, number) in counts.items()]


def posted_notes(site: NoteSite, author: Author) -> list[Shape]:
    """Return an account's notes as its profile lists them."""
    return [
        {
            "note_id": note.note_id,
            "display_title": note.title,
            "type": "video" if note.video else "normal",
            "user": user_card(site, author),
            "interact_info": {"liked": False, "liked_count": count_text(note.likes), "sticky": False},
            "cover": cover(site, note),
            "xsec_token": site.gate.token("note", note.note_id),
        }
        for note in notes_of(site, author)
    ]
