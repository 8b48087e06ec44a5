"""Reading one profile: who the account is and what it says of itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from crawler.note_record import record_profile
from crawler.reading import PROFILE, PageParse
from storage.records import ReadOutcome

if TYPE_CHECKING:
    from crawler.listening import Heard
    from crawler.visiting import Visit

_QUICK_SECONDS = 3.0


async def read_profile(visit: Visit) -> None:
    """Read the profile that a visit's page has opened: its state, else the answer that it asks for.

    What the platform shows of a banned account is not recorded anywhere: such a page is unknown.
    """
    async with asyncio.timeout(visit.session.adapter.browser.visit_seconds):
        heard, parsed = await profile_of_page(visit)
    user_id = str(visit.row.meta.get("user_id") or "")
    accounts = tuple(replace(account, native_id=account.native_id or user_id) for account in parsed.accounts)
    if any(account.native_id != user_id for account in accounts):
        parsed = replace(parsed, outcome=ReadOutcome.UNKNOWN, reason="another_account")
        accounts = ()
    record_profile(visit, heard, replace(parsed, accounts=accounts))


async def profile_of_page(visit: Visit) -> tuple[list[Heard], PageParse]:
    """Return what was heard of the profile on the page and what it holds; unknown where it shows nobody."""
    document = await visit.settle_document()
    heard = [document] if document is not None else []
    parsed = visit.parse(document, PROFILE) if document is not None else None
    if parsed is not None and parsed.accounts:
        return heard, parsed
    answer = await visit.listener.wait_for(PROFILE, seconds=min(visit.wait_seconds, _QUICK_SECONDS))
    if answer is not None:
        told = visit.parse(answer)
        if told.accounts:
            return [answer, *heard], told
        heard.append(answer)
    judged = await visit.look()
    outcome = judged.outcome if judged.outcome is ReadOutcome.GONE else ReadOutcome.UNKNOWN
    return heard, PageParse(kind=PROFILE, outcome=outcome, reason=judged.marker or "no_profile_on_page")
