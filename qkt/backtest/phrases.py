"""Figures as people read them. What is undefined is a dash."""

from __future__ import annotations

import datetime as dt
import textwrap
from decimal import Decimal
from itertools import pairwise

from qkt.core.numbers import plain
from qkt.core.timeframe import UNITS_MS

DASH = "-"


def amount(money: Decimal | float | None, *, signed: bool = False) -> str:
    """Money with two decimals; never a negative zero."""
    if money is None:
        return DASH
    cents = round(money, 2) or 0
    return f"{cents:+,.2f}" if signed and cents else f"{cents:,.2f}"


def percent(share: float | None, *, signed: bool = False) -> str:
    if share is None:
        return DASH
    value = round(share * 100, 2) or 0.0
    return f"{value:+,.2f} %" if signed and value else f"{value:,.2f} %"


def factor(value: float | None) -> str:
    return DASH if value is None else f"{round(value, 2) or 0.0:,.2f}"


def decimals(value: Decimal) -> int:
    """How many decimals the value needs."""
    return len(plain(value).partition(".")[2].rstrip("0"))


def price(value: Decimal, digits: int) -> str:
    """With this many decimals, two at least."""
    return f"{value:.{max(digits, 2)}f}"


def size(quantity: Decimal) -> str:
    """Lots without trailing zeros."""
    text = plain(quantity)
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(seconds: float | None) -> str:
    """The two largest units: `3 d 4 h`, `12 min 5 s`."""
    if seconds is None:
        return DASH
    left = round(seconds)
    for (unit, length), (smaller, short) in pairwise((("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))):
        if left >= length:
            rest = left % length // short
            return f"{left // length} {unit} {rest} {smaller}" if rest else f"{left // length} {unit}"
    return f"{left} s"


def timeframe(ms: int) -> str:
    """`5m`, `1h`: the largest unit that fits."""
    unit, length = next((u, n) for u, n in reversed(UNITS_MS.items()) if ms % n == 0)
    return f"{ms // length}{unit}"


def minute(ts: int) -> str:
    return dt.datetime.fromtimestamp(ts / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M")


def second(ts: int) -> str:
    return dt.datetime.fromtimestamp(ts / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")


def wrapped(text: str, indent: int, hanging: int, width: int) -> list[str]:
    """The text on lines of a width, the first one and the others indented by so many blanks."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
