"""The columns of a package: one table that the schema of the documentation, the channels and the writers follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.records import Json

SCHEMA_ID = "clue.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its id, Chinese title, JSON type and meaning. ``is_list`` values are joined in spreadsheets."""

    key: str
    title: str
    meaning: str
    type: str = "string"
    is_list: bool = False
    nullable: bool = True


COLUMNS = (
    Column(key="item", title="报送编号", meaning="Id of the item; replies quote it.", nullable=False),
    Column(key="attempt", title="第几次报送", meaning="1 for the first request about this target.", type="integer"),
    Column(
        key="earlier_items", title="此前报送", meaning="Ids of items sent before about this target.", is_list=True
    ),
    Column(key="platform", title="平台", meaning="Platform of the target.", nullable=False),
    Column(key="native_id", title="平台内编号", meaning="The platform's own id of the target.", nullable=False),
    Column(key="target_kind", title="对象类型", meaning="post, comment or account.", nullable=False),
    Column(key="place", title="违规位置", meaning="post, the comment's id, nickname or bio.", nullable=False),
    Column(key="url", title="链接", meaning="Public address of the target."),
    Column(key="handle", title="平台号", meaning="Public number of the account."),
    Column(key="nickname", title="昵称", meaning="Displayed name of the account."),
    Column(key="rule", title="违反规则", meaning="The rule broken, in the channel's wording.", nullable=False),
    Column(key="category", title="线索类别", meaning="Category of the solicitation."),
    Column(key="measure", title="请求措施", meaning="What the platform is asked to do.", nullable=False),
    Column(key="excerpt", title="违规内容摘录", meaning="The target's own words, other people masked."),
    Column(
        key="contacts", title="引流联系方式", meaning="Contacts offered, as far as the channel asks.", is_list=True
    ),
    Column(key="published_at", title="发布时间", meaning="When the platform says it was published."),
    Column(key="captured_at", title="取证时间", meaning="When the text was read.", nullable=False),
    Column(
        key="last_seen_live", title="最近可见时间", meaning="Last time seen live; unprobed when nobody could look."
    ),
    Column(key="ip_region", title="IP属地", meaning="Region that the platform shows."),
    Column(key="evidence", title="证据文件", meaning="Members of this package.", is_list=True),
)
"""All columns in their order."""

COLUMN_KEYS = tuple(column.key for column in COLUMNS)
BY_KEY = {column.key: column for column in COLUMNS}


def schema() -> Json:
    """Return the JSON schema of one line of ``clues.jsonl``; ``docs/schemas/clue.json`` is this."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One item of a takedown package",
        "type": "object",
        "additionalProperties": False,
        "required": list(COLUMN_KEYS),
        "properties": {column.key: _property(column) for column in COLUMNS},
    }


def _property(column: Column) -> Json:
    described: Json = {"title": column.title, "description": column.meaning}
    if column.is_list:
        return {**described, "type": "array", "items": {"type": "string"}}
    return {**described, "type": [column.type, "null"] if column.nullable else column.type}
