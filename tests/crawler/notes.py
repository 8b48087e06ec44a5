"""The demo's note platform as a source: a workspace with a signed-in profile, crawls, and what they stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from crawler.adapters import load_adapter
from crawler.launch import run_crawl
from crawler.profiles import open_profile
from crawler.watch import parse_watch
from tests.support import stores

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from crawler.watch import SourceConfig
    from demo.notes.server import NotesServer
    from storage.engine import Store

WATCH = """
sources:
- name: notes
  platform: xiaohongshu
  access: operator
  base_url: {url}
  queries: [{queries}]
  private: true
  basis: {{document: 合作协议, reference: A-1, granted_by: 平台, valid_until: 2030-01-01}}
  budget: {{delay_seconds: 0, pages_per_run: {pages}}}
"""


def watch_text(server: NotesServer, *queries: str, pages: int = 500) -> str:
    return WATCH.format(url=server.base, queries=", ".join(queries), pages=pages)


def source(server: NotesServer, *queries: str, pages: int = 500) -> SourceConfig:
    return parse_watch(watch_text(server, *queries, pages=pages))[0]


def workspace(folder: Path) -> Store:
    """Return the store of a new workspace that the command line opens too."""
    folder.mkdir(parents=True)
    (folder / "qingyuan.toml").touch()
    return stores.open_store(stores.copy_sqlite(folder.parent / "template.db", folder / "qingyuan.db"), folder)


def sign_in(server: NotesServer, folder: Path) -> None:
    """Sign in to the platform in the profile of a workspace, as a person would in the visible window."""
    one = source(server, "x")
    with open_profile(one, load_adapter("xiaohongshu"), folder / "profiles", headless=True) as browser:
        page = browser.new_page()
        page.goto(server.sign_in_url)
        page.click("button.submit")
        page.wait_for_load_state()


def crawl(store: Store, config: SourceConfig, now: datetime) -> dict[str, Any]:
    return run_crawl(store, config, now=now, log_file=store.evidence_root.parent / "crawl.log")


def rows(store: Store, query: str) -> list[tuple[Any, ...]]:
    with store.read() as conn:
        return sorted(tuple(row) for row in conn.execute(sa.text(query)))


def everything_stored(store: Store) -> str:
    """Return all rows of all tables but the frontier as one text."""
    with store.read() as conn:
        names = [name for name in sa.inspect(conn).get_table_names() if name != "frontier"]
        tables = [sa.Table(name, sa.MetaData(), autoload_with=conn) for name in names]
        return "\n".join(str(tuple(row)) for table in tables for row in conn.execute(sa.select(table)))
