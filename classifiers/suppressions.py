"""Suppressions: accounts and templates whose clues need no person until a day, as small files with a reason.

A template is kept as the band keys of its text, from which the text cannot be read back: a rejected text of
somebody may not outlive its retention in a rule. It covers near copies only, and none that names a contact which
the rejected text did not name: whoever puts a number of his own into a harmless text is seen by people.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from classifiers.clustering import BANDS, band_keys, shingles
from classifiers.datafiles import DataFileError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path
    from typing import Self

FOLDER = "suppressions"
"""Folder of these files below an overlay folder."""

LEAST_SHARED = 24
"""Bands of 64 that a near copy shares; a band is shared with the similarity squared, so this is about 0.6."""

LONGEST = dt.timedelta(days=366)
"""A suppression ends by itself, at the latest after a year."""

_UNPRINTED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_ZONE = ZoneInfo("Asia/Shanghai")
_Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class SuppressionFile(BaseModel):
    """What a file of a suppression may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    suppress: Literal["account", "template"]
    account: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+:.+$")] | None = None
    bands: Annotated[tuple[int, ...], Field(min_length=BANDS, max_length=BANDS)] | None = None
    contacts: tuple[_Text, ...] = ()
    until: dt.date
    clue: str = ""
    reason: _Text

    @model_validator(mode="after")
    def _names_its_target(self) -> Self:
        wanted = self.account if self.suppress == "account" else self.bands
        if wanted is None:
            raise ValueError("an account needs the key account, a template the key bands")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One suppression: of an account (``platform:native id``) or of a template; ``until`` is its last day.

    ``label`` is what reasons call it: its file until a change is known that put it there.
    """

    label: str
    account: str | None
    bands: tuple[int, ...]
    contacts: frozenset[str]
    until: dt.date

    def holds(self, now: dt.datetime) -> bool:
        """Tell whether it is in force at ``now``; days are those of Shanghai."""
        return now.astimezone(_ZONE).date() <= self.until

    def covers(self, bands: Sequence[int], contacts: Collection[str]) -> bool:
        """Tell whether a text of these band keys is a copy of the template and names no contact of its own."""
        if len(bands) != len(self.bands) or not set(contacts) <= self.contacts:
            return False
        return sum(one == other for one, other in zip(self.bands, bands, strict=True)) >= LEAST_SHARED


def load_suppression(path: Path) -> Suppression:
    """Read one file; raise DataFileError when it is not as it must be."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = SuppressionFile.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        unknown = first["type"] == "extra_forbidden"
        why = "unknown key" if unknown else first["msg"]
        place = ".".join(str(part) for part in first["loc"])
        raise DataFileError(path, why, field=place, unknown_key=unknown) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataFileError(path, str(error)) from error
    return Suppression(
        label=f"{FOLDER}/{path.name}",
        account=found.account,
        bands=found.bands or (),
        contacts=frozenset(found.contacts),
        until=found.until,
    )


def template_bands(text: str) -> list[int]:
    """Return the band keys of a text; none when it is too short to be told from others."""
    return [int(key) for key in band_keys(shingles(text))]


def write_suppression(values: dict[str, object]) -> bytes:
    """Return the file of a suppression, a line a key; raise ValueError when the values make none."""
    SuppressionFile.model_validate(values)
    return "".join(f"{key}: {_written(value)}\n" for key, value in values.items()).encode()


def _written(value: object) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    return _UNPRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def last_day(now: dt.datetime, days: int) -> dt.date:
    """Return the day that many days ahead, by the calendar of Shanghai."""
    return now.astimezone(_ZONE).date() + dt.timedelta(days=days)
