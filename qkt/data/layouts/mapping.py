"""The explicit mapping, for files that no other layout fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qkt.core.errors import UsageError
from qkt.data.layouts.layout import BAR_FIELDS, TICK_FIELDS, Layout, is_number, positions

KNOWN = ("ts", *dict.fromkeys(TICK_FIELDS + BAR_FIELDS))


def parse_mapping(text: str) -> dict[str, str]:
    """`ts=time,bid=b,ask=a` as a mapping from our fields to the file's columns. Raises UsageError."""
    mapping: dict[str, str] = {}
    for part in text.split(","):
        field, equals, column = (piece.strip() for piece in part.partition("="))
        if not equals or not column or field not in KNOWN:
            raise UsageError(
                f"'{part}' in the column mapping is not understood", expected=f"FIELD=COLUMN, fields are {', '.join(KNOWN)}"
            )
        mapping[field] = column
    return mapping


def mapped(mapping: Mapping[str, str], first: Sequence[str], delimiter: str, where: str) -> Layout:
    """The layout that a mapping describes; `first` are the cells of the first row.

    Columns are named as in the header, or counted from 1 (then a first row of numbers is data). The time may span two
    columns, `ts=date+time`. Raises UsageError for columns that are not there and for mappings that make no tick or bar.
    """
    counted = all(part.isdigit() for column in mapping.values() for part in column.split("+"))
    names = positions(len(first)) if counted else tuple(cell.strip() for cell in first)
    times = tuple(mapping.get("ts", "").split("+"))
    fields = {field: column for field, column in mapping.items() if field != "ts"}
    for column in (*times, *fields.values()):
        if column not in names:
            raise UsageError(
                f"there is no column '{column}'" if column else "the column mapping gives no ts",
                where=where,
                expected=f"one of {', '.join(names)}" if column else "ts=COLUMN",
            )
    bars = "open" in fields
    needs = ({"open", "high", "low", "close"},) if bars else ({"price"}, {"bid", "ask"})
    if not any(need <= fields.keys() for need in needs):
        raise UsageError(
            "the column mapping makes neither ticks nor bars",
            where=where,
            expected="ts with price, with bid and ask, or with open, high, low and close",
        )
    header = not counted or not any(is_number(cell) for cell in first)
    kind = "bars" if bars else "ticks"
    return Layout(f"{kind} by column mapping", names, times, fields, delimiter, header=header, zone=None)
