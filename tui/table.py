"""What a table is: columns that turn a row of the control API into text with a role, and the order they can sort by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple, Protocol

from tui.glyphs import UNICODE, Glyphs
from tui.viewmodel import View

Units = Literal["money", "points", "r", "percent"]
UNITS: tuple[Units, ...] = ("money", "points", "r", "percent")


class Keyed(Protocol):
    """What can stand in a table: something with a name of its own."""

    @property
    def key(self) -> str: ...


class Cell(NamedTuple):
    """Text of one cell and the role that colours it. The text alone says it all."""

    text: str
    role: str = "text"


@dataclass(frozen=True, slots=True)
class Context:
    """What a cell may look at besides its row."""

    view: View
    glyphs: Glyphs = UNICODE
    units: Units = "money"
    # On a slow line nothing is drawn that only pleases.
    thrifty: bool = False

    @property
    def now(self) -> int:
        return self.view.ts


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `rank` says when it gives way: 0 never does. `point` aligns numbers on the decimal point.

    `live` marks what changes with time alone, such as an age.
    """

    title: str
    cell: Callable[[Any, Context], Cell | str]
    sort: Callable[[Any], Any] | None = None
    width: int = 0
    right: bool = False
    point: bool = False
    rank: int = 0
    live: bool = False
    # A column of words may be cut to this width; figures never are.
    most: int | None = None
    # A column of words that takes the room that is left.
    stretch: bool = False
    # Rows come in the order of this column: sorted by it, a new one stands where it belongs, and the others make room.
    arrives: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A kind of row: where it comes from, its columns, and what is said when there is none."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Callable[[View], Iterable[Keyed]]
    empty: str
    order: str = ""
    descending: bool = True
    mark: Callable[[Any, Context], str] = field(default=lambda row, context: "")
    role: Callable[[Any, Context], str | None] = field(default=lambda row, context: None)
    note: Callable[[Sequence[Any], Context], str] = field(default=lambda rows, context: "")
    # Tables of the control API whose change may change these rows.
    reads: tuple[str, ...] = ()

    # The key of the row that a row stands beneath, for tables that are trees.
    parent: Callable[[Any], str | None] | None = None

    def column(self, title: str) -> Column | None:
        return next((column for column in self.columns if column.title == title), None)

    def depends(self) -> tuple[str, ...]:
        return self.reads or (self.name,)


def signed(value: Decimal | None) -> str:
    """The role of a profit or loss."""
    return "text" if not value else "up" if value > 0 else "down"


def ordered(rows: Iterable[Keyed], column: Column | None, descending: bool) -> list[Keyed]:
    """Rows by a column, equal ones by key; rows without a value last."""
    found = sorted(rows, key=lambda row: row.key)
    if column is None or column.sort is None:
        return found
    of = column.sort
    known = [row for row in found if of(row) is not None]
    known.sort(key=of, reverse=descending)
    return known + [row for row in found if of(row) is None]


def nested(rows: Sequence[Keyed], parent: Callable[[Any], str | None]) -> list[Keyed]:
    """The same rows, each beneath its parent; one whose parent is not shown stands where it stood."""
    shown = {row.key for row in rows}
    children: dict[str, list[Keyed]] = {}
    for row in rows:
        if (above := parent(row)) in shown and above is not None:
            children.setdefault(above, []).append(row)
    below = {row.key for group in children.values() for row in group}
    return [one for row in rows if row.key not in below for one in (row, *children.get(row.key, ()))]


def kept_order(old: Sequence[str], rows: Sequence[Keyed]) -> list[Keyed]:
    """Known rows in the places they have, new ones after them in the order they come."""
    by_key = {row.key: row for row in rows}
    kept = [by_key.pop(key) for key in old if key in by_key]
    return kept + list(by_key.values())
