"""A workspace in which everything that the weekly summary counts has happened."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reporting.outcomes import fold_outcomes
from reporting.replies import import_replies
from tests.support.takedown import CHANNEL, CHANNELS, CHECKER, add_confirmed, drafted, observe, sent

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from storage.engine import Store

DAY = timedelta(days=1)
SECRET = "zhaiwu77881"


def busy_weeks(store: Store, start: datetime, folder: Path) -> datetime:
    """Let three weeks go by on two platforms and two channels, from a Wednesday on; return the moment reached."""
    text = f"专业代办停息挂账，加微信 {SECRET} 咨询"
    first = add_confirmed(store, start - 3 * DAY, *"abcdef", text=text)
    (early,) = add_confirmed(store, start - 3 * DAY, "early")
    observe(store, early, start - DAY, "content_removed")
    fold_outcomes(store, now=start)
    sent(store, start, folder)
    sent(store, start + DAY, folder, "cac_12377")
    file = folder / "replies.csv"
    file.write_text("item,result\ni1,已下架\ni2,已限流\ni3,未违规\n", "utf-8")
    import_replies(store, file, CHANNELS[CHANNEL], now=start + 2 * DAY, actor=CHECKER)
    for days, kinds in ((3, "gone live live gone self wall"), (10, "gone live live gone self wall")):
        for clue_id, seen in zip(first, kinds.split(), strict=True):
            observe(
                store, clue_id, start + days * DAY, KINDS[seen], marker="m" if seen in {"gone", "self"} else None
            )
    observe(store, first[3], start + 12 * DAY, "live")
    observe(store, early, start + 9 * DAY, "content_removed")
    fold_outcomes(store, now=start + 12 * DAY)
    second = add_confirmed(store, start + 13 * DAY, *"uvw", platform="notes", text=text)
    sent(store, start + 14 * DAY, folder)
    observe(store, second[0], start + 15 * DAY, "live")
    add_confirmed(store, start + 15 * DAY, "x", "y", text=text)
    drafted(store, start + 16 * DAY)
    fold_outcomes(store, now=start + 16 * DAY)
    return start + 17 * DAY


KINDS = {"gone": "content_removed", "live": "live", "self": "author_deleted", "wall": "login_wall"}
