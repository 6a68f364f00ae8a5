"""Fields of NOW and windows of the clock as Python text. The evaluation time is the candle's end."""

from __future__ import annotations

from qkt.lang.code import COMPARE, MUL, NOT, Code
from qkt.lang.values import ClockWindow

FIELDS = {
    "epoch_ms": Code("candle.end"),
    "minute_utc": Code("candle.end // 60000 % 60", MUL),
    "hour_utc": Code("candle.end // 3600000 % 24", MUL),
    "date_utc": Code("candle.end // 86400000", MUL),
    # 1970-01-01 was a Thursday.
    "weekday": Code("(candle.end // 86400000 + 3) % 7", MUL),
}
MINUTE_OF_DAY = "candle.end // 60000 % 1440"
MONTH_AND_DAY = "calendar.month_and_day(candle.end)"


def clock_field(field: str) -> Code:
    """An int."""
    return FIELDS.get(field) or Code(f"calendar.{field}(candle.end)")


def clock_window(window: ClockWindow) -> Code:
    """Whether the time is inside; a window whose end is before its start goes over midnight or the new year."""
    if window.kind == "last_trading_day":
        return Code("calendar.is_last_trading_day(candle.end)")
    now = MINUTE_OF_DAY if window.kind == "session" else MONTH_AND_DAY
    if window.first <= window.last:
        return Code(f"{window.first} <= {now} <= {window.last}", COMPARE)
    return Code(f"not {window.last} < {now} < {window.first}", NOT)
