"""Which columns a file has and what they mean: one module for each publisher of files.

The first rows of a file flow in, a `Layout` flows out. It must not know how files are read or what becomes of the rows.
"""

from __future__ import annotations

from collections.abc import Mapping

from qkt.core.errors import DataError
from qkt.data.layouts import binance, dukascopy, histdata, metatrader, named
from qkt.data.layouts.layout import BAR_FIELDS, TICK_FIELDS, Head, Layout
from qkt.data.layouts.mapping import mapped, parse_mapping

RECOGNISERS = (metatrader.recognise, dukascopy.recognise, binance.recognise, histdata.recognise, named.recognise)
KNOWN = (
    "timestamp,symbol,price,volume,bid,ask,bidVolume,askVolume",
    "ts_ms,bid,ask[,bid_vol,ask_vol]",
    "ts_ms,open,high,low,close[,volume]",
    "exports of Dukascopy, MetaTrader, HistData and Binance",
)
MAPPING_REMEDY = "name the columns with --columns ts=COLUMN,bid=COLUMN,ask=COLUMN (or price, or open, high, low, close)"

__all__ = ["BAR_FIELDS", "MAPPING_REMEDY", "TICK_FIELDS", "Head", "Layout", "detect", "mapped", "named", "parse_mapping"]


def detect(head: Head, mapping: Mapping[str, str] | None, where: str) -> Layout:
    """The layout of a text file. Raises DataError when unsure, naming the layouts that are known."""
    if mapping:
        return mapped(mapping, head.first, head.delimiter, where)
    for recognise in RECOGNISERS:
        layout = recognise(head)
        if layout is not None:
            return layout
    first = head.delimiter.join(head.first)
    shown = first if len(first) <= 80 else first[:77] + "..."
    raise DataError(
        f"the columns are not recognised, the first line is '{shown}'",
        where=where,
        expected=f"one of: {'; '.join(KNOWN)}",
        remedy=MAPPING_REMEDY,
    )
