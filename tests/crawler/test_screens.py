"""Screenshots of clues' pages in real Chromium, which reaches the source's own host and nothing else."""

from __future__ import annotations

import io
import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from PIL import Image

from crawler.browser import has_sandbox, resolver_rules
from crawler.comments import comment_hash
from crawler.screens import MAX_HEIGHT, capture_clues
from crawler.watch import parse_watch
from storage.errors import AccessError, SettingsError
from storage.evidence import add_capture, get_capture, put_bytes, read_bytes, verify_all
from storage.records import CaptureFacts
from storage.screenshots import masked_crop, shot_headers
from storage.tables import crawl_run
from tests.support.clues import add_clue, stored_clue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from crawler.watch import SourceConfig
    from storage.engine import Store
    from storage.records import Json
    from tests.support.site import Site

RED, BLUE = (255, 0, 0), (0, 0, 255)
STYLE = "<style>.reply{background:#f00;padding:9px} article{background:#00f} body{margin:0}</style>"


def page(*replies: str, extra: str = "") -> str:
    below = "".join(f"<div class=reply {reply}<b>读者</b><p>第{n}条</p></div>" for n, reply in enumerate(replies))
    return f"<html><meta charset=utf-8>{STYLE}<article><h1>帖子</h1><p>停息挂账</p>{below}</article>{extra}</html>"


def source(site: Site, text: str = "") -> SourceConfig:
    comments = "comments: {item: .reply, author: b, text: p}, private: true, budget: {delay_seconds: 0}"
    head = f"name: test, platform: web, access: open, base_url: {site.url}, {comments}"
    return parse_watch(f"sources: [{{{head}{', ' if text else ''}{text}}}]")[0]


def clue_on(store: Store, now: datetime, url: str, *, kind: str = "post") -> int:
    with store.write(now) as unit:
        return add_clue(unit, url, platform="web", target_native_id=url, url=url, target_kind=kind)


def capture(store: Store, config: SourceConfig, now: datetime, chromium: Path) -> Json:
    return capture_clues(store, [config], now=now, chromium=str(chromium))


def picture(store: Store, sha256: str) -> Image.Image:
    return Image.open(io.BytesIO(read_bytes(store.evidence_root, sha256))).convert("RGB")


def colours(image: Image.Image) -> set[tuple[int, ...]]:
    return {colour for _, colour in image.getcolors(image.width * image.height) or []} & {RED, BLUE}


def shots(store: Store, clue_id: int) -> tuple[Json, Image.Image, Image.Image | None]:
    """Return a clue's page capture with both pictures."""
    row = stored_clue(store, clue_id)
    with store.read() as conn:
        found = get_capture(conn, row["screenshot_capture_id"])
    assert found is not None
    assert found["sha256"] == row["screenshot_sha256"]
    crop = found["headers"].get("element")
    return found, picture(store, found["sha256"]), picture(store, crop) if crop else None


@pytest.mark.browser
def test_page_and_target_are_shown_apart(
    sqlite_store: Store, site: Site, now: datetime, chromium_path: Path
) -> None:
    site.put("/1", page("id=r1>", ">"))
    hashed = f"{site.url}/1#{comment_hash('读者', '第1条')}"
    post, reply = (
        clue_on(sqlite_store, now, f"{site.url}/1"),
        clue_on(sqlite_store, now, f"{site.url}/1#r1", kind="comment"),
    )
    other = clue_on(sqlite_store, now, hashed, kind="comment")
    done = capture(sqlite_store, source(site), now, chromium_path)
    assert (done["captured"], done["failed"], done["problems"]) == (3, 0, [])
    assert site.hits("/1") == 1
    taken, whole, crop = shots(sqlite_store, post)
    assert (taken["kind"], taken["method"], taken["status"]) == ("screenshot", "browser", 200)
    assert colours(whole) == {RED, BLUE}
    assert crop is not None
    assert colours(crop) == {BLUE}
    _, _, said = shots(sqlite_store, reply)
    assert said is not None
    assert colours(said) == {RED}
    same_page, _, said_too = shots(sqlite_store, other)
    assert same_page["sha256"] == taken["sha256"]
    assert said_too is not None
    assert colours(said_too) == {RED}
    with sqlite_store.read() as conn:
        files = verify_all(conn, sqlite_store.evidence_root)
    assert files["files"] == files["verified"] >= 3
    assert stored_clue(sqlite_store, post)["version"] == 1
    assert capture(sqlite_store, source(site), now, chromium_path)["captured"] == 0


