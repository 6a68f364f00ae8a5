"""A run by month, and its trades by the hour and the weekday on which they were entered (UTC)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from qkt.backtest.curve import EquityCurve
from qkt.core.numbers import total
from qkt.core.timeframe import DAY_MS, HOUR_MS
from qkt.ledger import RoundTrip

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Month:
    """The change of equity over one calendar month, in account currency and as a fraction of equity at its beginning (None when
    that was not positive)."""

    year: int
    month: int
    pnl: float
    fraction: float | None


@dataclass(frozen=True, slots=True)
class Slot:
    """The closed trades that were entered in one hour (0 to 23) or on one weekday (0 is Monday)."""

    number: int
    trades: int
    wins: int
    net: Decimal


@dataclass(frozen=True, slots=True)
class Seasons:
    """`months` are all that have a sample of the curve; `hours` and `weekdays` only those with a trade."""

    months: tuple[Month, ...]
    hours: tuple[Slot, ...]
    weekdays: tuple[Slot, ...]


def seasons_of(curve: EquityCurve, trips: Sequence[RoundTrip]) -> Seasons:
    hours = _slots(trips, lambda trip: trip.entry_time // HOUR_MS % 24)
    return Seasons(_months(curve), hours, _slots(trips, lambda trip: (trip.entry_time // DAY_MS + 3) % 7))


def _months(curve: EquityCurve) -> tuple[Month, ...]:
    closing: dict[tuple[int, int], float] = {}
    for ts, value in zip(*_day_ends(curve), strict=True):
        day = dt.date(1970, 1, 1) + dt.timedelta(days=(ts - 1) // DAY_MS)
        closing[day.year, day.month] = value
    months = []
    before = float(curve.values[0]) if len(curve) else 0.0
    for (year, month), after in closing.items():
        months.append(Month(year, month, round(after - before, 8), (after - before) / before if before > 0 else None))
        before = after
    return tuple(months)


def _day_ends(curve: EquityCurve) -> tuple[list[int], list[float]]:
    """The last sample of each UTC day after the first sample of all."""
    times, values = curve.times[1:], curve.values[1:]
    lasts = np.flatnonzero(np.diff((times - 1) // DAY_MS, append=-1) != 0)
    return times[lasts].tolist(), values[lasts].tolist()


def _slots(trips: Sequence[RoundTrip], slot: Callable[[RoundTrip], int]) -> tuple[Slot, ...]:
    found: dict[int, list[Decimal]] = defaultdict(list)
    for trip in trips:
        found[slot(trip)].append(trip.net)
    return tuple(Slot(n, len(nets), sum(net > 0 for net in nets), total(nets)) for n, nets in sorted(found.items()))
