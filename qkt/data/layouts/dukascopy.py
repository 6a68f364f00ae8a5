"""Exports of Dukascopy's historical data page and of JForex.

Ticks `Gmt time,Ask,Bid,AskVolume,BidVolume` with `01.05.2017 23:00:00.095`; candles `Gmt time,Open,High,Low,Close,Volume`.
With local time the first column is `Local time` and each value ends in its offset, `01.12.2017 00:00:00.192 GMT+0100`.
JForex names the zone in brackets, `Time (EET)` or `Time (UTC)`. Facts from files and readers in public repositories, among
them the header and time patterns of the C++ project forexio (datetime examples above). Volumes are millions of the base.
"""

from __future__ import annotations

import re

from qkt.data.layouts.layout import Head, Layout

ZONES = {"gmt time": "UTC", "local time": None, "eet": "EET", "utc": "UTC", "gmt": "UTC"}


def recognise(head: Head) -> Layout | None:
    """A layout when the header is Dukascopy's."""
    names = [name.strip() for name in head.first]
    time = names[0].lower()
    match = re.fullmatch(r"time \((\w+)\)", time)
    zone_name = match[1] if match else time
    if zone_name not in ZONES or (match is None and zone_name in ("eet", "utc", "gmt")):
        return None
    lower = {re.sub(r"[^a-z]", "", name.lower()): name for name in names}
    if {"ask", "bid"} <= lower.keys():
        kind, wanted = "ticks", {"bid": "bid", "ask": "ask", "bid_volume": "bidvolume", "ask_volume": "askvolume"}
    elif {"open", "high", "low", "close"} <= lower.keys():
        kind, wanted = "bars", {name: name for name in ("open", "high", "low", "close", "volume")}
    else:
        return None
    fields = {field: lower[name] for field, name in wanted.items() if name in lower}
    columns = tuple(head.first)
    return Layout(f"Dukascopy {kind}", columns, (columns[0],), fields, head.delimiter, zone=ZONES[zone_name])
