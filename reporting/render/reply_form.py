"""The reply form: ids and addresses locked, results chosen from a list, read back by ``replies import``."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from reporting.channel import REPLY_COLUMNS
from reporting.render.office import repack
from reporting.render.sheets import cell_text, new_workbook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting.channel import ReplySpec
    from storage.records import Json

_HELP = (
    "请在 reply 表的 result 列选择处理结果，note 列可填写说明；item 与 url 列已锁定，请勿改动。",
    "Choose a result in the column result of the sheet reply; note is free. Please leave item and url as they are.",
)
_WIDTHS = (14, 60, 18, 40)


def reply_form(reply: ReplySpec, rows: Sequence[Json]) -> bytes:
    """Return the workbook: one line per item, a list of the channel's words for the result."""
    buffer = io.BytesIO()
    book = new_workbook(buffer)
    sheet = book.add_worksheet("reply")
    words = book.add_worksheet("words")
    guide = book.add_worksheet("说明")
    open_cell = book.add_format({"locked": False, "num_format": "@", "bg_color": "#FFFBE6", "border": 1})
    shut_cell = book.add_format({"locked": True, "num_format": "@", "border": 1})
    for place, name in enumerate(REPLY_COLUMNS):
        sheet.set_column(place, place, _WIDTHS[place])
        sheet.write_string(0, place, name, shut_cell)
    for line, row in enumerate(rows, 1):
        sheet.write_string(line, 0, cell_text(row["item"]), shut_cell)
        sheet.write_string(line, 1, cell_text(row["url"]), shut_cell)
        sheet.write_blank(line, 2, None, open_cell)
        sheet.write_blank(line, 3, None, open_cell)
    choices = result_words(reply)
    for line, word in enumerate(choices):
        words.write_string(line, 0, word)
    words.hide()
    if rows:
        choice = {"validate": "list", "source": f"=words!$A$1:$A${len(choices)}"}
        sheet.data_validation(1, 2, len(rows), 2, choice)
    for line, text in enumerate(_HELP):
        guide.write_string(line, 0, text)
    sheet.freeze_panes(1, 0)
    sheet.protect("", {"select_locked_cells": True, "format_columns": True})
    book.close()
    return repack(buffer.getvalue())


def result_words(reply: ReplySpec) -> list[str]:
    """Return the words offered as results: the first of each meaning, then those that wait or ask."""
    first = [words[0] for words in reply.words.values() if words]
    return [*first, *reply.waiting[:1], *reply.need_more[:1]]
