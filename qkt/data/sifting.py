"""Good rows from bad ones. Bad rows are left out and counted by reason, never mended."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qkt.data.report import DataReport
from qkt.data.rows import Batch, Columns
from qkt.data.tables import Flags
from qkt.data.times import UNREADABLE

UNREADABLE_ROW = "unreadable"
NOT_POSITIVE = "not positive"
PRICES = ("open", "high", "low", "close")
SIZES = ("volume", "bid_volume", "ask_volume")


def sift(batch: Batch, *, bars: bool, report: DataReport, source: str, observed: bool = False) -> Columns:
    """The good rows of a batch as columns; the bad ones are counted in the report under the first reason that holds.
    `observed` values are no prices and may be zero or negative."""
    report.rows += len(batch) + len(batch.lost)
    columns: Columns = {"ts": batch.ts, "line": batch.line, **batch.values}
    if _spotless(batch, bars):
        return columns
    good = np.ones(len(batch), bool)
    for reason, flags in _flaws(batch, bars):
        if observed and reason is NOT_POSITIVE:
            continue
        bad = flags & good
        lines = batch.line[bad]
        if reason is UNREADABLE_ROW and len(batch.lost):
            lines = np.sort(np.concatenate((lines, batch.lost)))
        if len(lines):
            report.skip(reason, source, lines)
            good &= ~flags
    return {name: values[good] for name, values in columns.items()}


def _spotless(batch: Batch, bars: bool) -> bool:
    """Whether a look at the extremes shows that nothing is wrong. NaN fails each comparison."""
    values = batch.values
    if not len(batch) or len(batch.lost) or batch.broken is not None or batch.blank or batch.ts.min() <= UNREADABLE:
        return False
    if bars or not ("price" in values or "bid" in values) or ("bid" in values) != ("ask" in values):
        return False
    if batch.symbol is not None and batch.symbol.min() < 0:
        return False
    for field, column in values.items():
        least = column.min()
        if not (column.max() < np.inf and (least >= 0.0 if field in SIZES else least > 0.0)):
            return False
    return "bid" not in values or bool((values["bid"] <= values["ask"]).all())


def _flaws(batch: Batch, bars: bool) -> Iterator[tuple[str, Flags]]:
    """Reasons and where they hold."""
    values = batch.values
    unreadable = batch.ts <= UNREADABLE
    if batch.broken is not None:
        unreadable |= batch.broken
    if batch.symbol is not None:
        unreadable |= batch.symbol < 0
    yield UNREADABLE_ROW, unreadable
    for field, column in values.items():
        yield "not finite", ~np.isfinite(column) & ~batch.missing(field)
    yield "without a price", _priceless(batch, bars)
    for field, column in values.items():
        if field in SIZES:
            yield "of negative volume", column < 0.0
        else:
            yield NOT_POSITIVE, column <= 0.0
    if bars and values.keys() >= set(PRICES):
        top = np.maximum(values["open"], values["close"])
        bottom = np.minimum(values["open"], values["close"])
        yield "with a high or low inside the bar", (values["high"] < top) | (values["low"] > bottom)
    elif "bid" in values and "ask" in values:
        yield "crossed", values["bid"] > values["ask"]


def _priceless(batch: Batch, bars: bool) -> Flags:
    """Bars need all four prices; ticks a price or both quotes, and never half a quote."""
    if bars:
        complete: Flags = np.all([~batch.missing(field) for field in PRICES], axis=0)
        return ~complete
    bid, ask = batch.missing("bid"), batch.missing("ask")
    priceless: Flags = (bid != ask) | (batch.missing("price") & bid)
    return priceless
