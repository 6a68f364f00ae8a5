"""Sources over files: one symbol's rows out of one or more files, judged, ordered and joined in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Protocol

import numpy as np

from qkt.core.errors import DataError
from qkt.data.layouts import BAR_FIELDS, TICK_FIELDS, Layout
from qkt.data.ordering import TOLERANCE_MS, in_order
from qkt.data.parquet_file import ParquetFile
from qkt.data.report import DataReport
from qkt.data.rows import Batch, Columns, between, join, part, tick_table
from qkt.data.sifting import sift
from qkt.data.tables import BarTable, Flags, Ints, TickTable
from qkt.data.text_file import TextFile
from qkt.data.times import Zone

LARGEST_BAD_SHARE = 0.01
VOLUMES = frozenset({"volume", "bid_volume", "ask_volume"})


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are to be read.

    `mapping` from our fields to the file's columns where detection is not wanted; `zone` of times that carry none;
    `tolerance` ms that a row may come too late and still be moved to its place.
    """

    mapping: Mapping[str, str] | None = None
    zone: str | None = None
    tolerance: int = TOLERANCE_MS


class DataFile(Protocol):
    """A file of rows, of whatever encoding."""

    path: Path
    layout: Layout
    zone: Zone
    zone_assumed: bool

    def first_ts(self) -> int: ...

    def symbols(self) -> list[str]: ...

    def batches(self, fields: Sequence[str], start: int | None, end: int | None) -> Iterator[Batch]: ...


def open_file(path: Path, reading: Reading) -> DataFile:
    """A file by its content: Parquet, or text. Raises DataError when it is neither."""
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
    except OSError as problem:
        raise DataError(f"cannot be read ({problem.strerror})", where=str(path)) from None
    kind = ParquetFile if magic == b"PAR1" or path.suffix == ".parquet" else TextFile
    return kind(path, reading.mapping, reading.zone)


class _SymbolFiles:
    """What ticks and bars of files have in common. `key` is the symbol to pick from files that hold several."""

    def __init__(self, symbol: str, files: Sequence[DataFile], reading: Reading, key: str | None, notes: Sequence[str]) -> None:
        self.symbol = symbol
        self.volume = True
        self.observed = False
        starts = [(file.first_ts(), file) for file in files]
        starts.sort(key=lambda start: start[0])
        self._starts = [ts for ts, _ in starts]
        self._files = [file for _, file in starts]
        self._reading = reading
        self._key = key
        self._notes = notes
        self.report = self._new_report()

    def _new_report(self) -> DataReport:
        layouts = dict.fromkeys(file.layout.name for file in self._files)
        report = DataReport(self.symbol, [str(file.path) for file in self._files], ", ".join(layouts), notes=list(self._notes))
        for file in self._files:
            if file.zone_assumed:
                report.warn(
                    f"the times of {file.layout.name} name no zone and are taken as UTC; "
                    "MetaTrader writes server time, give its zone with --zone"
                )
        return report

    def _in_order(self, start: int | None = None, end: int | None = None) -> Iterator[Columns]:
        """Good rows of all files in order; whole blocks, of which only a part may lie in [start, end)."""
        self.report = self._new_report()
        last: int | None = None
        for file in self._files:
            name = str(file.path)
            for columns in in_order(
                self._sifted(file, start, end), tolerance=self._reading.tolerance, report=self.report, source=name
            ):
                ts = columns["ts"]
                if last is not None and ts[0] < last:
                    raise DataError(
                        "goes back behind the end of the file before it",
                        where=name,
                        expected="files of one symbol that do not overlap",
                        remedy="leave one out, or import them one by one with qkt data import --replace",
                    )
                yield columns
                last = int(ts[-1])
                if end is not None and last >= end:
                    return

    def _sifted(self, file: DataFile, start: int | None, end: int | None) -> Iterator[Columns]:
        """The good rows of one file; ends with an error when too many are bad."""
        bars = file.layout.bars
        fields = BAR_FIELDS if bars else TICK_FIELDS
        wanted = [field for field in fields if self.volume or field not in VOLUMES]
        rows, bad = self.report.rows, self.report.bad
        carry = _Carry() if file.layout.carries else None
        for batch in file.batches(wanted, start, end):
            picked = batch if self._key is None else _of_symbol(batch, self._key)
            if carry is not None:
                carry.fill(picked)
            yield sift(picked, bars=bars, report=self.report, source=str(file.path), observed=self.observed)
        _refuse_if_bad(self.report, str(file.path), self.report.rows - rows, self.report.bad - bad)


class FileTicks(_SymbolFiles):
    """The ticks of one symbol in files."""

    def columns(self, start: int | None = None, end: int | None = None) -> Iterator[Columns]:
        """Good rows with start <= ts < end in order, with everything that the files say of them."""
        for block in _ahead(self._in_order(start, end)):
            columns = between(block, start, end)
            self.report.saw(columns["ts"])
            if "bid" not in columns:
                self.report.warn("no quotes: orders fill at the price of the tick, without a spread")
            if len(columns["ts"]):
                yield columns

    def files_of(self, first: int, last: int) -> list[Path]:
        """The files that hold ticks from `first` to `last`."""
        ends = [*self._starts[1:], last + 1]
        spans = zip(self._files, self._starts, ends, strict=True)
        return [file.path for file, begins, ends_at in spans if begins <= last and ends_at > first]

    def tables(self, start: int | None = None, end: int | None = None) -> Iterator[TickTable]:
        """See `TickSource`."""
        return map(tick_table, self.columns(start, end))


