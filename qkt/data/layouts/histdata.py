"""Files of HistData.com, which have no header.

After its "Data Files – Detailed Specification" (histdata.com/f-a-q/data-files-detailed-specification): generic ASCII ticks
are `20120201 000003660,bid,ask,volume`, one-minute bars `20120201 000000;open;high;low;close;volume` of bids; the zone is
Eastern Standard Time without daylight saving, UTC-5 all year. Volume is always 0.
"""

from __future__ import annotations

import re

from qkt.core.timeframe import MINUTE_MS
from qkt.data.layouts.layout import Head, Layout, positions

EASTERN_STANDARD = "-05:00"


def recognise(head: Head) -> Layout | None:
    """A layout when the first row begins with HistData's date and time."""
    first = head.first
    names = positions(len(first))
    if len(first) in (3, 4) and re.fullmatch(r"\d{8} \d{9}", first[0]):
        fields = {"bid": "2", "ask": "3"}
        return Layout("HistData ticks", names, ("1",), fields, head.delimiter, header=False, zone=EASTERN_STANDARD)
    if len(first) in (5, 6) and re.fullmatch(r"\d{8} \d{6}", first[0]):
        fields = dict(zip(("open", "high", "low", "close", "volume"), names[1:], strict=False))
        return Layout(
            "HistData bars", names, ("1",), fields, head.delimiter, header=False, zone=EASTERN_STANDARD, duration=MINUTE_MS
        )
    return None
