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
    if len(node.args) != len(ranges) or len(bounds) != len(ranges):
        expected = f"expected {FORMS[name]}" + (" with whole numbers written out" if ranges else "")
        problems.error("QKT0309", node.name.span, f"{name} does not take these arguments", expected)
        return None
    for value, (low, high), arg in zip(bounds, ranges, node.args, strict=True):
        if not low <= value <= high:
            problems.error("QKT0309", arg.span, f"{value} is outside {low} to {high}", f"expected {FORMS[name]}")
            return None
    if name == "LAST_TRADING_DAY_OF_MONTH":
        return ClockWindow("last_trading_day")
    if name == "CALENDAR_WINDOW":
        return ClockWindow("calendar", bounds[0] * 100 + bounds[1], bounds[2] * 100 + bounds[3])
    return ClockWindow("session", bounds[0] * 60 + bounds[1], bounds[2] * 60 + bounds[3])
