"""Files whose header says what is in them: our own layouts, and any other with names that leave no doubt.

Ours are `timestamp,symbol,price,volume,bid,ask,bidVolume,askVolume`, the compact `ts_ms,bid,ask[,bid_vol,ask_vol]` and the
bars `ts_ms,open,high,low,close[,volume|ticks]`. The same names cover dukascopy-node (`timestamp,askPrice,bidPrice,
askVolume,bidVolume`, github.com/Leo4815162342/dukascopy-node) and duka (`time,ask,bid,ask_volume,bid_volume`,
github.com/giuse88/duka).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from qkt.data.layouts.layout import BAR_FIELDS, TICK_FIELDS, Head, Layout

# Names without case, spaces and punctuation, the most telling first.
TIMES = ("tsms", "timestamp", "ts", "datetime", "time", "date")
NAMES = {
    "symbol": ("symbol", "instrument", "ticker"),
    "price": ("price",),
    "volume": ("volume", "vol", "qty", "quantity", "ticks", "tickvolume"),
    "bid": ("bid", "bidprice"),
    "ask": ("ask", "askprice"),
    "bid_volume": ("bidvolume", "bidvol"),
    "ask_volume": ("askvolume", "askvol"),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close",),
}


def recognise(head: Head) -> Layout | None:
    """A layout when the header names a time and bars, quotes or prices."""
    return layout_of(head.first, head.delimiter)


def layout_of(columns: Sequence[str], delimiter: str = ",") -> Layout | None:
    """The layout of a header."""
    known = {re.sub(r"[^a-z]", "", column.lower()): column for column in columns}
    times = _times(known)
    found = {field: known[name] for field, names in NAMES.items() for name in reversed(names) if name in known}
    if not times:
        return None
    if {"open", "high", "low", "close"} <= found.keys():
        return Layout("bars by header", tuple(columns), times, _these(BAR_FIELDS, found), delimiter)
    if {"bid", "ask"} <= found.keys() or "price" in found:
        return Layout("ticks by header", tuple(columns), times, _these(TICK_FIELDS, found), delimiter)
    return None


def _these(fields: Iterable[str], found: dict[str, str]) -> dict[str, str]:
    return {field: found[field] for field in fields if field in found}


def _times(known: dict[str, str]) -> tuple[str, ...]:
    if "date" in known and "time" in known:
        return known["date"], known["time"]
    return next(((known[name],) for name in TIMES if name in known), ())
