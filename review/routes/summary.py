"""The weekly summary, and the lists behind its numbers: both come from the same steps."""

from dataclasses import dataclass
from functools import partial
from typing import Literal
from urllib.parse import urlencode

from fastapi.responses import Response
from sqlalchemy.engine import Connection

from reporting.cases import Case, Measure
from reporting.lists import (
    UNDER_WAY,
    Choice,
    list_flagged,
    list_seen,
    list_targets,
    list_under_way,
)
from reporting.render.pdf import PdfUnavailableError, make_pdf
from reporting.render.summary import summary_body, summary_page
from reporting.weekly import AGES_DAYS, period_of, weekly_summary
from reporting.weeks import week_of
from review.permissions import Permission
from review.post_rows import list_posts
from review.routing import Guarded, Routes
from review.rows import ListedClue, list_rows
from review.visit import Visit
from storage.clues import get_clues
from storage.errors import NotFoundError
from storage.open_items import OpenItem
from storage.records import Json, public_id

routes = Routes()

_PAGE_ROWS = 50
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTarget:
    """A row of a list: the clue as lists show it, and what became of its target or where its item stands."""

    clue: ListedClue
    case: Case | None = None
    item: OpenItem | None = None

    @property
    def item_key(self) -> str:
        """The public id of the item, empty where nothing was sent."""
        number = self.item.number if self.item else self.case.one.submission_id if self.case else None
        return public_id("item", number) if number is not None else ""


@routes.get("/summary", Permission.READ_CLUES)
def show_summary(visit: Guarded) -> Response:
    """Show the figures of a week."""
    return _page(visit, _figures(visit, visit.request.query_params.get("week") or None))


@routes.get("/summary/{week}.pdf", Permission.READ_CLUES)
def print_summary(week: str, visit: Guarded) -> Response:
    """Return the figures of a week as PDF; where none can be drawn, the page says what is missing."""
    figures = _figures(visit, week)
    try:
        made = make_pdf(summary_page(figures, language=_language(visit)))
    except PdfUnavailableError as error:
        return _page(visit, figures, problem=str(error), status=503)
    named = {"content-disposition": f'attachment; filename="summary-{figures["week"]}.pdf"'}
    return Response(made.data, media_type="application/pdf", headers=named)


@routes.get("/lists/{count}", Permission.READ_CLUES)
def show_list(count: str, visit: Guarded) -> Response:
    """Show what a number of the summary counts."""
    choice = _choice(visit)
    place = _number(visit.request.query_params.get("from"))
    with visit.desk.store.read() as conn:
        if count == "seen":
            posts = list_posts(conn, list_seen(conn, choice, before=place, limit=_PAGE_ROWS + 1))
            rows: list[ListedTarget] = []
            more = _more([post.number for post in posts])
        else:
            posts = []
            rows, more = _targets(conn, count, choice, place)
    kept = {name: value for name, value in visit.request.query_params.items() if name != "from"}
    later = f"/lists/{count}?{urlencode({**kept, 'from': more})}" if more is not None else None
    return visit.page(
        "list.html", count=count, choice=choice, rows=rows[:_PAGE_ROWS], posts=posts[:_PAGE_ROWS], later=later
    )


def _targets(
    conn: Connection, count: str, choice: Choice, place: int | None
) -> tuple[list[ListedTarget], int | None]:
    """Return the rows of one page and one more, and where the next page begins."""
    if count in UNDER_WAY:
        items = list_under_way(conn, count, choice, after=place, limit=_PAGE_ROWS + 1)
        by_clue = _clues(conn, [item.clue_id for item in items])
        rows = [ListedTarget(clue=by_clue[item.clue_id], item=item) for item in items]
        return rows, _more([item.number for item in items])
    if count == "flagged":
        numbers = list_flagged(conn, choice, before=place, limit=_PAGE_ROWS + 1)
        by_clue = _clues(conn, numbers)
        return [ListedTarget(clue=by_clue[number]) for number in numbers], _more(numbers)
    if count not in set(Measure):
        raise NotFoundError("list", count)
    found = list_targets(conn, Measure(count), choice, before=place, limit=_PAGE_ROWS + 1)
    by_clue = _clues(conn, [case.one.clue_id for case in found])
    rows = [ListedTarget(clue=by_clue[case.one.clue_id], case=case) for case in found]
    return rows, _more([case.one.clue_id for case in found])


def _clues(conn: Connection, numbers: list[int]) -> dict[int, ListedClue]:
    return {one.row.id: one for one in list_rows(conn, get_clues(conn, numbers))}


def _more(numbers: list[int]) -> int | None:
    return numbers[_PAGE_ROWS - 1] if len(numbers) > _PAGE_ROWS else None


def _page(visit: Visit, figures: Json, *, problem: str | None = None, status: int = 200) -> Response:
    body = summary_body(figures, language=_language(visit), link=partial(_link, week=figures["week"]))
    present = week_of(visit.now)
    return visit.page("summary.html", status=status, figures=figures, body=body, present=present, problem=problem)


def _figures(visit: Visit, week: str | None) -> Json:
    with visit.desk.store.read() as conn:
        return weekly_summary(conn, week=week, now=visit.now)


def _choice(visit: Visit) -> Choice:
    values = visit.request.query_params
    age = _number(values.get("age"))
    return Choice(
        period=period_of(values.get("week") or None, visit.now),
        platform=values.get("platform", "")[:_LONGEST_NAME] or None,
        channel=values.get("channel", "")[:_LONGEST_NAME] or None,
        new=values.get("new") == "1",
        age=age if age is not None and age <= len(AGES_DAYS) else None,
    )


def _link(count: str, *, week: str, **where: object) -> str:
    return f"/lists/{count}?{urlencode({'week': week, **where})}"


def _language(visit: Visit) -> Literal["zh", "en"]:
    return "en" if visit.words.language == "en" else "zh"


def _number(text: str | None) -> int | None:
    """Return the number of an address's place, None for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None  # noqa: PLR2004 - 64 bits
