"""The covering letter, filled from the channel's template."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from docxtpl import DocxTemplate
from jinja2.sandbox import SandboxedEnvironment

from reporting.render.office import repack, xml_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.records import Json

_SHOWN = ("item", "platform", "url", "rule", "measure")


def letter_docx(template: bytes, facts: Json, rows: Sequence[Json]) -> bytes:
    """Return the letter; every value is text, escaped where the document needs it.

    ``facts`` are the template's words: subject, recipient, institution, contact, batch, count, date.
    """
    document = DocxTemplate(io.BytesIO(template))
    values: Json = {key: xml_text(str(value)) for key, value in facts.items()}
    values["rows"] = [{key: xml_text(str(row[key] or "")) for key in _SHOWN} for row in rows]
    document.render(values, SandboxedEnvironment(autoescape=True))
    buffer = io.BytesIO()
    document.save(buffer)
    return repack(buffer.getvalue())
