"""Sections of the file of a platform that is read through a browser: data, of which an unknown key is an error."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.functional_validators import AfterValidator

AccessName = Literal["open", "visitor", "operator", "import"]
Selector = Annotated[str, Field(min_length=1, max_length=300)]
Host = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return value


def _count_pattern(value: str) -> str:
    if re.compile(value).groups != 1:
        raise ValueError("the number must be its one group")
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]
CountPattern = Annotated[str, AfterValidator(_pattern), AfterValidator(_count_pattern)]


class Section(BaseModel):
    """A part of a platform's file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Marker(Section):
    """A named sign that a page is not what was asked for.

    ``place``: ``url`` = the address after redirects, when it differs from the one asked for; ``status`` = the
    answer's number; ``header`` = one ``name: value`` line; ``head`` = the first 4,096 characters, ``text`` = the
    visible text, both only of a page with little visible text, because people write about captchas too; ``json`` =
    the value of ``code`` in a JSON answer.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
    place: Literal["url", "status", "header", "head", "text", "json"]
    pattern: Pattern


class GoneMarker(Marker):
    """A named sign that what stood there is gone; ``means`` says by whose hand, as far as the page tells."""

    means: Literal["content_removed", "author_deleted", "account_banned"] = "content_removed"


class Markers(Section):
    """The signs by kind. ``ambiguous`` ones say that nothing can be said: never gone, never ok.

    ``hidden_comments`` are words by which a page says that it has more comments than it shows, ``comment_count``
    those by which it counts them; the first group is the number.
    """

    challenge: tuple[Marker, ...] = ()
    login_wall: tuple[Marker, ...] = ()
    ambiguous: tuple[Marker, ...] = ()
    gone: tuple[GoneMarker, ...] = ()
    hidden_comments: tuple[Pattern, ...] = ()
    comment_count: tuple[CountPattern, ...] = ()


class Hosts(Section):
    """The hosts of a platform, by what they serve; a source's base_url takes the place of all of them."""

    page: tuple[Host, ...] = ()
    api: tuple[Host, ...] = ()
    image: tuple[Host, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every host, once."""
        return tuple(dict.fromkeys((*self.page, *self.api, *self.image)))


class Listen(Section):
    """An answer that the page itself asks for: a host ending in ``host`` and a path that begins with ``path``."""

    host: str
    path: Annotated[str, Field(pattern=r"^/")]


class Surface(Section):
    """Where things stand on the platform's pages: address templates and CSS selectors."""

    search: str
    """Path of the search page; ``{query}`` is put in."""
    note: str
    """Path of a note; ``{id}`` and ``{token}`` are put in."""
    profile: str
    """Path of a profile; ``{id}`` and ``{token}`` are put in."""
    card: Selector
    """The clickable cover of one search result; ``{id}`` is put in."""
    empty: Selector
    """Shown where a search finds nothing."""
    end: Selector
    """Shown below the last search result."""
    overlay: Selector
    """What a click on a card opens."""
    scroller: Selector
    """What scrolls through the comments, in the overlay and on a page of its own."""
    more_replies: Selector
    """What shows more replies when it is clicked."""
    close: Selector
    """Closes the overlay."""
    control_query: Annotated[str, Field(min_length=1)]
    """A search that always finds something: it proves that one which finds nothing was answered."""


class Login(Section):
    """Signing in: the page to open, and what is there once somebody is signed in."""

    page: str
    done: Selector
    done_text: str = ""


class Shot(Section):
    """Pictures of a note: the element that is the target, and inside it what shows other people."""

    element: Selector
    mask: tuple[Selector, ...] = ()


class Bounds(Section):
    """A count that a healthy run keeps within; below or above it the run raises a signal."""

    min: Annotated[int, Field(ge=0)] = 0
    max: Annotated[int, Field(ge=1)] = 1_000_000

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError("min is above max")
        return self


class Assertions(Section):
    """What a healthy run looks like: counts per run, and the share of opened notes that have a field."""

    notes: Bounds = Bounds()
    listed: Bounds = Bounds()
    min_fill: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    after: Annotated[int, Field(ge=1)] = 5
    """Opened notes from which the shares are looked at."""


class BrowserLimits(Section):
    """Bounds of reading through a browser."""

    min_delay_seconds: Annotated[float, Field(ge=0)] = 2
    """Pause between two actions on a page, at least, unless the source is private."""
    wait_seconds: Annotated[float, Field(gt=0)] = 20
    """How long an answer that a page asks for may take."""
    visit_seconds: Annotated[float, Field(gt=0)] = 180
    """How long one note or profile may take before its page counts as stuck."""
    recycle_after: Annotated[int, Field(ge=1)] = 40
    """Notes after which the browser is started anew."""
    max_results: Annotated[int, Field(ge=1)] = 400
    """Search results of one query that are read."""
    max_comment_pages: Annotated[int, Field(ge=1)] = 20
    max_reply_pages: Annotated[int, Field(ge=0)] = 20
    headless: bool = True
