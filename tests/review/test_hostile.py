"""What strangers write stays text: in every field, on every page, in real Chromium.

A page that prints the same strings as they are must run many of them: it proves that running would be noticed.
"""

# ruff: noqa: RUF001 - look-alike characters are among the strings

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from storage.clusters import add_cluster
from storage.logs import LogTarget, use_log
from storage.records import AccountFacts, CommentFacts, PostFacts
from storage.runs import end_run, start_run
from storage.tables import capture, clue, post, post_revision
from tests.support import desk as support
from tests.support.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Request

    from tests.support.desk import OpenDesk

CANARY = "http://127.0.0.1:9/canary"  # replaced by the address of a listening site
PAYLOADS = (
    "<script>X()</script>",
    "<ScRiPt>X()</sCrIpT>",
    "</title><script>X()</script>",
    "</textarea><script>X()</script>",
    "--></style></script><script>X()</script>",
    "<img src=x onerror=X()>",
    '"><img src=x onerror="X()">',
    "'><img src=x onerror='X()'>",
    f'<img src="{CANARY}.png">',
    f'<link rel=stylesheet href="{CANARY}.css">',
    f'<style>@import "{CANARY}.css";</style>',
    f'<div style="background:url({CANARY}.gif)">x</div>',
    f'<iframe src="{CANARY}.html"></iframe>',
    '<iframe srcdoc="<script>parent.X()</script>"></iframe>',
    '<iframe src="javascript:parent.X()"></iframe>',
    "<svg onload=X()>",
    "<svg><script>X()</script></svg>",
    "<svg><animate onbegin=X() attributeName=x dur=1s>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=X()>",
    "<body onload=X()>",
    "<details open ontoggle=X()>x</details>",
    "<input autofocus onfocus=X()>",
    "<video><source onerror=X()></video>",
    "<audio src=x onerror=X()>",
    '<object data="javascript:X()"></object>',
    '<embed src="javascript:X()">',
    f'<meta http-equiv=refresh content="0;url={CANARY}">',
    f'<base href="{CANARY}/">',
    f'<form action="{CANARY}"><button>x</button></form>',
    '<a href="javascript:X()">x</a>',
    '<a href="java&#9;script:X()">x</a>',
    '" onmouseover="X()" x="',
    "' onfocus='X()' autofocus x='",
    " onload=X() ",
    "{{7*7}}{{X()}}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{x}}{% endfor %}",
    "${X()}#{X()}<%= X() %>",
    "&lt;script&gt;X()&lt;/script&gt;",
    "\\u003cscript\\u003eX()\\u003c/script\\u003e",
    "<scr\x00ipt>X()</scr\x00ipt>",
    "<img src=x\u2028onerror=X()>",
    "\u202e<script>X()</script>",
    "＜script＞X()＜/script＞",
    "+ADw-script+AD4-X()+ADw-/script+AD4-",
    "<![CDATA[<script>X()</script>]]>",
    "<template><script>X()</script></template><script>X()</script>",
    "javascript:X()",
    "data:text/html,<script>X()</script>",
)
PITCH = "专业代办停息挂账，协商个性化分期60期，加微信 zhaiwu88888 咨询，不成功不收费"


@dataclass(slots=True)
class Watch:
    """What a page did that it should not."""

    ran: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def clean(self) -> bool:
        return not (self.ran or self.dialogs or self.elsewhere or self.violations)


@contextmanager
def watched(browser: Browser, own: str) -> Iterator[tuple[Page, Watch]]:
    """Open a page on which running a payload, a dialog, a foreign request and a broken policy are noticed."""
    seen = Watch()

    def asked(request: Request) -> None:
        if not request.url.startswith((own, "data:")):
            seen.elsewhere.append(request.url)

    with browser.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900}) as context:
        context.expose_binding("X", lambda source, *_: seen.ran.append(source["frame"].url))
        context.on("request", asked)
        page = context.new_page()
        page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda line: seen.violations.append(line.text) if "Policy" in line.text else None)
        yield page, seen


def hostile_post(number: int, payload: Callable[[int], str]) -> PostFacts:
    """Return a post that carries a payload in every field that a stranger fills."""
    comments = (
        CommentFacts(
            native_id=f"h{number}a",
            author=AccountFacts(native_id=f"hc{number}", name=payload(6), bio=payload(7)),
            text=payload(8),
        ),
        CommentFacts(
            native_id=f"h{number}b",
            author=AccountFacts(native_id=f"hd{number}", name=payload(9)),
            text=PITCH + payload(10),
        ),
    )
    return PostFacts(
        platform="forum",
        native_id=f"h{number}",
        kind="post",
        url=f"https://forum.test/{payload(0)}",
        title=payload(1),
        text=PITCH + payload(2),
        author=AccountFacts(
            native_id=f"hu{number}",
            name=payload(3),
            bio=payload(4),
            handle=payload(5),
            verified=True,
            verified_as=payload(11),
        ),
        parent=payload(12),
        comments=comments,
        ip_region=payload(13),
    )


