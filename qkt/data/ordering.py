"""Rows in order of time. Small disorder is sorted out, rows that are far out of place are left out; both are counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from qkt.data.report import DataReport
from qkt.data.rows import Columns, join, part
from qkt.data.tables import Ints

TOLERANCE_MS = 1_000
OUT_OF_ORDER = "out of order"
# Rounds of taking out single misplaced rows, before whatever is still late goes at once.
ROUNDS = 16


def in_order(blocks: Iterable[Columns], *, tolerance: int, report: DataReport, source: str) -> Iterator[Columns]:
    """The rows of all blocks sorted by `ts`, equal times in file order, in blocks again.

    A row that comes up to `tolerance` ms too late is moved, one beyond it is skipped. A block is handed on when the next
    one is known, or the end.
    """
    current: Columns | None = None
    floor = 0
    for block in blocks:
        if not len(block["ts"]):
            continue
        if current is not None and _sorted(block["ts"]) and block["ts"][0] >= current["ts"][-1]:
            yield current
            floor, current = int(current["ts"][-1]), block
            continue
        joined = block if current is None else join(current, block)
        current = _settle(joined, floor, tolerance, report, source)
        final = int(np.searchsorted(current["ts"], current["ts"][-1] - tolerance)) if len(current["ts"]) else 0
        if joined is not block and final:
            yield part(current, slice(None, final))
            floor, current = int(current["ts"][final - 1]), part(current, slice(final, None))
        elif not len(current["ts"]):
            current = None
    if current is not None:
        yield current


def _settle(columns: Columns, floor: int, tolerance: int, report: DataReport, source: str) -> Columns:
    """Sort the rows and leave out the misplaced ones. `floor` is the time up to which rows were handed on."""
    ts = columns["ts"]
    if ts[0] >= floor and _sorted(ts):
        return columns
    kept = _in_place(ts, tolerance)
    kept = kept[ts[kept] >= floor]
    if len(kept) < len(ts):
        dropped = np.ones(len(ts), bool)
        dropped[kept] = False
        report.skip(OUT_OF_ORDER, source, columns["line"][dropped])
    times = ts[kept]
    report.reordered += int((times < np.maximum.accumulate(times)).sum()) if len(times) else 0
    return part(columns, kept[np.argsort(times, kind="stable")])


def _in_place(ts: Ints, tolerance: int) -> Ints:
    """Indices of the rows that are not far out of place.

    Where time falls back by more than the tolerance one of the two rows is wrong: the earlier one if the later goes on from
    the row before it, else the later one. What is still late after some rounds of this is dropped.
    """
    kept = np.arange(len(ts))
    for _ in range(ROUNDS):
        times = ts[kept]
        falls = np.flatnonzero(times[:-1] > times[1:] + tolerance)
        if not len(falls):
            return kept
        before = np.where(falls > 0, times[falls - 1], np.iinfo(np.int64).min // 2)
        spike = times[falls + 1] >= before - tolerance
        wrong = np.zeros(len(kept), bool)
        wrong[np.where(spike, falls, falls + 1)] = True
        kept = kept[~wrong]
    times = ts[kept]
    return kept[times >= np.maximum.accumulate(times) - tolerance]


def _sorted(ts: Ints) -> bool:
    return bool((ts[1:] >= ts[:-1]).all())
