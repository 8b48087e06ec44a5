"""Screenshots of clues: which lack one, and keeping what was taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.records import ClueState, TargetKind
from storage.tables import capture, clue, crawl_run, post

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection, RowMapping

    from storage.engine import Unit

ELEMENT = "element"
"""Kind of a capture that shows the target alone; the capture of its whole page names it in its ``headers``."""

SCREENSHOT = "screenshot"
"""Kind of a capture that shows a whole page."""

MASK_VERSION = "1"
"""Which covering of other people a crop was made with; crops without it show others and never leave the house."""

NOT_TAKEN = "no picture of the page was taken"
"""Why there is no crop of a page that nobody photographed."""

_LAST_RUNS = 30

_DONE_WITH = (ClueState.REJECTED, ClueState.SUPPRESSED, ClueState.EXPIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotTarget:
    """A clue without screenshot: whose page to visit, and what on it is the target."""

    clue_id: int
    source: str
    url: str
    kind: TargetKind
    native_id: str

    @property
    def page_url(self) -> str:
        """The address of the page, without the part that names an element."""
        return self.url.partition("#")[0]


def clues_without_screenshot(
    conn: Connection, sources: Collection[str], *, tried_before: datetime, after: int = 0, limit: int = 200
) -> list[ShotTarget]:
    """Return clues of these sources that have an address and no screenshot, by id; given-up clues are left out.

    A clue whose page could not be shown is not tried again before ``tried_before`` has passed.
    """
    above = post.alias("above")
    address = sa.func.coalesce(clue.c.url, post.c.url, above.c.url)
    query = (
        sa.select(clue.c.id, post.c.source, address.label("url"), clue.c.target_kind, clue.c.target_native_id)
        .join_from(clue, post, post.c.id == clue.c.post_id)
        .outerjoin(above, above.c.id == post.c.parent_post_id)
        .where(
            clue.c.id > after,
            post.c.source.in_(sources),
            clue.c.screenshot_sha256.is_(None),
            clue.c.state.not_in(_DONE_WITH),
            address.is_not(None),
            sa.or_(clue.c.screenshot_tried_at.is_(None), clue.c.screenshot_tried_at < tried_before),
        )
        .order_by(clue.c.id)
        .limit(limit)
    )
    return [
        ShotTarget(
            clue_id=row.id,
            source=row.source,
            url=row.url,
            kind=TargetKind(row.target_kind),
            native_id=row.target_native_id,
        )
        for row in conn.execute(query)
    ]


def shot_headers(crop_sha256: str | None, why: str | None = None) -> dict[str, str]:
    """Return the ``headers`` of the capture of a page's picture: its crop, others covered, or why there is none."""
    kept = {ELEMENT: crop_sha256, "masked": MASK_VERSION} if crop_sha256 else {"no-element": why or NOT_TAKEN}
    return {"content-type": "image/png", **kept}


def masked_crop(headers: Mapping[str, str] | None) -> tuple[str | None, str | None]:
    """Return the hash of the crop that a picture's capture names, or None and why there is none."""
    found = headers or {}
    crop = found.get(ELEMENT)
    if crop and found.get("masked") == MASK_VERSION:
        return crop, None
    return None, found.get("no-element") or ("its crop does not cover other people" if crop else NOT_TAKEN)


def find_page_shot(conn: Connection, source: str, url: str) -> RowMapping | None:
    """Return the newest picture of a page that the last runs of a source took while it was open, or None."""
    runs = (
        sa.select(crawl_run.c.id)
        .where(crawl_run.c.source == source)
        .order_by(crawl_run.c.started_at.desc())
        .limit(_LAST_RUNS)
    )
    query = (
        sa.select(capture)
        .where(capture.c.run_id.in_(runs), capture.c.kind == SCREENSHOT, capture.c.url == url)
        .order_by(capture.c.id.desc())
        .limit(1)
    )
    return conn.execute(query).mappings().first()


def set_screenshot(unit: Unit, clue_id: int, *, sha256: str, capture_id: int) -> None:
    """Give a clue the screenshot of its page; its version stays, nothing that people decide on has changed."""
    unit.conn.execute(
        sa.update(clue)
        .where(clue.c.id == clue_id)
        .values(screenshot_sha256=sha256, screenshot_capture_id=capture_id, screenshot_tried_at=unit.now)
    )


def note_failed_screenshot(unit: Unit, clue_ids: Collection[int]) -> None:
    """Remember that the page of these clues could not be shown."""
    unit.conn.execute(sa.update(clue).where(clue.c.id.in_(clue_ids)).values(screenshot_tried_at=unit.now))