@pytest.fixture
def canary() -> Iterator[Site]:
    """Return a listening site that nobody should ask for anything."""
    with Site() as site:
        yield site


@pytest.fixture
def hostile(desk: OpenDesk, now: datetime, canary: Site) -> list[int]:
    """Fill the desk: over all posts each payload stands once in each field; return the clues' ids."""
    strings = [text.replace(CANARY, f"{canary.url}/canary") for text in PAYLOADS]
    count = len(strings)
    posts = [hostile_post(n, lambda f, n=n: strings[(n + f) % count]) for n in range(count)]
    ids = support.add_clues(desk.store, now, posts)
    with desk.store.write(now) as unit:
        for number, (native_id, clue_id) in enumerate(ids.items()):
            values = {
                "url": strings[number % count] if number % 2 else f"https://forum.test/{strings[number % count]}"
            }
            unit.conn.execute(sa.update(clue).where(clue.c.id == clue_id).values(values))
            said = unit.conn.execute(
                sa.insert(capture).values(
                    kind=strings[number % count],
                    url=strings[(number + 14) % count],
                    at=now,
                    method=strings[(number + 15) % count],
                    headers={},
                    size=0,
                    software="x",
                    why_none=strings[number % count],
                )
            ).inserted_primary_key[0]
            of_post = sa.select(post.c.id).where(post.c.native_id == native_id).scalar_subquery()
            unit.conn.execute(
                sa.update(post_revision).where(post_revision.c.post_id == of_post).values(capture_id=said)
            )
        add_cluster(unit, sorted(ids.values()), ["text"])
        for text in strings:
            run = start_run(unit, source=text, platform="web", access="open")
            end_run(unit, run.id, "failed", reason=text)
    return sorted(ids.values())


def test_the_same_strings_run_where_nobody_escapes_them(browser: Browser, canary: Site) -> None:
    ran = 0
    for number, text in enumerate(PAYLOADS):
        body = text.replace(CANARY, f"{canary.url}/canary")
        canary.put(f"/raw{number}", f'<!doctype html><title>x</title><p title="{body}">{body}</p>')
    with watched(browser, canary.url) as (page, seen):
        for number in range(len(PAYLOADS)):
            before = len(seen.ran) + canary_hits(canary)
            page.goto(f"{canary.url}/raw{number}")
            for link in page.locator("a").all():
                link.click(no_wait_after=True, timeout=1000)
            page.wait_for_timeout(60)
            ran += len(seen.ran) + canary_hits(canary) > before
    assert ran >= 0.4 * len(PAYLOADS), f"only {ran} of {len(PAYLOADS)} were noticed"


def canary_hits(site: Site) -> int:
    return sum("canary" in request.path for request in list(site.requests))


def sign_in(page: Page, desk: OpenDesk, name: str) -> None:
    page.goto(f"{desk.url}/sign-in")
    page.fill("#name", name)
    page.fill("#password", support.PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)


def by_kind(desk: OpenDesk, numbers: list[int]) -> tuple[list[int], list[int]]:
    """Return the clues that point to posts, and the others."""
    with desk.store.read() as conn:
        found = conn.execute(sa.select(clue.c.id, clue.c.target_kind).where(clue.c.id.in_(numbers))).all()
    return [n for n, kind in found if kind == "post"], [n for n, kind in found if kind != "post"]


def test_on_every_clue_page_they_stay_text(
    browser: Browser, desk: OpenDesk, hostile: list[int], canary: Site
) -> None:
    posts, others = by_kind(desk, hostile)
    assert len(posts) == len(PAYLOADS)
    assert len(others) >= len(PAYLOADS), "comments are clues too"
    with watched(browser, desk.url) as (page, seen):
        sign_in(page, desk, "ana")
        for number in [*posts, *others[:12]]:
            page.goto(f"{desk.url}/clues/c{number}")
            page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
            assert page.locator("h1").inner_text() == f"c{number}", "the page is whole"
        assert seen.clean(), seen
    assert canary_hits(canary) == 0


