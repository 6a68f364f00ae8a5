"""What the store knows of a symbol's days."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qkt.core.errors import DataError

NAME = "manifest.json"
VERSION = 1

Count = Annotated[int, Field(ge=0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class DayGap(BaseModel):
    """A silence of a day inside the session, in epoch ms."""

    model_config = ConfigDict(extra="forbid")

    start: int
    end: int
    open_ms: Count


class Day(BaseModel):
    """One UTC day. `first` and `last` are epoch ms, `content` is the checksum of the values, `sha256` that of the file."""

    model_config = ConfigDict(extra="forbid")

    rows: Annotated[int, Field(gt=0)]
    first: int
    last: int
    gap_count: Count
    gaps: list[DayGap]
    source: str
    content: Sha256
    sha256: Sha256


class Manifest(BaseModel):
    """A symbol's days by ISO date."""

    model_config = ConfigDict(extra="forbid")

    version: int = VERSION
    symbol: str
    rows: Count = 0
    first: int | None = None
    last: int | None = None
    days: dict[str, Day] = {}

    def with_days(self, days: dict[str, Day]) -> Manifest:
        """These days instead of or beside those that are here, with the totals to match."""
        merged = dict(sorted({**self.days, **days}.items()))
        ordered = list(merged.values())
        return Manifest(
            symbol=self.symbol,
            rows=sum(day.rows for day in ordered),
            first=ordered[0].first if ordered else None,
            last=ordered[-1].last if ordered else None,
            days=merged,
        )

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """The manifest of a folder, None when it has none. Raises DataError when it cannot be used."""
        path = folder / NAME
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise DataError(f"cannot be read ({problem.strerror})", where=str(path)) from None
        try:
            manifest = cls.model_validate_json(text)
        except ValidationError as problem:
            error = problem.errors(include_url=False)[0]
            place = ".".join(map(str, error["loc"]))
            raise DataError(
                f"is not a usable manifest ({place + ': ' if place else ''}{error['msg']})",
                where=str(path),
                remedy="import the symbol again into an empty folder",
            ) from None
        if manifest.version != VERSION:
            raise DataError(f"has version {manifest.version}", where=str(path), expected=f"version {VERSION}")
        return manifest

    def write(self, folder: Path) -> None:
        """Replace the manifest of a folder in one step."""
        part = folder / (NAME + ".part")
        with part.open("w", encoding="utf-8") as file:
            file.write(self.model_dump_json(indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(folder / NAME)
