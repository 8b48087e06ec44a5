"""Tips: a table that a bank's staff fills in, one row per post seen somewhere. CSV or XLSX.

Columns, in any order, by either name; an unknown column refuses the file:

| column | also | holds |
|---|---|---|
| 平台 | platform | the platform's name as in the watch list; default: the source's |
| 链接 | url | address of the post |
| 编号 | id | the platform's id of the post; default: read from the address |
| 类型 | kind | note, post, video, answer, article, thread, comment or profile |
| 标题 | title | |
| 正文 | text | |
| 昵称 | author | displayed name of the account |
| 账号 | handle | public number of the account, such as 小红书号 |
| 账号编号 | author_id | the platform's id of the account |
| 简介 | bio | what the account says of itself |
| 上文 | parent | what a comment answers |
| 发布时间 | published_at | ISO 8601 or ``2026年11月3日 10:20``; Asia/Shanghai without offset |
| 地区 | ip_region | |
| 备注 | note | for the staff; not stored |

A row needs an address or an id, and one of title, text, author, bio.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crawler.times import page_time
from crawler.urls import canonical_url
from storage.errors import InputError
from storage.post_lines import LineProblem, PostLine
from storage.records import AccountFacts
from storage.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from crawler.importers.tables import Row

COLUMNS = {
    "平台": "platform",
    "链接": "url",
    "编号": "id",
    "类型": "kind",
    "标题": "title",
    "正文": "text",
    "昵称": "author",
    "账号": "handle",
    "账号编号": "author_id",
    "简介": "bio",
    "上文": "parent",
    "发布时间": "published_at",
    "地区": "ip_region",
    "备注": "note",
}
"""Chinese header to key; the keys are headers too."""

_ID_IN_URL = {
    "xiaohongshu": re.compile(r"/(?:explore|discovery/item|item)/([0-9a-f]{24})\b"),
    "douyin": re.compile(r"/(?:video|note)/([0-9]{15,20})\b"),
    "kuaishou": re.compile(r"/(?:short-video|fw/photo)/([0-9A-Za-z_-]{8,30})\b"),
}
"""Where a platform's addresses show the post's id (contracts §8)."""


def parse_tips(
    rows: Iterator[Row], *, platform: str, file: str, now: datetime
) -> Iterator[tuple[int, PostLine | LineProblem]]:
    """Yield the rows of a table of tips as lines.

    Raises:
        InputError: the table has no header, or a column that nobody reads (``unknown_column``).
    """
    header = next(rows, None)
    if header is None:
        raise InputError("unknown_column", "the table is empty", file=file)
    places = _places(header[1], file)
    return (_read(number, cells, places, platform=platform, now=now) for number, cells in rows)


def _places(header: Sequence[str], file: str) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, cell in enumerate(header):
        title = cell.strip().removeprefix("\ufeff")
        if not title:
            continue
        key = COLUMNS.get(title, title)
        if key not in COLUMNS.values() or key in places:
            why = "stands twice" if key in places else f"is unknown; known are {', '.join(COLUMNS)}"
            raise InputError("unknown_column", f"column {title[:60]!r} {why}", file=file, line=1, field=title[:60])
        places[key] = place
    if not {"url", "id"} & set(places):
        raise InputError("unknown_column", "a column 链接 (url) or 编号 (id) is needed", file=file, line=1)
    return places


def _read(
    number: int, cells: Sequence[str], places: dict[str, int], *, platform: str, now: datetime
) -> tuple[int, PostLine | LineProblem]:
    if len(cells) > max(places.values()) + 1 and any(cell.strip() for cell in cells[max(places.values()) + 1 :]):
        return number, LineProblem(code="bad_line", line=number, message="more cells than the header has")
    tip = {key: clean_text(cells[at]).strip() if at < len(cells) else "" for key, at in places.items()}
    url, named = tip.get("url") or None, tip.get("platform") or platform
    own = tip.get("id") or _id_in(url, named)
    if not own:
        message = "neither 链接 nor 编号 is filled in"
        return number, LineProblem(code="bad_field", line=number, field="url", message=message)
    if not any(tip.get(key) for key in ("title", "text", "author", "bio")):
        message = "no title, text, author or bio"
        return number, LineProblem(code="bad_field", line=number, field="text", id=own, message=message)
    when = page_time(tip.get("published_at", ""), now)
    if tip.get("published_at") and when is None:
        message = f"published_at is no past time: {tip['published_at'][:40]!r}"
        return number, LineProblem(code="bad_field", line=number, field="published_at", id=own, message=message)
    author = AccountFacts(
        native_id=tip.get("author_id") or None,
        handle=tip.get("handle") or None,
        name=tip.get("author", ""),
        bio=tip.get("bio", ""),
    )
    return number, PostLine(
        id=own,
        platform=tip.get("platform") or None,
        kind=tip.get("kind") or None,
        url=url,
        title=tip.get("title", ""),
        text=tip.get("text", ""),
        author=author,
        parent=tip.get("parent") or None,
        ip_region=tip.get("ip_region") or None,
        published_at=when,
    )


def _id_in(url: str | None, platform: str) -> str | None:
    """Return the post's id as its address shows it, else the address itself."""
    if not url:
        return None
    pattern = _ID_IN_URL.get(platform)
    found = pattern.search(url) if pattern else None
    return found[1] if found else canonical_url(url) or url
