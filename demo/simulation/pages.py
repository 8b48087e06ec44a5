"""The pages of the simulated forum at a moment: threads, sitemap, start page, and everything that looks otherwise.

A pure function of the world, the address and the time. What a page shows may differ from the truth: that is what
the looks, tricks and weather are for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from demo.simulation.rates import Look, Trick, Weather
from demo.simulation.writing import boards

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from demo.simulation.records import Comment, Thread
    from demo.simulation.world import World

HTML, XML, PLAIN = "text/html; charset=utf-8", "application/xml; charset=utf-8", "text/plain; charset=utf-8"
SITEMAP = "/sitemap.xml"
NAME = "邻里社区"

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_NEWEST = 20
_MOVED_TO = "/topic/"
_NOT_FOUND = ("页面未找到", "您访问的页面未找到。", 404)
_NOTICES: dict[Look, tuple[str, str, int]] = {
    Look.HTTP_410: ("内容已移除", "该内容因违反社区规范已被移除。", 410),
    Look.HTTP_404: _NOT_FOUND,
    Look.KNOWN_NOTICE: ("提示信息", "抱歉，指定的主题不存在或已被删除或正在被审核", 200),
    Look.UNKNOWN_NOTICE: (
        "温馨提示",
        "小邻正在努力维护清朗的社区环境，您要找的这一页已经离开了我们，去看看别的吧。如对处理有疑问，可在个人中心提交复核。",
        200,
    ),
    Look.EMPTY: ("", "", 200),
    Look.AUTHOR_NOTICE: ("内容已被作者删除", "该内容已被作者删除。", 404),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request gets; ``location`` is set on a redirect."""

    status: int = 200
    body: str = ""
    content_type: str = HTML
    location: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


def answer(world: World, path: str, *, at: datetime, base: str) -> Answer:
    """Return what the site answers to a request for a path at a moment; ``base`` is its address without slash."""
    weather = world.site_weather(at)
    if path == "/robots.txt":
        return Answer(body="User-agent: *\nDisallow: /private/\n", content_type=PLAIN)
    if (spoiled := _in_weather(weather, path)) is not None:
        return spoiled
    if path == SITEMAP:
        return _sitemap(world, at, base)
    if path == "/":
        return _start_page(world, at)
    if path.startswith("/member.php"):
        return _page("登录", "<form><input name=username><input name=password type=password></form>")
    if path.startswith(_MOVED_TO):
        thread = world.threads.get("/t/" + path.removeprefix(_MOVED_TO))
        moved = thread is not None and Trick.MOVED in world.trick(thread.address, at)
        return _thread_page(world, thread, at, base) if thread and moved else _notice(*_NOT_FOUND)
    found = world.threads.get(path)
    if found is None or found.published_at > at:
        return _notice(*_NOT_FOUND)
    return _thread(world, found, at, base)


def _in_weather(weather: Weather | None, path: str) -> Answer | None:
    if weather is Weather.FAULTS:
        return Answer(status=503, body="<html><body>503 Service Temporarily Unavailable</body></html>")
    if weather is Weather.CHALLENGE:
        return Answer(status=403, body="<html><title>安全验证</title><body>请完成安全验证后继续访问</body></html>")
    if weather is Weather.CONTROL_DOWN and path in {SITEMAP, "/"}:
        return Answer(status=500, body="<html><body>Internal Server Error</body></html>")
    if weather is Weather.MAINTENANCE:
        return _notice("系统维护", "社区正在升级，内容暂时不可见，请稍后再来。", 200)
    return None


def _thread(world: World, thread: Thread, at: datetime, base: str) -> Answer:
    state = world.status(thread.address, at)
    tricks = world.trick(thread.address, at)
    if not state.there:
        return _gone_page(world, state.look or Look.HTTP_404, at)
    if Trick.LOGIN_WALL in tricks:
        return Answer(status=302, location="/member.php?mod=logging&action=login")
    if Trick.MISSING_FOR_A_WHILE in tricks:
        return _notice(*_NOT_FOUND)
    if Trick.AMBIGUOUS_NOTICE in tricks:
        return _notice("提示", "当前内容暂时无法浏览。", 200)
    if Trick.MOVED in tricks:
        return Answer(status=301, location=_MOVED_TO + thread.address.removeprefix("/t/"))
    return _thread_page(world, thread, at, base)


def _gone_page(world: World, look: Look, at: datetime) -> Answer:
    if look is Look.TO_START:
        return Answer(status=302, location="/")
    if look is Look.SOFT_404:
        hint = "<p>什么也没有找到，换个词试试：<input name=q></p><h2>猜你喜欢</h2>"
        return _page("没有找到相关内容", hint + _links(_newest(world, at)[:8]))
    return _notice(*_NOTICES.get(look, _NOT_FOUND))


