"""Exports of Dukascopy's historical data page and of JForex.

Ticks `Gmt time,Ask,Bid,AskVolume,BidVolume` with `01.05.2017 23:00:00.095`; candles `Gmt time,Open,High,Low,Close,Volume`.
With local time the first column is `Local time` and each value ends in its offset, `01.12.2017 00:00:00.192 GMT+0100`.
JForex names the zone in brackets, `Time (EET)` or `Time (UTC)`. Facts from files and readers in public repositories, among
them the header and time patterns of the C++ project forexio (datetime examples above). Volumes are millions of the base.
"""

from __future__ import annotations

import re

from qkt.data.layouts.layout import Head, Layout

TICKS = {"bid": "bid", "ask": "ask", "bid_volume": "bidvolume", "ask_volume": "askvolume"}
BARS = {name: name for name in ("open", "high", "low", "close", "volume")}


def recognise(head: Head) -> Layout | None:
    """A layout when the header is Dukascopy's."""
    time = re.fullmatch(r"(gmt|local) time|time \((eet|utc|gmt)\)", head.first[0].lower())
    if time is None:
        return None
    names = {re.sub(r"[^a-z]", "", name.lower()): name for name in head.first}
    if {"ask", "bid"} <= names.keys():
        kind, wanted = "ticks", TICKS
    elif {"open", "high", "low", "close"} <= names.keys():
        kind, wanted = "bars", BARS
    else:
        return None
    fields = {field: names[name] for field, name in wanted.items() if name in names}
    zone = {"local": None, "eet": "EET"}.get(time[1] or time[2], "UTC")
    return Layout(f"Dukascopy {kind}", head.first, head.first[:1], fields, head.delimiter, zone=zone)
