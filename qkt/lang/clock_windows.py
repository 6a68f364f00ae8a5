"""CALENDAR_WINDOW, SESSION_WINDOW and LAST_TRADING_DAY_OF_MONTH, whose arguments are written-out integers."""

from __future__ import annotations

from qkt.lang import tree
from qkt.lang.codes import Problems
from qkt.lang.values import ClockWindow

# The allowed range of each argument.
CLOCK_WINDOWS: dict[str, tuple[tuple[int, int], ...]] = {
    "CALENDAR_WINDOW": ((1, 12), (1, 31), (1, 12), (1, 31)),
    "SESSION_WINDOW": ((0, 23), (0, 59), (0, 23), (0, 59)),
    "LAST_TRADING_DAY_OF_MONTH": (),
}
FORMS = {
    "CALENDAR_WINDOW": "CALENDAR_WINDOW(month, day, month, day)",
    "SESSION_WINDOW": "SESSION_WINDOW(hour, minute, hour, minute)",
    "LAST_TRADING_DAY_OF_MONTH": "LAST_TRADING_DAY_OF_MONTH()",
}


def clock_window(node: tree.Call, problems: Problems) -> ClockWindow | None:
    """The window of a call, None after reporting what is wrong with it."""
    name = node.name.text.upper()
    ranges = CLOCK_WINDOWS[name]
    bounds = [int(a.value) for a in node.args if isinstance(a, tree.Number) and a.value == a.value.to_integral_value()]
    inside = [low <= value <= high for value, (low, high) in zip(bounds, ranges, strict=False)]
    if len(node.args) != len(ranges) or len(bounds) != len(ranges) or not all(inside):
        expected = f"expected {FORMS[name]}" + (" with whole numbers in range, written out" if ranges else "")
        problems.error("QKT0309", node.name.span, f"{name} does not take these arguments", expected)
        return None
    if name == "LAST_TRADING_DAY_OF_MONTH":
        return ClockWindow("last_trading_day")
    if name == "CALENDAR_WINDOW":
        return ClockWindow("calendar", bounds[0] * 100 + bounds[1], bounds[2] * 100 + bounds[3])
    return ClockWindow("session", bounds[0] * 60 + bounds[1], bounds[2] * 60 + bounds[3])
