"""The covering letter, filled from the channel's templates: as docx, and as the pages of a PDF."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from docxtpl import DocxTemplate
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from reporting.render.office import repack, xml_text
from reporting.render.pdf import make_pdf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting.render.pdf import Pdf
    from storage.records import Json

MAX_ROWS = 300
"""Items that a letter lists; of a longer batch it names how many more the sheets hold. A page setter keeps all of a
table in memory, and nobody reads sixty pages of it."""

_SHOWN = ("item", "platform", "url", "rule", "measure")


def letter_docx(template: bytes, facts: Json, rows: Sequence[Json]) -> bytes:
    """Return the letter; every value is text, escaped where the document needs it.

    ``facts`` are the template's words: subject, recipient, institution, authority, department, person, contact,
    pledge, batch, count, date. Empty ones leave their paragraph out.
    """
    document = DocxTemplate(io.BytesIO(template))
    document.render(_words(facts, rows), SandboxedEnvironment(autoescape=True))
    buffer = io.BytesIO()
    document.save(buffer)
    return repack(buffer.getvalue())


def letter_pdf(template: bytes, facts: Json, rows: Sequence[Json]) -> Pdf:
    """Return the same letter as A4 pages with numbers, the table's head on each.

    Raises:
        PdfUnavailableError: this machine cannot make one.
    """
    environment = SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
    return make_pdf(environment.from_string(template.decode("utf-8")).render(_words(facts, rows)))


def _words(facts: Json, rows: Sequence[Json]) -> Json:
    words: Json = {key: xml_text(str(value)) for key, value in facts.items()}
    words["rows"] = [{key: xml_text(str(row[key] or "")) for key in _SHOWN} for row in rows[:MAX_ROWS]]
    words["more"] = max(len(rows) - MAX_ROWS, 0)
    return words
