"""Exports of MetaTrader's symbol window (View, Symbols, Ticks or Bars, Export) and of MetaTrader 4's history centre.

MetaTrader 5 writes tab-separated text with names in angle brackets. Ticks are
`<DATE> <TIME> <BID> <ASK> <LAST> <VOLUME> <FLAGS>`, `2022.11.10 15:00:00.017 0.86682 0.86712   6`; a blank cell says that the
value did not change with this tick, and LAST and VOLUME are blank or 0 for what is only quoted. The flags are those of
MqlTick (mql5.com/en/docs/constants/structures/mqltick): 2 bid, 4 ask, 8 last, 16 volume, 32 buy, 64 sell. Bars are
`<DATE> <TIME> <OPEN> <HIGH> <LOW> <CLOSE> <TICKVOL> <VOL> <SPREAD>`; prices of bars are bids, daily and longer bars have no
TIME. MetaTrader 4 writes bars without a header, `2012.02.01,00:00,open,high,low,close,volume`.

All times are the broker's server time, which no file names.
"""

from __future__ import annotations

import re

from qkt.data.layouts.layout import Head, Layout, is_number, positions

BARS = {"open": "<OPEN>", "high": "<HIGH>", "low": "<LOW>", "close": "<CLOSE>", "volume": "<TICKVOL>"}
TICKS = {"price": "<LAST>", "volume": "<VOLUME>", "bid": "<BID>", "ask": "<ASK>"}


def recognise(head: Head) -> Layout | None:
    """A layout for MetaTrader's headers, and for the headerless bars of MetaTrader 4."""
    names = head.first
    if "<DATE>" not in names:
        return _version_4(head)
    times = tuple(name for name in ("<DATE>", "<TIME>") if name in names)
    kind, wanted = ("bars", BARS) if "<OPEN>" in names else ("ticks", TICKS)
    fields = {field: column for field, column in wanted.items() if column in names}
    if kind == "ticks":
        if not {"bid", "ask"} <= fields.keys():
            return None
        blanks = frozenset({"price", "volume", "bid", "ask"})
        return Layout("MetaTrader 5 ticks", names, times, fields, head.delimiter, zone=None, carries=True, zero_is_blank=blanks)
    return Layout("MetaTrader 5 bars", names, times, fields, head.delimiter, zone=None)


def _version_4(head: Head) -> Layout | None:
    first = head.first
    if len(first) != 7 or not re.fullmatch(r"\d{4}\.\d\d\.\d\d", first[0]) or not re.fullmatch(r"\d\d:\d\d", first[1]):
        return None
    if not all(is_number(cell) for cell in first[2:]):
        return None
    names = positions(7)
    fields = dict(zip(("open", "high", "low", "close", "volume"), names[2:], strict=True))
    return Layout("MetaTrader 4 bars", names, names[:2], fields, head.delimiter, header=False, zone=None)
