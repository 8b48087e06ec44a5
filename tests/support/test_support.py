"""The ground that the tests stand on."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.request import urlopen

import psycopg
import pytest
from sqlalchemy import create_engine, text

from tests.support.browser import is_outside
from tests.support.site import Page, Site

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from playwright.sync_api import Page as BrowserPage

    from tests.support.postgres import Server

OUTSIDE = "192.0.2.1"  # TEST-NET-1 of RFC 5737, belongs to nobody


def test_a_connection_beyond_the_loopback_raises() -> None:
    with socket.socket() as plain, pytest.raises(RuntimeError, match="beyond the loopback"):
        plain.connect((OUTSIDE, 80))


def test_a_datagram_beyond_the_loopback_raises() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as plain, pytest.raises(RuntimeError, match="beyond the loopback"):
        plain.sendto(b"x", (OUTSIDE, 53))


def test_a_name_look_up_raises() -> None:
    with pytest.raises(RuntimeError, match="beyond the loopback"):
        socket.getaddrinfo("example.org", 80)


@pytest.mark.parametrize("options", [[], ["-P"]])
def test_python_children_are_guarded_too(options: list[str]) -> None:
    code = f"import socket; socket.create_connection(('{OUTSIDE}', 80))"
    done = subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, check=False)
    assert "NetworkBlockedError" in done.stderr


def test_site_answers_and_remembers(site: Site) -> None:
    site.put("/a", "帖子", headers={"ETag": '"1"'})
    with urlopen(f"{site.url}/a?page=2") as answer:  # noqa: S310 - our own site
        assert answer.read().decode() == "帖子"
        assert answer.headers["ETag"] == '"1"'
    assert [(r.path, r.query) for r in site.requests] == [("/a", "page=2")]
    assert site.hits("/a") == 1


def test_site_says_404_for_the_rest(site: Site) -> None:
    connection = HTTPConnection(site.host)
    connection.request("GET", "/robots.txt")
    robots = connection.getresponse()
    robots.read()
    connection.request("GET", "/missing")
    assert (robots.status, connection.getresponse().status) == (404, 404)
    connection.close()


def test_site_closes_at_once_with_open_and_slow_connections() -> None:
    with Site({"/slow": Page(body="x", delay_seconds=60)}) as running:
        idle, slow = HTTPConnection(running.host), HTTPConnection(running.host)
        idle.connect()
        slow.request("GET", "/slow")
        while not running.hits("/slow"):
            time.sleep(0.01)
        begun = time.monotonic()
    assert time.monotonic() - begun < 5
    idle.close()
    slow.close()


def test_postgres_databases_are_fresh_and_speak_chinese(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        assert connection.execute(text("select count(*) from pg_stat_user_tables")).scalar_one() == 0
        connection.execute(text("create table post (body text)"))
        connection.execute(text("insert into post values ('逾期上岸')"))
        assert connection.execute(text("select count(*) from post where body like '%上岸%'")).scalar_one() == 1
        assert connection.execute(text("show server_encoding")).scalar_one() == "UTF8"
    engine.dispose()


def test_a_template_is_prepared_once_and_copied(postgres_server: Server) -> None:
    prepared: list[str] = []

    def prepare(url: str) -> None:
        prepared.append(url)
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("create table copied (id int)"))
        engine.dispose()

    for name in ("copy_one", "copy_two"):
        postgres_server.create(name, template=postgres_server.template("support", prepare))
        with psycopg.connect(f"host={postgres_server.root} user=postgres dbname={name}") as connection:
            connection.execute("select id from copied")
        postgres_server.drop(name)
    assert len(prepared) == 1


def test_any_url_is_an_empty_database(any_url: str) -> None:
    engine = create_engine(any_url)
    with engine.begin() as connection:
        connection.execute(text("create table t (id int)"))
    engine.dispose()


def test_the_clock_stands_still(frozen_now: datetime) -> None:
    assert time.time() == frozen_now.timestamp()


def test_browser_reads_the_local_site(page: BrowserPage, site: Site) -> None:
    site.put("/", "<title>清源</title><p>你好")
    page.goto(f"{site.url}/")
    assert page.title() == "清源"
    assert page.evaluate("[navigator.language, new Date(0).getHours()]") == ["zh-CN", 8]


def test_requests_of_a_page_are_told_apart(tmp_path: Path) -> None:
    assert is_outside("https://example.org/x.js")
    assert not is_outside("http://127.0.0.1:8000/x.js")
    assert not is_outside("data:text/plain,x")
    assert not is_outside(tmp_path.as_uri())