@pytest.mark.browser
def test_pages_that_cannot_be_shown_fail_and_wait(
    sqlite_store: Store, site: Site, now: datetime, chromium_path: Path
) -> None:
    site.put("/ok", page(extra=f"<div style='height:{2 * MAX_HEIGHT}px'>"))
    site.put("/moved", "", status=302, headers={"Location": "http://127.0.0.1:1/"})
    missing, moved = clue_on(sqlite_store, now, f"{site.url}/no"), clue_on(sqlite_store, now, f"{site.url}/moved")
    tall = clue_on(sqlite_store, now, f"{site.url}/ok")
    foreign = clue_on(sqlite_store, now, "http://192.0.2.1/x")
    done = capture(sqlite_store, source(site), now, chromium_path)
    assert (done["captured"], done["failed"]) == (1, 3)
    assert shots(sqlite_store, tall)[1].height == MAX_HEIGHT
    for clue_id in (missing, moved, foreign):
        assert stored_clue(sqlite_store, clue_id)["screenshot_sha256"] is None
    again = capture(sqlite_store, source(site), now + timedelta(hours=1), chromium_path)
    assert (again["captured"], again["failed"]) == (0, 0)
    site.put("/no", page())
    later = capture(sqlite_store, source(site), now + timedelta(days=1), chromium_path)
    assert (later["captured"], later["failed"]) == (1, 2)


@pytest.mark.browser
def test_browser_reaches_nothing_but_the_page_s_host_and_port(
    sqlite_store: Store, site: Site, now: datetime, chromium_path: Path
) -> None:
    with _canary() as (port, reached):
        evil = "".join(
            f"<img src='http://{host}:{port}/i'><iframe src='http://{host}:{port}/f'></iframe>"
            f"<script>fetch('http://{host}:{port}/x').catch(() => 0); new WebSocket('ws://{host}:{port}/w')</script>"
            for host in ("127.0.0.1", "localhost", "2130706433", "[::1]", "intranet")
        )
        site.put("/jump", "", status=302, headers={"Location": f"http://127.0.0.1:{port}/"})
        script = "<script>fetch('/jump').catch(() => 0); navigator.serviceWorker?.register('/sw.js')</script>"
        site.put("/1", page(extra=f"{evil}<img src=/jump>{script}"))
        clue_on(sqlite_store, now, f"{site.url}/1")
        assert capture(sqlite_store, source(site), now, chromium_path)["captured"] == 1
        assert not reached.is_set()
    assert site.hits("/jump") > 0


@pytest.mark.browser
def test_challenge_stops_the_source(sqlite_store: Store, site: Site, now: datetime, chromium_path: Path) -> None:
    site.put("/1", "<meta charset=utf-8><title>安全验证</title>")
    site.put("/2", page())
    for number in (1, 2):
        clue_on(sqlite_store, now, f"{site.url}/{number}")
    done = capture(sqlite_store, source(site), now, chromium_path)
    assert (done["captured"], done["failed"], done["problems"][0]["code"]) == (0, 2, "blocked")
    assert site.hits("/2") == 0


