"""The commands of reading: crawl, import, posts, screenshots, and the whole chain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from commands.context import context
from storage.errors import NotFoundError

if TYPE_CHECKING:
    from storage.records import Json

posts_app = typer.Typer(help="Stored posts, text unmasked.")

Encoding = Annotated[str, typer.Option(help="Encoding of text files, as gb18030.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("crawl")(crawl)
    app.command("import")(import_command)
    app.command("capture")(capture)
    app.command("run")(run_all)
    app.add_typer(posts_app, name="posts")


def crawl(
    sources: Annotated[list[str] | None, typer.Argument(metavar="[SOURCE…]", help="None = all due.")] = None,
) -> None:
    """Read sources: pages become evidence, posts and accounts."""
    from commands.visits import run_crawls

    context.out.obj(run_crawls(sources or []))


def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What was handed over.")],
    *,
    form: Annotated[Literal["posts", "tips", "mediacrawler"], typer.Option("--format", help="What the file is.")],
    source: Annotated[str, typer.Option(help="A source of watch.yml with access import.")],
    encoding: Encoding = "utf-8",
) -> None:
    """Read a handed-over file; a faulty line is refused and named, the rest is stored."""
    from commands.visits import watched
    from crawler.importers import import_file

    chosen = {one.name: one for one in watched()}
    if source not in chosen:
        raise NotFoundError("source", source, code="unknown_source")
    with context.out.progress(f"importing {file.name}: lines") as update:
        answer = import_file(
            context.store,
            chosen[source],
            file.absolute(),
            format=form,
            encoding=encoding,
            now=context.now(),
            warn=context.out.note,
            progress=update,
        )
    context.out.obj(answer)


def capture() -> None:
    """Take screenshots of clues that lack one."""
    from commands.visits import run_capture

    context.out.obj(run_capture())


def run_all() -> None:
    """Crawl, screen-posts, cluster, capture: the whole chain up to the queue."""
    from commands.screening import run_cluster, run_screen_posts
    from commands.visits import run_capture, run_crawls

    stages = {
        "crawl": lambda: run_crawls([]),
        "screen-posts": run_screen_posts,
        "cluster": run_cluster,
        "capture": run_capture,
    }
    answer: Json = {}
    for name, stage in stages.items():
        answer[name] = stage()
        context.out.problems.extend(answer[name].get("problems") or [])
    context.out.obj(answer)


@posts_app.command("list")
def list_posts_command() -> None:
    """List posts, newest first."""
    from storage.post_reads import list_posts

    with context.store.read() as conn:
        context.out.lines(list_posts(conn, limit=context.limit), shown=("post", "kind", "author", "title", "text"))


@posts_app.command("show")
def show_post(post: Annotated[str, typer.Argument(metavar="ID", help="platform:native_id")]) -> None:
    """Show one post with its comments and revisions."""
    from storage.post_reads import post_details

    with context.store.read() as conn:
        found = post_details(conn, post)
    if found is None:
        raise NotFoundError("post", post)
    context.out.obj(found)


@posts_app.command("count")
def count_posts_command() -> None:
    """Count posts and revisions."""
    from storage.post_reads import count_posts

    with context.store.read() as conn:
        context.out.obj(count_posts(conn))
