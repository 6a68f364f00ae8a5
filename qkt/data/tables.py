"""Market data in columns: what every source hands on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]


# Above this the product below loses its fraction: prices beyond 45 million have no eighth decimal to round to.
WHOLE = 2.0**52


@dataclass(frozen=True, slots=True, eq=False)
class TickTable:
    """Consecutive ticks of one symbol, sorted by `ts`; row i of every column is the same tick.

    `ts` epoch ms. `price` the row's own price, else the middle of its quote. `bid` and `ask` are None when no row has a
    quote, NaN in the rows without one when only some have. `volume` the row's own volume, else the sum of the sizes at
    bid and ask; None when no row has any, NaN in rows without. `bid_size` and `ask_size` are those sizes, in the unit of the
    file, which is taken as lots. Treat the arrays as read-only.
    """

    ts: Ints
    price: Floats
    bid: Floats | None = None
    ask: Floats | None = None
    volume: Floats | None = None
    bid_size: Floats | None = None
    ask_size: Floats | None = None

    def __len__(self) -> int:
        return len(self.ts)

    def slice(self, a: int, b: int) -> TickTable:
        """Rows a to b, without copying."""
        return TickTable(self.ts[a:b], self.price[a:b], *(_part(column, a, b) for column in self.optional()))

    def optional(self) -> tuple[Floats | None, ...]:
        """The columns that may be missing, in the order of the fields."""
        return self.bid, self.ask, self.volume, self.bid_size, self.ask_size

    def between(self, start: int | None, end: int | None) -> TickTable:
        """Rows with start <= ts < end; None leaves a side open."""
        a = 0 if start is None else int(np.searchsorted(self.ts, start))
        b = len(self) if end is None else int(np.searchsorted(self.ts, end))
        return self if (a, b) == (0, len(self)) else self.slice(a, max(a, b))


def joined(tables: Sequence[TickTable]) -> TickTable:
    """Consecutive tables as one, an empty one of none."""
    if not tables:
        return TickTable(np.empty(0, np.int64), np.empty(0))
    columns = zip(*(table.optional() for table in tables), strict=True)
    lengths = [len(table) for table in tables]
    return TickTable(
        np.concatenate([table.ts for table in tables]),
        np.concatenate([table.price for table in tables]),
        *(_joined_optional(parts, lengths) for parts in columns),
    )


def _joined_optional(parts: Sequence[Floats | None], lengths: Sequence[int]) -> Floats | None:
    if all(part is None for part in parts):
        return None
    pairs = zip(parts, lengths, strict=True)
    return np.concatenate([np.full(length, np.nan) if part is None else part for part, length in pairs])


@dataclass(frozen=True, slots=True, eq=False)
class BarTable:
    """Consecutive closed bars of one symbol, sorted by `start` (epoch ms); each covers [start, start + duration) ms."""

    start: Ints
    duration: int
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats | None = None

    def __len__(self) -> int:
        return len(self.start)

    def slice(self, a: int, b: int) -> BarTable:
        """Rows a to b, without copying."""
        return BarTable(
            self.start[a:b],
            self.duration,
            self.open[a:b],
            self.high[a:b],
            self.low[a:b],
            self.close[a:b],
            _part(self.volume, a, b),
        )

    def between(self, start: int | None, end: int | None) -> BarTable:
        """Bars that begin in [start, end); None leaves a side open."""
        a = 0 if start is None else int(np.searchsorted(self.start, start))
        b = len(self) if end is None else int(np.searchsorted(self.start, end))
        return self.slice(a, max(a, b))


def mid_price(bid: float, ask: float) -> float:
    """The middle of a quote at 8 decimals, half-even, as the nearest double.

    Half the sum of two doubles often misses the double nearest to the decimal middle by one unit in the last place, and
    then an order resting exactly at the middle would not see its price.
    """
    points = (bid + ask) * 5e7
    return round(points) / 1e8 if points < WHOLE else (bid + ask) / 2


def mid_prices(bid: Floats, ask: Floats) -> Floats:
    """`mid_price` of whole columns, with the same bits."""
    mids: Floats = bid + ask
    mids *= 5e7
    huge = mids >= WHOLE
    np.rint(mids, out=mids)
    mids /= 1e8
    if huge.any():
        mids[huge] = (bid[huge] + ask[huge]) / 2
    return mids


def _part(column: Floats | None, a: int, b: int) -> Floats | None:
    return None if column is None else column[a:b]
