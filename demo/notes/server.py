"""The note platform over loopback, by itself or as one of the demo's platforms."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Self

from demo.notes.api import JSON_TYPE, api_page, refused
from demo.notes.documents import application, challenge_moved, challenge_page, document_page
from demo.notes.gate import Challenge, Gate, Refusal
from demo.notes.pictures import picture
from demo.notes.site import make_note_site
from demo.pages import PLAIN, Page
from demo.records import NOTES
from demo.serving import LOOPBACK, Listening

if TYPE_CHECKING:
    from demo.notes.site import NoteSite
    from demo.serving import Hit, Request
    from demo.world import World

TWIN = "rednote"
CHALLENGE_PATH = "/website-login/captcha"
PICTURE_TYPE = "image/png"
ROBOTS = b"User-agent: *\nDisallow: /private/\n"


class NotesServer:
    """The note platform of a world, or its twin: some of the same notes, other visitors and other cookies.

    Served from ``start`` to ``stop``, also usable in a ``with`` statement. ``gate`` switches challenges, refusals
    and stale tokens; ``hits`` lists every request answered so far. The twin is reached as ``localhost``, so that a
    browser keeps its cookies apart.
    """

    def __init__(self, world: World, *, port: int = 0, twin: bool = False, hits: list[Hit] | None = None) -> None:
        self.hits: list[Hit] = [] if hits is None else hits
        self.gate = Gate(world, TWIN if twin else NOTES)
        self._world = world
        self._port = port
        self._twin = twin
        self._listening: Listening | None = None

    @property
    def base(self) -> str:
        """Return the base address, without a slash at the end; raises RuntimeError while it is not served."""
        if self._listening is None:
            raise RuntimeError("the note platform is not being served")
        return self._listening.base

    @property
    def sign_in_url(self) -> str:
        """Return the address of the sign-in form: sending it signs in, there is no password."""
        return f"{self.base}/login"

    def start(self) -> Self:
        """Listen; raises OSError where the port is taken."""
        name, host = (TWIN, "localhost") if self._twin else (NOTES, LOOPBACK)
        self._listening = Listening(self._world, name, port=self._port, hits=self.hits, host=host)
        site = make_note_site(self._world, self._listening.base, self.gate, twin=self._twin)
        self._listening.start(lambda request: notes_page(site, request))
        return self

    def stop(self) -> None:
        """Close the port and every open connection; calling it again does nothing."""
        if self._listening:
            self._listening.close()
            self._listening = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def notes_page(site: NoteSite, request: Request) -> Page:
    """Return the platform's answer to a request."""
    return _file(request.path) or _stopped(site, request) or _answer(site, request)


def _answer(site: NoteSite, request: Request) -> Page:
    if request.path == CHALLENGE_PATH:
        return challenge_page(site, request)
    found = api_page(site, request) or document_page(site, request)
    if found:
        return found
    lost = application(site, request, title=site.platform.name, notice="你访问的页面不见了")
    return Page(body=lost.body, status=404, cache=lost.cache)


def _file(path: str) -> Page | None:
    if path == "/robots.txt":
        return Page(body=ROBOTS, content_type=PLAIN)
    folder = path.split("/")[1]
    if folder in {"img", "avatar"} and path.endswith(".png"):
        size = (120, 160) if folder == "img" else (40, 40)
        body = picture(path, width=size[0], height=size[1])
        return Page(body=body, content_type=PICTURE_TYPE, cache="max-age=3600")
    return None


def _stopped(site: NoteSite, request: Request) -> Page | None:
    """Return what stands in a request's way: a challenge in one of its forms, or a code instead of data."""
    call = request.path.startswith("/api/")
    if request.path in {CHALLENGE_PATH, "/login"}:
        return None
    barrier = site.gate.check(document=not call)
    if barrier is None:
        return None
    if isinstance(barrier, Refusal):
        return refused(barrier)
    if barrier is Challenge.PAGE:
        return challenge_page(site, request)
    return _challenged(barrier) if call else challenge_moved(request)


def _challenged(kind: Challenge) -> Page:
    """Return a call's answer that asks for a challenge; the headers that name it are not always there."""
    named = () if kind is Challenge.BARE_461 else (("Verifytype", "102"), ("Verifyuuid", secrets.token_hex(16)))
    status = 471 if kind is Challenge.STATUS_471 else 461
    return Page(body=b"{}", status=status, content_type=JSON_TYPE, headers=named, cache="no-store")
