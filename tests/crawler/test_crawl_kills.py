"""A crawl killed at random instants ends as if nobody had killed it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from crawler.launch import run_crawl
from crawler.watch import load_watch
from storage.evidence import verify_all
from tests.crawler.playing import TEXT
from tests.support import stores
from tests.support.kills import Command, kill_until_done, reading

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store
    from tests.support.site import Site

ROOT = Path(__file__).parents[2]
PAGES = 400
KILLS = 6
MANY_KILLS = 40
IN_FLIGHT = 24  # leased in one go, and on their way in the downloader
WATCH = """
sources:
  - name: s
    platform: web
    access: open
    base_url: {url}
    start: [/sitemap-index.xml, /list/0]
    article: ^/thread/
    follow: ^/list/
    private: true
    comments: {{item: .reply, author: b, text: p}}
    budget: {{delay_seconds: 0, pages_per_run: 5000}}
"""
STATE = {
    "posts": "SELECT p.platform, p.native_id, r.content_hash, p.kind FROM post p "
    "JOIN post_revision r ON r.id = p.current_revision_id",
    "revisions": "SELECT post_id, count(*) FROM post_revision GROUP BY post_id HAVING count(*) > 1",
    "accounts": "SELECT platform, native_id, name FROM account",
    "frontier": "SELECT request_key, state, kind, outcome FROM frontier",
    "runs": "SELECT DISTINCT source, state FROM crawl_run",  # a kill may come after the end of a run
}


def publish(site: Site, count: int) -> None:
    """Serve threads with comments: half of them named by two sitemaps, all of them by lists of twenty."""
    for number in range(count):
        replies = "".join(
            f"<div class=reply id=r{number}-{i}><b>读者{i}</b><p>第{i}条回复</p></div>" for i in range(number % 4)
        )
        body = f"<title>帖子{number}</title><h1>帖子{number}</h1><article><p>{TEXT}{number}</p></article>{replies}"
        site.put(f"/thread/{number}", f"<html><meta charset=utf-8>{body}</html>")
    for page in range(count // 20):
        links = "".join(f"<a href=/thread/{n}>帖子{n}</a>" for n in range(page * 20, page * 20 + 20))
        site.put(f"/list/{page}", f"<html><meta charset=utf-8>{links}<a href=/list/{page + 1}>下一页</a></html>")
    space = "xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'"
    for half in (0, 1):
        urls = "".join(f"<url><loc>{site.url}/thread/{n}</loc></url>" for n in range(half, count // 2, 2))
        site.put(f"/sitemap-{half}.xml", f"<urlset {space}>{urls}</urlset>")
    maps = "".join(f"<sitemap><loc>{site.url}/sitemap-{half}.xml</loc></sitemap>" for half in (0, 1))
    site.put("/sitemap-index.xml", f"<sitemapindex {space}>{maps}</sitemapindex>")


def workspace(folder: Path, site: Site) -> Store:
    """Return the store of a new workspace that the command opens too."""
    folder.mkdir()
    (folder / "qingyuan.toml").touch()
    (folder / "watch.yml").write_text(WATCH.format(url=site.url))
    return stores.open_store(stores.copy_sqlite(folder.parent / "template.db", folder / "qingyuan.db"), folder)


def end_state(store: Store) -> dict[str, list[Any]]:
    with store.read() as conn:
        return {name: sorted(map(tuple, conn.execute(sa.text(query)))) for name, query in STATE.items()}


@pytest.mark.parametrize("kills", [KILLS, pytest.param(MANY_KILLS, marks=pytest.mark.slow)])
def test_crawl_survives_kills(
    tmp_path: Path, site: Site, now: datetime, kills: int, record_testsuite_property: Any
) -> None:
    publish(site, PAGES)
    whole, killed = workspace(tmp_path / "whole", site), workspace(tmp_path / "killed", site)
    (source,) = load_watch(tmp_path / "whole" / "watch.yml")
    unkilled = run_crawl(whole, source, now=now)
    assert (unkilled["state"], unkilled["posts"]["new"]) == ("finished", PAGES)
    site.requests.clear()
    command = Command(
        argv=[sys.executable, "-m", "cli", "--data", tmp_path / "killed", "--json", "crawl", "s"],
        committed=reading(killed.engine, "SELECT count(*) FROM post"),
        spread_seconds=6 / kills,
        cwd=ROOT,
    )
    done = kill_until_done(command, kills=kills, seed=7)
    assert done.returncode == 0, done.stderr
    assert done.counted >= kills - kills // 3, done
    (run,) = json.loads(done.stdout)["runs"]
    assert run["state"] == "finished"
    assert end_state(killed) == end_state(whole)
    with killed.read() as conn:
        files = verify_all(conn, killed.evidence_root)
    assert files["files"] == files["verified"]
    hits = Counter(request.path for request in site.requests if request.path.startswith("/thread/"))
    assert len(hits) == PAGES
    record_testsuite_property("crawl_kills", done.counted)
    record_testsuite_property("crawl_pages_fetched_twice", sum(hits.values()) - PAGES)
    assert sum(hits.values()) <= PAGES + IN_FLIGHT * done.counted
