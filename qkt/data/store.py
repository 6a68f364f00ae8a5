"""The tick store: a folder for each symbol, in it a Parquet file for each UTC day and a manifest.

A day is imported, replaced or refused as a whole. Nothing becomes visible before the whole import was read without an
error; files and manifest are put in place by renaming. One process at a time imports into a symbol's folder.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qkt.core.errors import DataError, UsageError
from qkt.core.instruments import bare
from qkt.core.locks import lock
from qkt.core.timeframe import DAY_MS
from qkt.data.day_file import FIELDS, content_sha256, file_sha256, read_day, write_day
from qkt.data.files import VOLUMES, FileTicks
from qkt.data.report import DataReport
from qkt.data.rows import Columns, between, join, part, tick_table
from qkt.data.sources import TickSource
from qkt.data.tables import TickTable

if TYPE_CHECKING:
    from qkt.data.manifest import Day, Manifest

LOCK = ".lock"
"""In a symbol's folder: held by the import that writes there."""
PATIENCE = 60.0
"""Seconds that an import waits for another of the same symbol."""


def default_root() -> Path:
    """QKT_DATA_DIR, else the user's data folder."""
    chosen = os.environ.get("QKT_DATA_DIR")
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_data_path

    return user_data_path("qkt", appauthor=False) / "ticks"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Days (ISO dates) by what an import did with them."""

    symbol: str
    added: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that verification found wrong with a day."""

    symbol: str
    day: str
    text: str


class Store:
    """The ticks under one folder."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or default_root()

    def symbols(self) -> list[str]:
        """Symbols with at least one day, sorted."""
        if not self.root.is_dir():
            return []
        return sorted(folder.name for folder in self.root.iterdir() if (folder / "manifest.json").is_file())

    def manifest(self, symbol: str) -> Manifest:
        """What is known of a symbol's days. Raises DataError when the store does not have it."""
        from qkt.data.manifest import Manifest

        manifest = Manifest.read(self._folder(symbol))
        if manifest is None:
            have = ", ".join(self.symbols()) or "nothing yet"
            raise DataError(
                f"there is no {bare(symbol)}",
                where=str(self.root),
                expected=f"one of: {have}",
                remedy="import files with qkt data import",
            )
        return manifest

    def source(self, symbol: str) -> TickSource:
        """The stored ticks of a symbol. Raises DataError when the store does not have it."""
        return StoreTicks(self._folder(symbol), self.manifest(symbol))

    def add(self, source: FileTicks, *, replace: bool = False) -> ImportResult:
        """Import a source's days.

        A day that is already there with the same values stays as it is. One with other values is replaced when `replace`
        says so, else the import is refused with a DataError and nothing changes. Imports of one symbol take turns; one that
        has waited for another for a minute is refused too.
        """
        symbol = bare(source.symbol).upper()
        folder = self._folder(symbol)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with open(folder / LOCK, "ab") as turn:
                if not lock(turn, PATIENCE):
                    raise DataError(
                        f"another import of {symbol} is under way", where=str(folder), remedy="import again when it has ended"
                    )
                return _import(source, symbol, folder, replace)
        except OSError as problem:
            raise DataError(f"cannot be written ({problem.strerror})", where=str(folder)) from None

    def verify(self, symbol: str) -> list[Problem]:
        """Recompute checksums, counts and order of each day of a symbol."""
        manifest, folder = self.manifest(symbol), self._folder(symbol)
        problems = []
        for day, entry in manifest.days.items():
            texts = _check(folder / f"{day}.parquet", day, entry)
            problems += [Problem(manifest.symbol, day, text) for text in texts]
        for path in sorted(folder.glob("*.parquet")):
            if path.stem not in manifest.days:
                problems.append(Problem(manifest.symbol, path.stem, "is not in the manifest"))
        return problems

    def _folder(self, symbol: str) -> Path:
        name = bare(symbol).upper()
        if not re.fullmatch(r"[A-Z0-9][A-Z0-9._#+-]*", name):
            raise UsageError(f"'{symbol}' cannot be a symbol of the store", expected="letters, digits and . _ # + -")
        return self.root / name


