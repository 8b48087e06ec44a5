"""A desk for tests: people of every role, screened posts, a server thread, and a plain client without a browser."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import unescape
from http.client import HTTPConnection
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

import sqlalchemy as sa
from PIL import Image, ImageDraw

from classifiers.run import screen_posts
from review.app import DeskSettings, create_app, serving
from storage.evidence import add_capture, put_bytes
from storage.posts import store_post
from storage.records import AccountFacts, Actor, CaptureFacts, CommentFacts, PostFacts, Role
from storage.tables import clue
from storage.users import add_user
from tests.support.screening import shipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from email.message import Message

    from storage.engine import Store

PASSWORD = "correct horse 9"
PEOPLE = {
    Role.OPERATOR: "olga",
    Role.ANALYST: "ana",
    Role.SENIOR: "sen",
    Role.COMPLIANCE: "com",
    Role.AUDITOR: "aud",
    Role.PRIVACY: "pri",
    Role.ADMIN: "admin",
}
ADMIN = Actor(name="admin", role=Role.ADMIN, via="cli")
SECOND_ANALYST = "ben"


@dataclass(slots=True)
class Clock:
    """A clock that tests move."""

    at: datetime

    def __call__(self) -> datetime:
        """Return the present time."""
        return self.at

    def move(self, **by: float) -> None:
        """Go on by a time."""
        self.at += timedelta(**by)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDesk:
    """A running desk and what stands behind it."""

    url: str
    store: Store
    clock: Clock

    def client(self, name: str | None = None) -> Client:
        """Return a plain client, signed in when a name is given."""
        client = Client(self.url)
        if name is not None:
            assert client.sign_in(name).status == 303
        return client


@contextmanager
def opened_desk(store: Store, now: datetime, settings: DeskSettings | None = None) -> Iterator[OpenDesk]:
    """Serve the desk of a store with a person of each role, and a second analyst."""
    add_people(store, now)
    clock = Clock(now)
    with serving(create_app(store, now=clock, settings=settings)) as url:
        yield OpenDesk(url=url, store=store, clock=clock)


def add_people(store: Store, now: datetime) -> None:
    """Add a person of each role, all with one password."""
    with store.write(now) as unit:
        init = Actor(name="init", via="cli")
        add_user(unit, "admin", role=Role.ADMIN, password=PASSWORD, actor=init)
        for role, name in [*PEOPLE.items(), (Role.ANALYST, SECOND_ANALYST)]:
            if role is not Role.ADMIN:
                add_user(unit, name, role=role, password=PASSWORD, actor=ADMIN)


def add_clues(store: Store, now: datetime, posts: Sequence[PostFacts]) -> dict[str, int]:
    """Store posts, let the shipped ruleset judge them, and return the clues' ids by the target's native id."""
    with store.write(now) as unit:
        for facts in posts:
            store_post(unit, facts, source="forum")
    screen_posts(store, shipped(), now=now)
    with store.read() as conn:
        rows = conn.execute(sa.select(clue.c.target_native_id, clue.c.id).order_by(clue.c.id)).all()
    return {native_id: number for native_id, number in rows}  # noqa: C416 - rows are no pairs to the checker


def add_screenshot(store: Store, now: datetime, clue_id: int, text: str = "WeChat zhaiwu888") -> str:
    """Give a clue a picture of its page with some text in it; return its hash."""
    picture = Image.new("RGB", (1280, 900), "white")
    ImageDraw.Draw(picture).text((40, 60), text, fill="black", font_size=40)
    out = BytesIO()
    picture.save(out, "PNG")
    sha256 = put_bytes(store.evidence_root, out.getvalue())
    with store.write(now) as unit:
        facts = CaptureFacts(
            url="https://forum.test/1", at=now, method="browser", sha256=sha256, size=1, kind="screenshot"
        )
        number = add_capture(unit, facts, media_type="image/png")
        values = {"screenshot_sha256": sha256, "screenshot_capture_id": number}
        unit.conn.execute(sa.update(clue).where(clue.c.id == clue_id).values(values))
    return sha256


def pitch(number: int, text: str | None = None, **wanted: object) -> PostFacts:
    """Return a post that offers what the machine flags, in words of its own."""
    native_id = str(wanted.pop("native_id", f"p{number}"))
    author = wanted.pop("author", None) or AccountFacts(native_id=f"u{number}", name=f"债务规划{number}")
    assert isinstance(author, AccountFacts)
    said = f"专业代办停息挂账第{number}期，个性化分期，加微信 zhaiwu{number:05d} 咨询，不成功不收费"
    known: dict[str, object] = {
        "platform": "forum",
        "title": f"逾期上岸 {number}",
        "url": f"https://forum.test/thread/{native_id}",
    }
    return PostFacts(
        native_id=native_id,
        kind="post",
        author=author,
        text=said if text is None else text,
        **(known | wanted),  # type: ignore[arg-type]  # fields of the record
    )


def said_below(number: str, text: str, name: str, bio: str = "") -> CommentFacts:
    """Return a comment."""
    author = AccountFacts(native_id=f"c-{name}", name=name, bio=bio)
    return CommentFacts(native_id=number, text=text, author=author)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server said."""

    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def to(self) -> str:
        """Where a redirect leads."""
        return self.headers["location"] or ""


@dataclass(slots=True)
class Client:
    """A client with cookies and nothing else of a browser."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Answer:
        """Ask for a page."""
        return self._send("GET", path, None, headers)

    def post(self, path: str, form: dict[str, object] | None = None, **headers: str) -> Answer:
        """Send a form as it is."""
        return self._send(
            "POST", path, urlencode({k: v for k, v in (form or {}).items() if v is not None}), headers
        )

    def csrf(self, path: str = "/password") -> str:
        """Return the token of a page's forms."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get(path).text)
        return unescape(found[1]) if found else ""

    def submit(self, path: str, **form: object) -> Answer:
        """Send a form with the session's token."""
        return self.post(path, {"csrf": self.csrf(), **form})

    def sign_in(self, name: str, password: str = PASSWORD) -> Answer:
        """Sign in as a person would."""
        token = self.csrf("/sign-in") or self.csrf("/password")  # the second when somebody is signed in already
        return self.post("/sign-in", {"csrf": token, "name": name, "password": password, "then": "/"})

    def _send(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies and "cookie" not in sent:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            sent.setdefault("content-type", "application/x-www-form-urlencoded")
        connection.request(method, quote(path, safe="/?&=%"), body=body, headers=sent)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        for line in answer.headers.get_all("set-cookie") or []:
            name, _, rest = line.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        return Answer(status=answer.status, headers=answer.headers, body=content)
