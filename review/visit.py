"""One request by one person: who it is, in which language, and how pages and answers are made for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi.responses import HTMLResponse, RedirectResponse

from review.permissions import Permission, may
from storage.errors import ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from fastapi import Request

    from review.desk import Desk
    from review.i18n import Catalogue
    from storage.records import Actor
    from storage.sessions import SessionRow

SESSION_COOKIE = "qy_session"
FORM_COOKIE = "qy_form"
LANGUAGE_COOKIE = "qy_language"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request with everything that a route needs to answer it."""

    desk: Desk
    request: Request
    now: datetime
    session: SessionRow | None
    words: Catalogue
    form: Mapping[str, str]

    @property
    def actor(self) -> Actor:
        """The person; raises ForbiddenError when nobody is signed in (routes that need one are guarded before)."""
        return self.signed_in.actor()

    @property
    def signed_in(self) -> SessionRow:
        """The session; raises ForbiddenError when there is none."""
        if self.session is None:
            raise ForbiddenError("nobody", "do this without signing in")
        return self.session

    def may(self, permission: Permission) -> bool:
        """Return whether the person has a permission."""
        return may(self.session.role if self.session else None, permission)

    def page(self, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
        """Return a page; ``values`` join what every page knows."""
        known = {
            "t": self.words,
            "visit": self,
            "now": self.now,
            "can": Permission,
            "here": self.request.url.path,
            "simulated": self.desk.store.simulated,
        }
        text = self.desk.pages.get_template(template).render({**known, **values})
        return HTMLResponse(text, status_code=status)

    def go(self, path: str) -> RedirectResponse:
        """Return the answer that sends the browser on to a page of the desk after a form."""
        return RedirectResponse(path, status_code=303)
