"""What the pages of both demo platforms have in common: state of an article, templates, notices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import jinja2

from demo.records import FORUM
from demo.world import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from demo.records import Article, Author, Comment, Platform
    from demo.world import World

TEMPLATES = Path(__file__).parent / "templates"
SHANGHAI = ZoneInfo("Asia/Shanghai")
HTML = "text/html; charset=utf-8"
XML = "application/xml; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"
PAGE_SIZE = 20
RELATED = 4

# title, text, HTTP status; the wording of ``notice`` is that of widespread forum software.
NOTICES: Mapping[State, tuple[str, str, int]] = MappingProxyType(
    {
        State.GONE: ("内容已下架", "该内容因违反社区公约已被管理员移除。", 410),
        State.MISSING: ("页面不存在", "您访问的页面不存在。", 404),
        State.NOTICE: ("提示信息", "抱歉，指定的主题不存在或已被删除或正在被审核。", 200),
        State.AUTHOR_DELETED: ("内容已删除", "该内容已被作者删除。", 404),
        State.BANNED: ("内容不可见", "发布者账号已被封禁，相关内容不再展示。", 410),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer of a platform; ``modified_at`` is None where the platform tells nothing about it."""

    body: bytes
    status: int = 200
    content_type: str = HTML
    modified_at: datetime | None = None
    headers: tuple[tuple[str, str], ...] = ()
    cache: str = "no-cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One platform as it is served: name, base address without slash at the end, world, things by address."""

    name: str
    base: str
    world: World
    articles: Mapping[str, Article]
    authors: Mapping[str, Author]

    @property
    def platform(self) -> Platform:
        """Return the platform's names."""
        return self.world.corpus.platforms[self.name]


def make_site(world: World, name: str, base: str) -> Site:
    """Return one platform of the world as served at this base address."""
    return Site(
        name=name,
        base=base,
        world=world,
        articles={article.path: article for article in world.corpus.of(name)},
        authors={author.path: author for author in world.corpus.authors(name)},
    )


def live_articles(site: Site) -> list[Article]:
    """Return the articles that can be seen now, newest first."""
    return [article for article in site.articles.values() if article_state(site, article) is State.LIVE]


def article_state(site: Site, article: Article) -> State:
    """Return an article's state now; all articles of a banned account are gone with it."""
    if site.world.state(f"{site.name}{article.author.path}") is State.BANNED:
        return State.BANNED
    return site.world.state(f"{site.name}{article.path}")


def live_comments(site: Site, article: Article) -> list[Comment]:
    """Return the comments that can be seen now."""
    return [comment for comment in article.comments if _comment_is_live(site, article, comment)]


def modified_at(site: Site, article: Article) -> datetime:
    """Return when the article's page last changed: published, commented on, or moderated."""
    moments = [article.published_at, *(comment.published_at for comment in article.comments)]
    targets = [f"{site.name}{article.path}", f"{site.name}{article.author.path}"]
    for comment in article.comments:
        targets += [f"{targets[0]}#{comment.element_id}", f"{site.name}{comment.author.path}"]
    changes = (site.world.last_change(target) for target in targets)
    return max([*moments, *(change.at for change in changes if change)])


def article_page(site: Site, article: Article) -> Page:
    """Return the article's page, or the notice that stands in its place."""
    state = article_state(site, article)
    if state is not State.LIVE:
        return notice_page(site, state)
    neighbours = [it for it in live_articles(site) if it.section == article.section and it != article]
    neighbours.sort(key=lambda other: (abs(other.number - article.number), other.number))
    body = render(
        site,
        "article.html",
        title=article.title,
        article=article,
        comments=live_comments(site, article),
        related=neighbours[:RELATED],
    )
    return Page(body=body, modified_at=modified_at(site, article))


def profile_page(site: Site, author: Author) -> Page:
    """Return the page of an account with its live articles, or with the notice that it is banned."""
    banned = site.world.state(f"{site.name}{author.path}") is State.BANNED
    own = [article for article in live_articles(site) if article.author.number == author.number]
    title = f"{author.name} 的主页"
    return Page(body=render(site, "profile.html", title=title, author=author, articles=own, banned=banned))


def list_page(
    site: Site, articles: list[Article], *, title: str, number: int, feeds: Iterable[object] = ()
) -> Page:
    """Return one page of a list of articles; a number beyond the last one is a page that does not exist."""
    last = max(1, -(-len(articles) // PAGE_SIZE))
    if not 1 <= number <= last:
        return notice_page(site, State.MISSING)
    shown = articles[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    body = render(site, "list.html", title=title, articles=shown, number=number, last=last, feeds=feeds)
    return Page(body=body)


def notice_page(site: Site, state: State) -> Page:
    """Return the page that stands where something is gone, with the status of that way of being gone."""
    title, text, status = NOTICES[state]
    return Page(body=render(site, "notice.html", title=title, text=text, marker=state.value), status=status)


def common_page(site: Site, path: str) -> Page | None:
    """Return a page that both platforms have at this address, if there is one."""
    if path in site.articles:
        return article_page(site, site.articles[path])
    if path in site.authors:
        return profile_page(site, site.authors[path])
    if path == "/static/site.css":
        return Page(body=(TEMPLATES / "site.css").read_bytes(), content_type="text/css; charset=utf-8")
    if path == "/about":
        text = f"{site.platform.name}，{site.platform.slogan}。请友善发言，禁止广告、引流与违法信息。"
        return Page(body=render(site, "notice.html", title="社区公约", text=text, marker="about"))
    if path.startswith("/private/"):
        text = "此处仅供已登录的用户使用。"
        return Page(body=render(site, "notice.html", title="请先登录", text=text, marker="private"))
    return None


def render(site: Site, template: str, **values: object) -> bytes:
    """Return a page made from one of the templates."""
    context = {
        "site": site,
        "platform": site.platform,
        "section_path": lambda slug: section_path(site, slug),
        "related": (),
        **values,
    }
    return render_template(template, **context)


def render_template(template: str, **values: object) -> bytes:
    """Return a page made from one of the templates with these values alone."""
    return _environment().get_template(template).render(values).encode("utf-8")


def section_path(site: Site, slug: str) -> str:
    """Return the address of a board of the forum or a column of the feed."""
    return f"/board/{slug}/" if site.name == FORUM else f"/column/{slug}/"


def iso(moment: datetime) -> str:
    """Return a moment in Shanghai's time as ISO 8601 with offset."""
    return moment.astimezone(SHANGHAI).isoformat(timespec="seconds")


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def _comment_is_live(site: Site, article: Article, comment: Comment) -> bool:
    if site.world.state(f"{site.name}{comment.author.path}") is State.BANNED:
        return False
    return site.world.state(f"{site.name}{article.path}#{comment.element_id}") is State.LIVE


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"iso": iso, "local": _local}
    return environment