class FileBars(_SymbolFiles):
    """The bars of one symbol in files, held in memory once read."""

    _whole: BarTable | None = None

    @property
    def timeframe_ms(self) -> int:
        """Length of the bars, seen from their spacing where the layout does not fix it."""
        return self._read().duration

    def tables(self, start: int | None = None, end: int | None = None) -> Iterator[BarTable]:
        """See `BarSource`."""
        table = self._read().between(start, end)
        if len(table):
            yield (
                table if self.volume else BarTable(table.start, table.duration, table.open, table.high, table.low, table.close)
            )

    def _read(self) -> BarTable:
        if self._whole is None:
            self._whole = self._bars(reduce(join, self._in_order()))
            self.report.saw(self._whole.start, self._whole.duration)
            self.report.warn("bars only: prices inside a bar are not known, and there are no quotes")
        return self._whole

    def _bars(self, columns: Columns) -> BarTable:
        ts: Ints = columns["ts"]
        source = str(self._files[0].path)
        duration = next((file.layout.duration for file in self._files if file.layout.duration), None) or _spacing(ts, source)
        phases, counts = np.unique(ts % duration, return_counts=True)
        offset = phases[counts.argmax()]
        keep: Flags = np.concatenate(([True], ts[1:] > ts[:-1]))
        self._leave_out("repeated", columns, ~keep, source)
        on_grid = ts % duration == offset
        self._leave_out("off the grid of the others", columns, keep & ~on_grid, source)
        _refuse_if_bad(self.report, source, self.report.rows, self.report.bad)
        kept = part(columns, keep & on_grid)
        prices = (kept["open"], kept["high"], kept["low"], kept["close"])
        return BarTable(kept["ts"], duration, *prices, kept.get("volume"))

    def _leave_out(self, reason: str, columns: Columns, bad: Flags, source: str) -> None:
        if bad.any():
            self.report.skip(reason, source, columns["line"][bad])


class _Carry:
    """The latest quote of a file that writes only what changed."""

    def __init__(self) -> None:
        self._latest = {"bid": np.nan, "ask": np.nan}

    def fill(self, batch: Batch) -> None:
        """Put the latest quote where a row leaves it blank."""
        for field, latest in self._latest.items():
            values = batch.values.get(field, np.full(len(batch), np.nan))
            known = np.where(np.isnan(values), -1, np.arange(len(batch)))
            source = np.maximum.accumulate(known)
            filled = np.where(source < 0, latest, values[source])
            if len(filled):
                self._latest[field] = float(filled[-1])
            batch.values[field] = filled
            batch.blank[field] = np.isnan(filled)


def _of_symbol(batch: Batch, symbol: str) -> Batch:
    """Rows of one symbol, and those without a readable one, which nobody else would count."""
    if batch.symbol is None:
        return batch
    if all(name == symbol for name in batch.symbols):
        return batch
    wanted = np.array([name == symbol for name in batch.symbols] + [True])
    return batch.take(wanted[batch.symbol])


def _ahead(blocks: Iterator[Columns]) -> Iterator[Columns]:
    """The same blocks, each handed on when the next was read: a short file is judged as a whole before it is used."""
    held: Columns | None = None
    for block in blocks:
        if held is not None:
            yield held
        held = block
    if held is not None:
        yield held


def _spacing(ts: Ints, source: str) -> int:
    """The most frequent distance of bars, the least of those."""
    steps, counts = np.unique(np.diff(ts), return_counts=True)
    steps, counts = steps[steps > 0], counts[steps > 0]
    if not len(steps):
        raise DataError("holds one bar only, which does not show how long bars are", where=source, expected="two bars or more")
    return int(steps[counts.argmax()])


def _refuse_if_bad(report: DataReport, source: str, rows: int, bad: int) -> None:
    if not bad and rows:
        return
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(report.skipped.items()))
    examples = [place for places in report.examples.values() for place in places if place.startswith(source + ":")]
    shown = f", such as {min(examples, key=_line)}" if examples else ""
    if bad >= rows:
        raise DataError(f"none of {rows:,} rows is usable ({reasons or 'no rows of the symbol'}{shown})", where=source)
    if bad > LARGEST_BAD_SHARE * rows:
        raise DataError(
            f"{bad:,} of {rows:,} rows are bad ({bad / rows:.1%}: {reasons}{shown})",
            where=source,
            expected=f"at most {LARGEST_BAD_SHARE:.0%} bad rows",
            remedy="mend the file, or check that its columns are what their names say",
        )


def _line(place: str) -> int:
    return int(place.rpartition(":")[2])
