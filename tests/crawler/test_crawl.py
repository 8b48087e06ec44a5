"""Whole crawls: a child process, Scrapy, a local site."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import brotli
import pytest

from crawler.launch import make_spec, run_child, run_crawl
from crawler.scrapy_settings import MAX_BODY_BYTES
from crawler.watch import Access, parse_watch
from storage.evidence import verify_all
from storage.posts import count_posts, list_posts
from storage.runs import last_run
from tests.crawler.playing import article
from tests.support import stores
from tests.support.site import Page, Request, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.watch import SourceConfig
    from storage.engine import Store
    from storage.records import Json

ROOT = Path(__file__).parents[2]


def source(site: Site, text: str = "", *, start: str = "/sitemap.xml", platform: str = "web") -> SourceConfig:
    budget = "" if "budget" in text else ", budget: {delay_seconds: 0}"
    head = f"name: s, platform: {platform}, access: open, base_url: {site.url}, start: [{start}], private: true"
    return parse_watch(f"sources: [{{{head}{budget}{', ' if text else ''}{text}}}]")[0]


def publish(site: Site, count: int, *extra: str) -> None:
    """Serve articles and a sitemap that names them and some more paths."""
    for number in range(count):
        site.put(f"/thread/{number}", article(number).body)
    paths = [*(f"/thread/{number}" for number in range(count)), *extra]
    rows = "".join(f"<url><loc>{site.url}{path}</loc></url>" for path in paths)
    site.put("/sitemap.xml", f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>')


def crawl(store: Store, config: SourceConfig, now: datetime, tmp_path: Path) -> Json:
    return run_crawl(store, config, now=now, contact="ops@bank.example", log_file=tmp_path / "log")


def test_crawl_of_a_site_is_complete_honest_and_recorded(
    store: Store, site: Site, now: datetime, tmp_path: Path
) -> None:
    publish(site, 30, "/private/1", "/moved", "/far", "/loop", "/packed")
    site.put("/robots.txt", "User-agent: *\nDisallow: /private/\n", content_type="text/plain")
    site.put("/moved", "", status=302, headers={"Location": "/thread/0"})
    site.put("/far", "", status=302, headers={"Location": "http://192.0.2.1/x"})
    site.put("/loop", "", status=302, headers={"Location": "/loop"})
    site.put("/packed", gzip.compress(article(77).body.encode()), headers={"Content-Encoding": "gzip"})
    seen: list[tuple[int, int]] = []
    done = run_crawl(
        store,
        source(site),
        now=now,
        contact="ops@bank.example",
        progress=lambda pages, posts: seen.append((pages, posts)),
    )
    assert done["state"] == "finished"
    assert done["pages"] == {"ok": 32, "gone": 0, "blocked": 0, "format_changed": 0, "unknown": 2}
    assert done["posts"] == {"new": 31, "changed": 0, "seen": 1}
    assert (site.hits("/private/1"), site.hits("/robots.txt")) == (0, 1)
    assert all(request.headers["user-agent"].startswith("QingyuanBot/") for request in site.requests)
    assert all(request.headers["user-agent"].endswith("(+ops@bank.example)") for request in site.requests)
    assert not {"cookie", "referer", "authorization"} & {name for r in site.requests for name in r.headers}
    with store.read() as conn:
        run = last_run(conn, "s")
        files = verify_all(conn, store.evidence_root)
        assert count_posts(conn)["posts"] == 31
    assert files["files"] == files["verified"]
    assert run is not None
    assert run.public_id == done["run"]
    assert run.robots[site.host]["rule"] == "rules"
    assert run.robots[site.host]["start"] == {f"{site.url}/sitemap.xml": True}


def test_robots_that_cannot_be_had_or_forbids_the_start_stops_the_source(
    sqlite_store: Store, site: Site, now: datetime, tmp_path: Path
) -> None:
    publish(site, 2)
    site.put("/robots.txt", "busy", status=503)
    done = crawl(sqlite_store, source(site), now, tmp_path)
    assert (done["state"], done["problems"][0]["code"]) == ("blocked", "blocked")
    assert [request.path for request in site.requests] == ["/robots.txt"]
    site.put("/robots.txt", "User-agent: QingyuanBot\nDisallow: /\n", content_type="text/plain")
    again = crawl(sqlite_store, source(site), now, tmp_path)
    assert (again["state"], again["resumed"]) == ("blocked", True)
    assert site.hits("/sitemap.xml") == 0
    site.put("/robots.txt", "User-agent: OtherBot\nDisallow: /\n", content_type="text/plain")
    assert crawl(sqlite_store, source(site), now, tmp_path)["pages"]["ok"] == 2


def test_bombs_and_broken_answers_are_unknown_and_the_crawl_goes_on(
    sqlite_store: Store, site: Site, now: datetime, tmp_path: Path
) -> None:
    publish(site, 3, "/brotli", "/gzip", "/deflate", "/large", "/cut", "/slow", "/wide")
    bomb = bytes(64 << 20)
    packer = zlib.compressobj(wbits=-15)
    packed = {
        "br": ("/brotli", brotli.compress(bomb, quality=1)),
        "gzip": ("/gzip", gzip.compress(bomb)),
        "deflate": ("/deflate", packer.compress(bomb) + packer.flush()),
    }
    for encoding, (path, body) in packed.items():
        site.put(path, body, headers={"Content-Encoding": encoding})
    site.put("/large", bytes(MAX_BODY_BYTES + 1))
    site.put("/cut", article(1).body * 100, cut=True)
    site.put("/slow", article(9).body, delay_seconds=1)
    site.put("/wide", "<div>" * 200_000 + article(8).body)
    done = crawl(sqlite_store, source(site), now, tmp_path)
    assert done["state"] == "finished"
    assert done["posts"]["new"] >= 4
    assert done["pages"]["unknown"] >= 7  # four too large, three tries of the cut one
    with sqlite_store.read() as conn:
        assert verify_all(conn, sqlite_store.evidence_root)["bad"] == []
    for path in ("/brotli", "/gzip", "/deflate", "/large"):
        assert site.hits(path) == 1


def test_private_addresses_are_reached_by_the_sources_own_host_alone(
    sqlite_store: Store, site: Site, now: datetime, tmp_path: Path
) -> None:
    """In every spelling: redirects and sitemap entries to other ports and hosts of this machine find nobody."""
    reached = threading.Event()
    with _canary(reached) as port:
        spellings = ("127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]")
        targets = [f"http://{host}:{port}/" for host in spellings]
        for number, target in enumerate(targets):
            site.put(f"/jump/{number}", "", status=302, headers={"Location": target})
        publish(site, 1, *(f"/jump/{number}" for number in range(len(targets))))
        config = source(site)
        assert crawl(sqlite_store, config, now, tmp_path)["pages"]["ok"] == 1
        public = parse_watch(f"sources: [{{name: p, platform: web, access: open, start: ['{targets[0]}']}}]")[0]
        assert crawl(sqlite_store, public, now, tmp_path)["state"] in {"blocked", "failed"}
    assert not reached.is_set()


def test_feed_is_asked_for_only_if_it_changed(
    sqlite_store: Store, site: Site, now: datetime, tmp_path: Path
) -> None:
    item = "<item><title>上岸</title><link>/p/1</link></item>"
    body = f"<rss version='2.0'><channel><title>t</title>{item}</channel></rss>"

    def answer(request: Request) -> Page:
        if request.headers.get("if-none-match") == '"v1"':
            return Page(status=304)
        return Page(body=body, headers={"ETag": '"v1"', "Last-Modified": "Tue, 03 Nov 2026 10:00:00 GMT"})

    site.pages["/rss.xml"] = answer
    config = source(site, start="/rss.xml", platform="feed")
    assert crawl(sqlite_store, config, now, tmp_path)["posts"] == {"new": 1, "changed": 0, "seen": 0}
    again = crawl(sqlite_store, config, now + timedelta(days=1), tmp_path)
    assert (again["state"], again["posts"]["new"]) == ("finished", 0)
    assert site.requests[-1].headers["if-modified-since"] == "Tue, 03 Nov 2026 10:00:00 GMT"
    with sqlite_store.read() as conn:
        (line,) = list_posts(conn)
    assert line["native_id"] == f"{site.url}/p/1"


def test_delay_holds_between_all_requests_of_a_source(
    sqlite_store: Store, site: Site, now: datetime, tmp_path: Path
) -> None:
    times: list[float] = []

    def answer(_: Request) -> Page:
        times.append(time.monotonic())
        return Page(body=article(1).body)

    publish(site, 0, "/thread/1", "/thread/2", "/thread/3")
    for number in (1, 2, 3):
        site.pages[f"/thread/{number}"] = answer
    config = source(site, "budget: {delay_seconds: 0.4}")
    assert crawl(sqlite_store, config, now, tmp_path)["pages"]["ok"] == 3
    # On a busy machine one request arrives late, which brings the next one nearer: the pace shows in the middle.
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert statistics.mean(gaps) >= 0.25
    assert max(gaps) >= 0.39


def test_source_that_may_not_be_read_is_refused_without_a_request(
    sqlite_store: Store, site: Site, now: datetime, tmp_path: Path
) -> None:
    operator = source(site).model_copy(update={"access": Access.OPERATOR})
    done = crawl(sqlite_store, operator, now, tmp_path)
    assert (done["state"], done["run"]) == ("blocked", None)
    assert "basis.document is missing" in done["problems"][0]["message"]
    imported = parse_watch("sources: [{name: i, platform: x, access: import}]")[0]
    assert crawl(sqlite_store, imported, now, tmp_path)["state"] == "blocked"
    assert site.requests == []


def test_interrupt_stops_cleanly_and_loses_nothing(
    sqlite_store: Store, site: Site, now: datetime, tmp_path: Path
) -> None:
    publish(site, 60)
    spec = make_spec(sqlite_store, source(site, "budget: {delay_seconds: 0.05}"), now=now)
    child = _start_child(spec.model_dump_json())
    _wait_for(lambda: site.hits("/thread/5") > 0)
    child.send_signal(signal.SIGINT)
    answer = _read_to_the_end(child)
    assert child.returncode == 130
    assert b'"state": "budget"' in answer
    with sqlite_store.read() as conn:
        stored = count_posts(conn)["posts"]
    assert 5 <= stored < 60
    rest = run_child(make_spec(sqlite_store, source(site), now=now), log_file=tmp_path / "log")
    assert (rest["resumed"], rest["state"], rest["pages"]["ok"]) == (True, "finished", 60 - stored)


def test_interrupted_command_ends_with_130_and_goes_on_later(site: Site, tmp_path: Path) -> None:
    publish(site, 60)
    folder = tmp_path / "w"
    folder.mkdir()
    (folder / "qingyuan.toml").touch()
    watch = f"name: s, platform: web, access: open, base_url: {site.url}, start: [/sitemap.xml], private: true"
    (folder / "watch.yml").write_text(f"sources: [{{{watch}, budget: {{delay_seconds: 0.05}}}}]")
    store = stores.open_store(stores.copy_sqlite(tmp_path / "template.db", folder / "qingyuan.db"), folder)
    argv = [sys.executable, "-m", "cli", "--data", str(folder), "--json", "crawl", "s"]
    with (tmp_path / "out").open("wb") as out:
        command = subprocess.Popen(argv, stdout=out, stderr=out, start_new_session=True, cwd=ROOT)
        _wait_for(lambda: site.hits("/thread/3") > 0)
        os.killpg(command.pid, signal.SIGINT)
        assert command.wait(timeout=60) == 130
    with store.read() as conn:
        stored = count_posts(conn)["posts"]
    assert 3 <= stored < 60
    rest = run_child(make_spec(store, source(site), now=datetime.now(UTC)), log_file=tmp_path / "log")
    assert (rest["resumed"], rest["state"], rest["pages"]["ok"]) == (True, "finished", 60 - stored)
    store.close()


def test_child_ends_when_its_parent_is_gone(sqlite_store: Store, site: Site, now: datetime) -> None:
    publish(site, 60)
    spec = make_spec(sqlite_store, source(site, "budget: {delay_seconds: 0.5}"), now=now)
    child = _start_child(spec.model_dump_json())
    _wait_for(lambda: site.hits("/thread/1") > 0)
    assert child.stdin is not None
    child.stdin.close()
    assert b"result" not in _read_to_the_end(child)


@pytest.mark.usefixtures("site")
def test_child_that_dies_is_a_failed_run(sqlite_store: Store, site: Site, now: datetime, tmp_path: Path) -> None:
    publish(site, 1)
    spec = make_spec(sqlite_store, source(site), now=now)
    broken = spec.model_copy(update={"database_url": f"sqlite:///{tmp_path}/missing/q.db"})
    done = run_child(broken, log_file=tmp_path / "log")
    assert (done["state"], done["problems"][0]["code"]) == ("failed", "failed")


def test_disk_that_fails_stops_the_run_and_the_next_one_goes_on(
    sqlite_store: Store, site: Site, now: datetime, tmp_path: Path
) -> None:
    publish(site, 3)
    folder = sqlite_store.evidence_root
    folder.rename(tmp_path / "away")
    folder.write_text("no folder")
    done = crawl(sqlite_store, source(site), now, tmp_path)
    assert (done["state"], done["problems"][0]["code"]) == ("failed", "failed")
    folder.unlink()
    (tmp_path / "away").rename(folder)
    assert crawl(sqlite_store, source(site), now, tmp_path)["posts"]["new"] == 3


def _start_child(spec: str) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "crawler.run"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])},
    )
    assert child.stdin is not None
    child.stdin.write(spec.encode() + b"\n")
    child.stdin.flush()
    return child


def _read_to_the_end(child: subprocess.Popen[bytes]) -> bytes:
    """Read what a child still says; its standard input stays open, as its parent would keep it."""
    assert child.stdout is not None
    assert child.stderr is not None
    assert child.stdin is not None
    with child.stdout, child.stderr:
        said = child.stdout.read()
        child.wait(timeout=30)
    child.stdin.close()
    return said


def _wait_for(condition: object, seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]  # a function without arguments
        assert time.monotonic() < ends
        time.sleep(0.02)


@contextlib.contextmanager
def _canary(reached: threading.Event) -> Iterator[int]:
    """Listen on all loopback addresses of a port; whoever connects is noticed."""
    with socket.create_server(("127.0.0.1", 0)) as four:
        port = four.getsockname()[1]
        four.settimeout(0.1)
        ended = threading.Event()

        def watch() -> None:
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    four.accept()[0].close()
                    reached.set()

        thread = threading.Thread(target=watch)
        thread.start()
        yield port
        ended.set()
        thread.join()