class StoreTicks:
    """A stored symbol as a `TickSource`, a day at a time."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.symbol = manifest.symbol
        self.volume = True
        self.observed = False
        self._folder = folder
        self._manifest = manifest
        self.report = DataReport(self.symbol, [str(folder)], "store")

    def columns(self, start: int | None = None, end: int | None = None) -> Iterator[Columns]:
        """Rows with start <= ts < end with everything that was imported of them, day by day."""
        fields = [field for field in FIELDS if self.volume or field not in VOLUMES]
        for day, entry in self._manifest.days.items():
            if (start is not None and entry.last < start) or (end is not None and entry.first >= end):
                continue
            columns = between(read_day(self._folder / f"{day}.parquet", fields), start, end)
            if len(columns["ts"]):
                yield columns

    def tables(self, start: int | None = None, end: int | None = None) -> Iterator[TickTable]:
        """See `TickSource`."""
        self.report = DataReport(self.symbol, [str(self._folder)], "store")
        for columns in self.columns(start, end):
            table = tick_table(columns)
            self.report.rows += len(table)
            self.report.saw(table.ts)
            if table.bid is None:
                self.report.warn("no quotes: orders fill at the price of the tick, without a spread")
            yield table


def _import(source: FileTicks, symbol: str, folder: Path, replace: bool) -> ImportResult:
    """Import into a folder that nobody else writes to."""
    from qkt.data.manifest import Manifest

    manifest = Manifest.read(folder) or Manifest(symbol=symbol)
    result = ImportResult(symbol)
    staged: dict[str, Day] = {}
    parts: dict[str, Path] = {}
    try:
        for day, columns in _by_day(source.columns()):
            held = manifest.days.get(day)
            content = content_sha256(columns)
            if held is not None and held.content == content:
                result.unchanged.append(day)
                continue
            if held is not None and not replace:
                raise DataError(
                    f"{day} is in the store with other values ({held.rows:,} rows from {held.source})",
                    where=symbol,
                    remedy="replace whole days with --replace",
                )
            (result.added if held is None else result.replaced).append(day)
            parts[day] = folder / f".{day}.parquet.part"
            staged[day] = _describe(symbol, columns, source, content, write_day(parts[day], columns))
        for day, part_file in parts.items():
            part_file.replace(folder / f"{day}.parquet")
        if staged:
            manifest.with_days(staged).write(folder)
    finally:
        for part_file in parts.values():
            part_file.unlink(missing_ok=True)
    return result


def _by_day(blocks: Iterator[Columns]) -> Iterator[tuple[str, Columns]]:
    """The same rows cut at midnight UTC, each day whole."""
    held: Columns | None = None
    for block in blocks:
        rest = block if held is None else join(held, block)
        days = rest["ts"] // DAY_MS
        cuts = np.flatnonzero(days[1:] != days[:-1]) + 1
        for a, b in zip([0, *cuts[:-1].tolist()], cuts.tolist(), strict=False):
            yield _iso(int(days[a])), part(rest, slice(a, b))
        held = part(rest, slice(int(cuts[-1]) if len(cuts) else 0, None))
    if held is not None:
        yield _iso(int(held["ts"][0]) // DAY_MS), held


def _describe(symbol: str, columns: Columns, source: FileTicks, content: str, sha256: str) -> Day:
    from qkt.data.manifest import Day, DayGap

    report = DataReport(symbol)
    report.saw(columns["ts"])
    first, last = int(columns["ts"][0]), int(columns["ts"][-1])
    return Day(
        rows=len(columns["ts"]),
        first=first,
        last=last,
        gap_count=report.gap_count,
        gaps=[DayGap(start=gap.start, end=gap.end, open_ms=gap.open_ms) for gap in report.gaps],
        source=", ".join(path.name for path in source.files_of(first, last)),
        content=content,
        sha256=sha256,
    )


def _check(path: Path, day: str, entry: Day) -> list[str]:
    """What is wrong with one day's file."""
    try:
        same_bytes = file_sha256(path) == entry.sha256
    except OSError:
        return ["the file is missing"]
    try:
        columns = read_day(path)
    except DataError as problem:
        return [problem.found]
    problems = [] if same_bytes else ["the file's checksum is not that of the manifest"]
    ts = columns["ts"]
    if len(ts) != entry.rows:
        problems.append(f"holds {len(ts):,} rows, the manifest says {entry.rows:,}")
    if content_sha256(columns) != entry.content:
        problems.append("the values are not those that were imported")
    if len(ts) and (ts[1:] < ts[:-1]).any():
        problems.append("the rows are not in order of time")
    if len(ts) and {_iso(int(edge) // DAY_MS) for edge in (ts.min(), ts.max())} != {day}:
        problems.append("holds rows of another day")
    return problems


def _iso(day: int) -> str:
    return (dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat()