def _thread_page(world: World, thread: Thread, at: datetime, base: str) -> Answer:
    moved = Trick.MOVED in world.trick(thread.address, at)
    path = _MOVED_TO + thread.address.removeprefix("/t/") if moved else thread.address
    edited = thread.edit if world.edited_at(thread.address, at) is not None else ""
    paragraphs = "".join(f"<p>{_lines(part)}</p>" for part in (*thread.text.paragraphs, edited) if part)
    comments = [one for one in thread.comments if one.published_at <= at and world.status(one.address, at).there]
    folded = [one for one in comments if Trick.FOLDED in world.trick(one.address, at)]
    shown = "".join(_comment(one) for one in comments if one not in folded)
    fold = f'<p class="folded">{len(folded)} 条评论已被折叠</p>' if folded else ""
    body = (
        '<article itemscope itemtype="https://schema.org/DiscussionForumPosting">'
        f'<h1 itemprop="headline">{escape(thread.text.title)}</h1>'
        f'{_person(thread.author)}<time itemprop="datePublished" datetime="{_iso(thread.published_at)}"></time>'
        f'<div itemprop="articleBody">{paragraphs}</div>'
        f'<section class="comments"><h2>全部评论（{len(comments)}）</h2>{shown}{fold}</section></article>'
        f"<aside><h2>看看别的</h2>{_links(_newest(world, at)[:5])}</aside>"
    )
    return _page(thread.text.title, body, head=f'<link rel="canonical" href="{escape(base + path)}">')


def _comment(one: Comment) -> str:
    return (
        f'<div class="comment" id="{one.element_id}" itemprop="comment" itemscope '
        f'itemtype="https://schema.org/Comment">{_person(one.author)}'
        f'<time itemprop="datePublished" datetime="{_iso(one.published_at)}"></time>'
        f'<div itemprop="text">{escape(one.text)}</div></div>'
    )


def _person(name: str) -> str:
    return (
        '<span itemprop="author" itemscope itemtype="https://schema.org/Person">'
        f'<b itemprop="name">{escape(name)}</b></span>'
    )


def _start_page(world: World, at: datetime) -> Answer:
    sections = "".join(f"<li>{escape(title)}</li>" for title in boards().values())
    return _page("最新主题", f"<ul>{sections}</ul><h2>最新主题</h2>{_links(_newest(world, at))}")


def _sitemap(world: World, at: datetime, base: str) -> Answer:
    listed = [(escape(base + thread.address), _iso(_modified(world, thread, at))) for thread in _visible(world, at)]
    rows = "".join(f"<url><loc>{where}</loc><lastmod>{moment}</lastmod></url>\n" for where, moment in listed)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    return Answer(body=f"{head}{rows}</urlset>\n", content_type=XML)


def _visible(world: World, at: datetime) -> list[Thread]:
    return [
        thread
        for thread in world.threads.values()
        if thread.published_at <= at and world.status(thread.address, at).there
    ]


@lru_cache(maxsize=2)
def _newest(world: World, at: datetime) -> tuple[Thread, ...]:
    """Return the newest posts; many pages of one moment list them."""
    return tuple(sorted(_visible(world, at), key=lambda thread: thread.published_at, reverse=True)[:_NEWEST])


def _modified(world: World, thread: Thread, at: datetime) -> datetime:
    written = [one.published_at for one in thread.comments if one.published_at <= at]
    edited = world.edited_at(thread.address, at)
    return max([thread.published_at, *written, *([edited] if edited else [])])


def _links(threads: Iterable[Thread]) -> str:
    rows = "".join(f'<li><a href="{one.address}">{escape(one.text.title)}</a></li>' for one in threads)
    return f"<ul>{rows}</ul>"


def _notice(title: str, text: str, status: int) -> Answer:
    page = _page(title, f'<div class="notice"><p>{escape(text)}</p><p><a href="/">返回首页</a></p></div>')
    return Answer(status=status, body=page.body if title else "<!DOCTYPE html><html><body></body></html>")


def _page(title: str, body: str, *, head: str = "") -> Answer:
    top = f'<header><a href="/">{NAME}</a><nav><a href="/private/me">我的</a></nav></header>'
    return Answer(
        body=(
            f'<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><title>{escape(title)} - {NAME}</title>'
            f"{head}</head><body>{top}<main>{body}</main><footer>用户发布的内容仅代表其个人观点。</footer></body></html>"
        )
    )


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def _iso(moment: datetime) -> str:
    return moment.astimezone(_SHANGHAI).isoformat(timespec="seconds")
