"""Rows of a running engine as tables for a terminal: plain text, numbers to the right, unknown as a hyphen, nothing cut off."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = (), empty: str) -> None:
    """A table with the columns named in `right` aligned to the right, or a sentence when there are no rows."""
    found = [tuple(row) for row in rows]
    if not found:
        print(empty)
        return
    cells = [tuple(header), *(tuple(printable(cell) for cell in row) for row in found)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        placed = (
            cell.rjust(width) if name in right else cell.ljust(width)
            for name, cell, width in zip(header, row, widths, strict=True)
        )
        print("  ".join(placed).rstrip())


def printable(text: str) -> str:
    """Text from outside without what could steer a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def signed(value: Decimal | None) -> str:
    """Money with its sign; zero has none."""
    if value is None:
        return "-"
    return f"{value:+,.2f}" if value else "0.00"


def exact(value: Decimal | None) -> str:
    """A price or quantity without zeros that say nothing."""
    return "-" if value is None else format(value.normalize(), "f")


def money(value: Decimal | None) -> str:
    """An amount without a sign of its own."""
    return "-" if value is None else f"{value:,.2f}"


def percent(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:.2f}%"


def moment(ts: int | None) -> str:
    """A UTC time, seconds."""
    return "-" if ts is None else dt.datetime.fromtimestamp(ts / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")


def clock(ts: int | None) -> str:
    return "-" if ts is None else dt.datetime.fromtimestamp(ts / 1000, dt.UTC).strftime("%H:%M:%S")


def span(milliseconds: int) -> str:
    """A length of time in its two greatest units."""
    seconds = max(milliseconds, 0) // 1000
    if seconds < 60:
        return f"{seconds}s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes}m{seconds:02}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h{minutes:02}m"
    return f"{hours // 24}d{hours % 24:02}h"
