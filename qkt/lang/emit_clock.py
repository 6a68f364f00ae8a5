"""Fields of NOW and windows of the clock as Python text. The frame says what names the evaluation time (epoch ms)."""

from __future__ import annotations

from qkt.lang.code import COMPARE, MUL, NOT, Code
from qkt.lang.values import ClockWindow

FIELDS = {
    "minute_utc": "{0} // 60000 % 60",
    "hour_utc": "{0} // 3600000 % 24",
    "date_utc": "{0} // 86400000",
    # 1970-01-01 was a Thursday.
    "weekday": "({0} // 86400000 + 3) % 7",
}
MINUTE_OF_DAY = "{0} // 60000 % 1440"
MONTH_AND_DAY = "calendar.month_and_day({0})"


def clock_field(field: str, instant: str) -> Code:
    """An int."""
    if field == "epoch_ms":
        return Code(instant)
    text = FIELDS.get(field)
    return Code(f"calendar.{field}({instant})") if text is None else Code(text.format(instant), MUL)


def clock_window(window: ClockWindow, instant: str) -> Code:
    """Whether the time is inside; a window whose end is before its start goes over midnight or the new year."""
    if window.kind == "last_trading_day":
        return Code(f"calendar.is_last_trading_day({instant})")
    now = (MINUTE_OF_DAY if window.kind == "session" else MONTH_AND_DAY).format(instant)
    if window.first <= window.last:
        return Code(f"{window.first} <= {now} <= {window.last}", COMPARE)
    return Code(f"not {window.last} < {now} < {window.first}", NOT)
