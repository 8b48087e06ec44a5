"""Write the covering letter's template, ``reporting/channels/templates/letter.docx``.

``letter.html`` beside it says the same for the PDF: change both.

Run it after changing the wording here; a workspace changes its own copy in a word processor instead.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import docx
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Cm, Pt

from reporting.render.office import repack

if TYPE_CHECKING:
    from docx.document import Document

TARGET = Path(__file__).parent.parent / "reporting" / "channels" / "templates" / "letter.docx"
FONT = "仿宋"
KEPT_STYLES = ("Normal", "Table Grid", "Normal Table", "Default Paragraph Font")
BODY = """\
{{ institution }}在工作中发现，本函附表所列的{{ count }}条公开信息以有偿服务为名招揽负债人，涉嫌非法金融中介活动，\
损害金融消费者权益，扰乱正常金融秩序。
{%p if authority %}
本函依据：{{ authority }}。
{%p endif %}
上述信息均经人工复核，并由另一人审批后报送；随函提供链接、内容摘录、取证时间和证据文件的校验值。\
其他人的信息已作遮蔽处理。
请依照法律法规和平台规则处置，并将处理结果填入随附的 reply.xlsx 后反馈。如对个别信息的认定有不同意见，请一并说明。
{%p if pledge %}
承诺：{{ pledge }}
{%p endif %}\
"""
SIGNED = """\
{{ institution }}
{%p if department %}
{{ department }}
{%p endif %}
{%p if person %}
联系人：{{ person }}
{%p endif %}
{%p if contact %}
{{ contact }}
{%p endif %}
{{ date }}\
"""
REST = """\
{%p if more %}
另有 {{ more }} 条，完整清单见 clues.xlsx。
{%p endif %}\
"""
HEADERS = ("编号", "平台", "链接", "违规说明", "请求措施")
CELLS = ("{{ row.item }}", "{{ row.platform }}", "{{ row.url }}", "{{ row.rule }}", "{{ row.measure }}")
WIDTHS_CM = (1.6, 2.0, 5.6, 4.0, 3.4)


def main() -> None:
    """Build and write the template."""
    document = docx.Document()
    style = document.styles["Normal"]
    style.font.name = FONT
    style.font.size = Pt(12)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), FONT)
    title = document.add_paragraph()
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    run = title.add_run("{{ subject }}")
    run.bold = True
    run.font.size = Pt(16)
    document.add_paragraph("{{ recipient }}：")
    for text in BODY.splitlines():
        document.add_paragraph(text).paragraph_format.first_line_indent = Pt(24)
    document.add_paragraph("批次：{{ batch }}　　清单校验值（SHA-256）见 manifest.json，签名见 manifest.sig。")
    for text in SIGNED.splitlines():
        document.add_paragraph(text).alignment = WD_ALIGN_PARAGRAPH.RIGHT
    document.add_paragraph("附表")
    add_table(document)
    for text in REST.splitlines():
        document.add_paragraph(text)
    drop_ballast(document)
    facts = document.core_properties
    facts.author = facts.comments = facts.title = facts.last_modified_by = ""
    buffer = io.BytesIO()
    document.save(buffer)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_bytes(repack(buffer.getvalue()))


def drop_ballast(document: Document) -> None:
    """Drop the preview and the hundreds of styles that the library's own template carries."""
    for part in (document.part, document.part.package):
        for key, relation in list(part.rels.items()):
            if relation.reltype.endswith(("stylesWithEffects", "thumbnail", "customXml")):
                del part.rels[key]
    styles = document.styles
    for style in list(styles):
        if style.name not in KEPT_STYLES:
            style.element.getparent().remove(style.element)


def add_table(document: Document) -> None:
    """Add the table with one repeated row; the rows around it only hold the loop."""
    table = document.add_table(rows=4, cols=len(HEADERS))
    table.style = "Table Grid"
    for place, (header, cell, width) in enumerate(zip(HEADERS, CELLS, WIDTHS_CM, strict=True)):
        table.rows[0].cells[place].text = header
        table.rows[2].cells[place].text = cell
        for row in table.rows:
            row.cells[place].width = Cm(width)
    table.rows[1].cells[0].text = "{%tr for row in rows %}"
    table.rows[3].cells[0].text = "{%tr endfor %}"


if __name__ == "__main__":
    main()
