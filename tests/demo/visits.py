"""Visiting the note platform over plain HTTP: as a guest, or with the cookie of a sign-in."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demo.notes.server import NotesServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode("utf-8")

    @property
    def data(self) -> dict[str, Any]:
        """Return the data of a call that was answered."""
        answer: dict[str, Any] = json.loads(self.body)
        assert (answer["success"], answer["code"]) == (True, 0), answer
        data: dict[str, Any] = answer["data"]
        return data

    @property
    def code(self) -> int:
        """Return the code of a call."""
        code: int = json.loads(self.body)["code"]
        return code


class Visitor:
    """Somebody with one cookie, or none."""

    def __init__(self, notes: NotesServer, cookie: str | None = None) -> None:
        self.notes = notes
        self.cookie = cookie

    def ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Send one request."""
        connection = http.client.HTTPConnection(urlsplit(self.notes.base).netloc, timeout=10)
        headers = {"Cookie": f"web_session={self.cookie}"} if self.cookie else {}
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return Answer(status=response.status, headers=dict(response.getheaders()), body=response.read())
        finally:
            connection.close()

    def get(self, path: str, **query: str) -> Answer:
        """Ask for a page or make a call that only reads."""
        return self.ask("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, fields: Mapping[str, object]) -> Answer:
        """Make a call with a JSON body."""
        return self.ask("POST", path, json.dumps(fields).encode())

    def sign_in(self) -> None:
        """Send the sign-in form and keep its cookie."""
        answer = self.ask("POST", "/login", b"redirect=/explore")
        assert answer.status == 302
        self.cookie = answer.headers["Set-Cookie"].partition(";")[0].partition("=")[2]

    def search(self, keyword: str, page: int = 1) -> Answer:
        """Search as the page's script does."""
        return self.post("/api/sns/web/v1/search/notes", {"keyword": keyword, "page": page, "page_size": 20})

    def pages(self, keyword: str) -> list[list[dict[str, Any]]]:
        """Return the items of every page of a search, to the end."""
        found: list[list[dict[str, Any]]] = []
        more = True
        while more:
            data = self.search(keyword, len(found) + 1).data
            found.append(data["items"])
            more = data["has_more"]
        return found

    def tokens(self, keyword: str) -> dict[str, str]:
        """Return the tokens of what a search finds, by note id."""
        items = [item for page in self.pages(keyword) for item in page if item["model_type"] == "note"]
        return {item["id"]: item["xsec_token"] for item in items}

    def feed(self, note_id: str, token: str) -> Answer:
        """Open a note as the overlay does."""
        fields = {"source_note_id": note_id, "xsec_token": token, "xsec_source": "pc_search"}
        return self.post("/api/sns/web/v1/feed", fields)