def test_on_every_other_page_they_stay_text(
    browser: Browser, desk: OpenDesk, hostile: list[int], canary: Site
) -> None:
    ana = desk.client("ana")
    for number, text in zip(hostile, PAYLOADS, strict=False):
        ana.submit(f"/clues/c{number}/decide", conclusion="rejected", version=1, reason=text)
        ana.submit(f"/clues/c{number}/unmask", reason=text)
    with watched(browser, desk.url) as (page, seen):
        sign_in(page, desk, "com")
        paths = ["/queue?state=every", "/queue", "/clusters", "/clusters/g1", "/runs", "/queue?state=rejected"]
        pairs = zip(PAYLOADS[::2], PAYLOADS[1::2], strict=True)
        paths += [f"/queue?search={quote(one[:50] + other)}" for one, other in pairs]
        paths += [f"/clues/c{number}/leave" for number in hostile[1 : 2 * len(PAYLOADS) : 2]]
        paths += [f"/clues/c{number}?state=every" for number in hostile[: len(PAYLOADS) : 5]]
        for path in paths:
            page.goto(f"{desk.url}{path}")
            targets = page.eval_on_selector_all("a[href]", "all => all.map(e => e.getAttribute('href'))")
            assert targets, path
            assert [one for one in targets if not re.match(r"(/[^/\\]|/$|https?://|#)", one)] == []
        sign_in_again(page, desk, "aud")
        for path in ("/audit", "/audit?before=150", "/audit?before=80", f"/clues/c{hostile[0]}"):
            page.goto(f"{desk.url}{path}")
        assert seen.clean(), seen
    assert canary_hits(canary) == 0


def sign_in_again(page: Page, desk: OpenDesk, name: str) -> None:
    page.context.clear_cookies()
    sign_in(page, desk, name)


def test_on_the_conflict_page_and_unmasked_they_stay_text(
    browser: Browser, desk: OpenDesk, hostile: list[int], canary: Site
) -> None:
    ben = desk.client("ben")
    with watched(browser, desk.url) as (page, seen):
        sign_in(page, desk, "ana")
        for number, text in zip(hostile[::8], PAYLOADS[::4], strict=False):
            page.goto(f"{desk.url}/clues/c{number}")
            page.fill("#unmask-reason", text.replace("\x00", "") or "x")
            with page.expect_navigation():
                page.press("#unmask-reason", "Enter")
            ben.submit(f"/clues/c{number}/decide", conclusion="rejected", version=1, reason=text)
            with page.expect_navigation():
                page.keyboard.press("a")
            assert "ben" in page.inner_text("main")
        assert seen.clean(), seen
    assert canary_hits(canary) == 0


def test_every_answer_carries_the_policy(desk: OpenDesk, clues: dict[str, int]) -> None:
    client, key = desk.client("ana"), f"c{clues['p1']}"
    answers = [
        desk.client().get("/sign-in"),
        desk.client().get("/queue"),
        client.get("/queue"),
        client.get(f"/clues/{key}"),
        client.get(f"/clues/{key}/leave"),
        client.get("/nowhere"),
        client.get("/people"),
        client.get("/static/desk.js"),
        client.get("/static/../app.py"),
        client.post("/review"),
        client.submit(f"/clues/{key}/decide", conclusion="rejected", version=9),
        client.submit(f"/clues/{key}/decide", conclusion="rejected", version=1),
        client.post("/sign-in", {"x": "y" * 70_000}),
    ]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';")
        for part in ("form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"):
            assert part in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers
        assert not re.search(r"<script(?! src=\"/static/)|\sstyle=|\son[a-z]+=", answer.text if answer.body else "")
    assert answers[-1].status == 413


def wait_for_line(log: Path, words: str, *, seconds: float = 10) -> None:
    """Wait until a log holds some words, at the longest a while: the test then fails by what it lacks."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not (log.exists() and words in log.read_text("ascii")):
        time.sleep(0.02)


def test_an_error_inside_tells_nothing_outside(desk: OpenDesk, clues: dict[str, int], tmp_path: Path) -> None:
    client = desk.client("ana")
    with desk.store.write(desk.clock()) as unit:
        unit.conn.execute(sa.text("UPDATE verdict SET findings = '{\"secret\": 1}'"))
    log = tmp_path / "desk.log"
    before = use_log(LogTarget(path=log))
    answer = client.get(f"/clues/c{clues['p1']}")
    wait_for_line(log, '"event": "request"')  # written when the answer has left
    use_log(before)
    assert answer.status == 500
    assert answer.headers["content-security-policy"]
    for word in ("Traceback", "secret", "Error", "review/"):
        assert word not in answer.text.replace("Internal error", "")
    every = [json.loads(line) for line in log.read_text("ascii").splitlines()]
    assert [(line["status"], line["user"]) for line in every if line["event"] == "request"] == [(500, "ana")]
    logged = [line for line in every if line["event"] != "request"]
    assert [(line["event"], line["level"]) for line in logged] == [("request failed", "error")]
    assert "secret" not in str(logged)
    assert "clue_page.py" in str(logged[0]["error"]["where"])
    assert logged[0]["route"] == "/clues/{key}"
