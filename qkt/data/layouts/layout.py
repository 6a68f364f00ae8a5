"""What a file's columns mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

TICK_FIELDS = ("symbol", "price", "volume", "bid", "ask", "bid_volume", "ask_volume")
BAR_FIELDS = ("symbol", "open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one kind of file.

    `columns` names all of them in order, `times` those that make up the time (joined by a space), `fields` maps our names
    (TICK_FIELDS or BAR_FIELDS) to theirs. `zone` is that of times without an offset of their own, None when the format
    does not say. With `carries` a blank quote means that it did not change. In `zero_is_blank` fields 0 says that there is
    no value. `duration` is the length of bars in ms where the format fixes it.
    """

    name: str
    columns: tuple[str, ...]
    times: tuple[str, ...]
    fields: Mapping[str, str]
    delimiter: str = ","
    header: bool = True
    zone: str | None = "UTC"
    carries: bool = False
    zero_is_blank: frozenset[str] = field(default_factory=frozenset)
    duration: int | None = None

    @property
    def bars(self) -> bool:
        return "open" in self.fields

    def position(self, column: str) -> int:
        return self.columns.index(column)


@dataclass(frozen=True, slots=True)
class Head:
    """The first rows of a file, cut into cells."""

    delimiter: str
    rows: Sequence[Sequence[str]]

    @property
    def first(self) -> tuple[str, ...]:
        return tuple(cell.strip() for cell in self.rows[0])


def positions(count: int) -> tuple[str, ...]:
    """Names for the columns of a file without a header: 1, 2, 3 …"""
    return tuple(str(number + 1) for number in range(count))


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
