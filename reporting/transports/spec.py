"""The ``transport:`` section of a channel file: how a package leaves by itself. Without it a person sends.

Secrets never stand in it, only the names of environment variables that hold them.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from string import Formatter
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from reporting.transports.addresses import split_url

PLACEHOLDERS = (
    "batch",
    "contact",
    "file",
    "institution",
    "items",
    "recipient",
    "sha256",
    "size",
    "subject",
    "week",
)
"""What may stand in braces in the subject and text of a mail."""

_MEGABYTE = 1_000_000
_ADDRESS = re.compile(r"[!-;=?A-~]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")

DEFAULT_TEXT = """\
{recipient}：

附件 {file} 为 {institution} 的报送材料，批次 {batch}，共 {items} 条，压缩包内 index.html 可直接阅读。
文件大小 {size} 字节，SHA-256 校验值：
{sha256}

请填写压缩包内的 reply.xlsx 回复处理结果，并保留报送编号。

{institution}
{contact}
"""
"""Text of a mail where the channel gives none."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class SmallLimits(_Part):
    """What a mailbox takes at most; mail grows by a third on the way."""

    package_bytes: int = Field(default=15 * _MEGABYTE, ge=1, le=150 * _MEGABYTE)


class LargeLimits(_Part):
    """What a folder or an HTTP receiver takes at most."""

    package_bytes: int = Field(default=500 * _MEGABYTE, ge=1, le=20_000 * _MEGABYTE)


class MailSpec(_Part):
    """The package as attachment of one mail to all these addresses."""

    kind: Literal["mail"]
    dry_run: bool = True
    to: tuple[str, ...] = Field(min_length=1, max_length=20)
    cc: tuple[str, ...] = Field(default=(), max_length=20)
    subject: str = Field(default="{subject}（{batch}）", min_length=1, max_length=200)
    text: str = Field(default=DEFAULT_TEXT, min_length=1, max_length=5_000)
    limits: SmallLimits = SmallLimits()

    @field_validator("to", "cc")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [address for address in value if not _ADDRESS.fullmatch(address)]:
            raise ValueError(f"{wrong[0]!r} is no mail address such as desk@platform.example")
        return value

    @field_validator("subject", "text")
    @classmethod
    def _placeholders(cls, value: str) -> str:
        for _, name, form, conversion in Formatter().parse(value):
            if name is not None and (name not in PLACEHOLDERS or form or conversion):
                raise ValueError(f"{{{name}}} cannot be filled in; known are {', '.join(PLACEHOLDERS)}")
        return value

    @field_validator("subject")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("a subject is one line")
        return value


class FolderSpec(_Part):
    """The package as a file of a shared folder."""

    kind: Literal["folder"]
    dry_run: bool = True
    path: str = Field(min_length=1)
    limits: LargeLimits = LargeLimits()

    @field_validator("path")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not PurePosixPath(value).is_absolute() or "\0" in value:
            raise ValueError("give the whole path of the folder, from the root")
        return value


class WebhookSpec(_Part):
    """The package as the body of one signed POST."""

    kind: Literal["webhook"]
    dry_run: bool = True
    url: str
    secret_env: str = Field(pattern=r"^[A-Z][A-Z0-9_]{2,63}$")
    private: bool = False
    ca_file: str = ""
    timeout_seconds: int = Field(default=60, ge=1, le=600)
    limits: LargeLimits = LargeLimits()

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        split_url(value)
        return value


TransportSpec = Annotated[MailSpec | FolderSpec | WebhookSpec, Field(discriminator="kind")]
"""One of the three kinds, told apart by ``kind``."""
