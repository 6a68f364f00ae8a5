"""CALENDAR_WINDOW, SESSION_WINDOW and LAST_TRADING_DAY_OF_MONTH, whose arguments are written-out integers."""

from __future__ import annotations

from qkt.lang import tree
from qkt.lang.values import ClockWindow

# The allowed range of each argument.
CLOCK_WINDOWS: dict[str, tuple[tuple[int, int], ...]] = {
    "CALENDAR_WINDOW": ((1, 12), (1, 31), (1, 12), (1, 31)),
    "SESSION_WINDOW": ((0, 23), (0, 59), (0, 23), (0, 59)),
    "LAST_TRADING_DAY_OF_MONTH": (),
}


def clock_window(node: tree.Call) -> ClockWindow | None:
    """The window of a call, None for arguments that do not fit, which the parser has reported."""
    name = node.name.text.upper()
    ranges = CLOCK_WINDOWS[name]
    bounds = [int(a.text) for a in node.args if isinstance(a, tree.Number) and a.text.isdigit()]
    inside = [low <= value <= high for value, (low, high) in zip(bounds, ranges, strict=False)]
    if len(node.args) != len(ranges) or len(bounds) != len(ranges) or not all(inside):
        return None
    if name == "LAST_TRADING_DAY_OF_MONTH":
        return ClockWindow("last_trading_day")
    if name == "CALENDAR_WINDOW":
        return ClockWindow("calendar", bounds[0] * 100 + bounds[1], bounds[2] * 100 + bounds[3])
    return ClockWindow("session", bounds[0] * 60 + bounds[1], bounds[2] * 60 + bounds[3])