def test_pictures_taken_while_a_note_was_open_are_linked_and_nothing_is_visited(
    sqlite_store: Store, now: datetime
) -> None:
    url = "https://notes.example/explore/1"
    post, comment = clue_on(sqlite_store, now, url), clue_on(sqlite_store, now, f"{url}#c1", kind="comment")
    unseen = clue_on(sqlite_store, now, "https://notes.example/explore/2")
    page_sha, crop = (put_bytes(sqlite_store.evidence_root, data) for data in (b"page", b"crop"))
    with sqlite_store.write(now) as unit:
        values = {"source": "test", "platform": "web", "access": "operator", "state": "finished", "started_at": now}
        values |= {"software": "x", "pages": {}, "posts": {}, "problems": []}
        run_id = unit.conn.execute(sa.insert(crawl_run).values(values)).inserted_primary_key[0]
        facts = CaptureFacts(
            url=url, at=now, method="browser", sha256=page_sha, size=4, kind="screenshot", run_id=run_id
        )
        add_capture(unit, replace(facts, headers=shot_headers(crop)))
    basis = "basis: {document: d, reference: r, granted_by: g, valid_until: 2027-01-01}"
    watched = parse_watch(
        f"sources: [{{name: test, platform: web, access: operator, base_url: 'https://notes.example', {basis}}}]"
    )
    done = capture_clues(sqlite_store, watched, now=now)
    assert done == {"captured": 2, "failed": 0, "problems": []}
    taken = {}
    for clue_id in (post, comment):
        with sqlite_store.read() as conn:
            found = get_capture(conn, stored_clue(sqlite_store, clue_id)["screenshot_capture_id"])
        assert found is not None
        assert found["sha256"] == page_sha
        taken[clue_id] = masked_crop(found["headers"])
    assert taken[post] == (crop, None)
    assert taken[comment] == (None, "the picture was taken of the whole note")
    assert stored_clue(sqlite_store, unseen)["screenshot_sha256"] is None
    assert capture_clues(sqlite_store, watched, now=now)["captured"] == 0


def test_imported_and_unwatched_clues_are_skipped(sqlite_store: Store, now: datetime) -> None:
    clue_on(sqlite_store, now, "https://a.example/1")
    imported = parse_watch("sources: [{name: test, platform: web, access: import}]")
    assert capture_clues(sqlite_store, imported, now=now) == {"captured": 0, "failed": 0, "problems": []}
    assert capture_clues(sqlite_store, [], now=now)["failed"] == 0


def test_browser_without_sandbox_is_for_private_sources_only(site: Site) -> None:
    private = source(site)
    public = parse_watch("sources: [{name: p, platform: web, access: open, base_url: https://a.example}]")[0]
    assert not has_sandbox(private, no_sandbox=False, uid=0)
    assert has_sandbox(private, no_sandbox=False, uid=1000)
    assert not has_sandbox(private, no_sandbox=True, uid=1000)
    assert has_sandbox(public, no_sandbox=False, uid=1000)
    for uid, no_sandbox in ((0, False), (0, True), (1000, True)):
        with pytest.raises(SettingsError, match="no_sandbox") as caught:
            has_sandbox(public, no_sandbox=no_sandbox, uid=uid)
        assert caught.value.field == "browser.no_sandbox"


def test_resolver_knows_the_page_s_host_alone(site: Site) -> None:
    rules = resolver_rules(source(site), f"{site.url}/1")
    assert rules == f"MAP 127.0.0.1 {site.host}, MAP * ~NOTFOUND"
    with pytest.raises(AccessError, match="not one of its hosts"):
        resolver_rules(source(site), "http://127.0.0.1:1/")
    public = parse_watch(f"sources: [{{name: p, platform: web, access: open, base_url: '{site.url}'}}]")[0]
    with pytest.raises(AccessError, match="no address that may be reached"):
        resolver_rules(public, f"{site.url}/1")


@contextmanager
def _canary() -> Iterator[tuple[int, threading.Event]]:
    reached, ended = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        def watch() -> None:
            while not ended.is_set():
                with suppress(TimeoutError):
                    server.accept()[0].close()
                    reached.set()

        thread = threading.Thread(target=watch)
        thread.start()
        yield server.getsockname()[1], reached
        ended.set()
        thread.join()
