"""Lengths of time as people write them."""

from __future__ import annotations

import re

from qkt.core.errors import UsageError
from qkt.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS

UNITS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}


def span_ms(text: str, option: str, *, zero: bool = False) -> int:
    """Milliseconds of `90d`, `12h`, `30m` or `2w`. Raises UsageError, naming the option, for anything else and for nothing at
    all unless `zero` may stand."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([mhdw])", text.strip().lower())
    length = round(float(match[1]) * UNITS[match[2]]) if match else 0
    if match is None and not (zero and text.strip() == "0"):
        raise UsageError(f"{option} is '{text}'", expected="a length of time such as 90d, 12h or 2w")
    if length == 0 and not zero:
        raise UsageError(f"{option} is '{text}'", expected="more than nothing")
    return length
