"""What a reading found in its data: how much was good, what was left out and why, where it is silent."""

from __future__ import annotations

import datetime as dt
import heapq
from dataclasses import dataclass, field

import numpy as np

from qkt.core.calendars import calendar_for
from qkt.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS
from qkt.data.tables import Ints

GAP_MS = 5 * MINUTE_MS
LARGEST = 5
EXAMPLES = 3


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """A silence inside the session: `open_ms` of it while the market was open, from `start` to `end` (epoch ms)."""

    open_ms: int
    start: int
    end: int


@dataclass(slots=True)
class DataReport:
    """Grows while a source is read; complete once it was read to the end of the range that was asked for.

    `rows` counts what was read, `good` what was handed on, `skipped` the bad rows by reason with a few `examples`
    (`file:line`). `reordered` rows stood a little out of order and were moved. Times are epoch ms. `gaps` holds the
    largest silences of more than five minutes while the market was open, `gap_count` counts all of them.
    """

    symbol: str
    sources: list[str] = field(default_factory=list)
    layout: str = ""
    rows: int = 0
    good: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    reordered: int = 0
    first: int | None = None
    last: int | None = None
    gap_count: int = 0
    gaps: list[Gap] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def bad(self) -> int:
        return sum(self.skipped.values())

    def skip(self, reason: str, source: str, lines: Ints) -> None:
        """Count bad rows at these lines (or row numbers, from 1) of a file."""
        self.skipped[reason] = self.skipped.get(reason, 0) + len(lines)
        examples = self.examples.setdefault(reason, [])
        examples += [f"{source}:{line}" for line in lines[: EXAMPLES - len(examples)].tolist()]

    def saw(self, ts: Ints, length: int = 0) -> None:
        """Take note of the times of rows handed on; `length` ms is what each row covers (the duration of bars)."""
        if not len(ts):
            return
        quiet = np.flatnonzero(np.diff(ts) > GAP_MS + length)
        silences = list(zip(ts[quiet].tolist(), ts[quiet + 1].tolist(), strict=True))
        if self.last is not None:
            silences.insert(0, (self.last, int(ts[0])))
        calendar = calendar_for(self.symbol)
        for before, end in silences:
            start = before + length
            silent = calendar.open_ms_between(start, end)
            if silent > GAP_MS:
                self.gap_count += 1
                self.gaps = heapq.nlargest(LARGEST, [*self.gaps, Gap(silent, start, end)])
        self.good += len(ts)
        self.first = int(ts[0]) if self.first is None else self.first
        self.last = int(ts[-1])

    def warn(self, text: str) -> None:
        """Add a warning, once."""
        if text not in self.warnings:
            self.warnings.append(text)

    def note(self, text: str) -> None:
        """Add a remark that asks for nothing, once."""
        if text not in self.notes:
            self.notes.append(text)

    def lines(self) -> list[str]:
        """The report for people."""
        name = self.symbol or "the single stream"
        span = ""
        if self.first is not None and self.last is not None:
            span = f", {_utc(self.first)} to {_utc(self.last)}"
        text = [f"{name}: {self.good:,} good of {self.rows:,} rows ({self.layout}){span}"]
        for reason, count in sorted(self.skipped.items()):
            text.append(f"  skipped {count:,} {reason}, such as {', '.join(self.examples[reason])}")
        if self.reordered:
            text.append(f"  put {self.reordered:,} rows in order")
        if self.gap_count:
            largest = self.gaps[0]
            text.append(
                f"  {self.gap_count:,} gaps of more than 5 minutes, the largest {_span(largest.open_ms)} "
                f"from {_utc(largest.start)}"
            )
        text += [f"  {note}" for note in self.notes]
        text += [f"  warning: {warning}" for warning in self.warnings]
        return text

    def as_dict(self) -> dict[str, object]:
        """The report as data, times in epoch ms."""
        return {
            "symbol": self.symbol,
            "sources": list(self.sources),
            "layout": self.layout,
            "rows": self.rows,
            "good": self.good,
            "skipped": dict(sorted(self.skipped.items())),
            "examples": {reason: list(places) for reason, places in sorted(self.examples.items())},
            "reordered": self.reordered,
            "first": self.first,
            "last": self.last,
            "gap_count": self.gap_count,
            "gaps": [{"start": gap.start, "end": gap.end, "open_ms": gap.open_ms} for gap in self.gaps],
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }


def _span(ms: int) -> str:
    for name, length in (("days", DAY_MS), ("hours", HOUR_MS)):
        if ms >= 2 * length:
            return f"{ms / length:.1f} {name}"
    return f"{ms / MINUTE_MS:.1f} minutes"


def _utc(ts: int) -> str:
    return dt.datetime.fromtimestamp(ts / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
