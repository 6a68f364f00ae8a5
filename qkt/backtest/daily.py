"""A run day by day, UTC."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from qkt.backtest.curve import EquityCurve
from qkt.core.numbers import EXACT, ZERO
from qkt.core.timeframe import DAY_MS
from qkt.ledger import FinancingRow, TradeRow


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day. `pnl` is the change of equity over it, open profit, costs and financing included; `realized` what its
    fills realized net of their costs, `financing` what its rollovers booked. Account currency."""

    date: dt.date
    pnl: float
    realized: Decimal
    fills: int
    financing: Decimal = ZERO


def days_of(curve: EquityCurve, trades: Sequence[TradeRow], financing: Sequence[FinancingRow] = ()) -> tuple[Day, ...]:
    """The days that have a sample of the curve, a fill or a rollover. A sample on midnight ends the day before it."""
    ends = (curve.times[1:] - 1) // DAY_MS
    lasts = np.flatnonzero(np.append(ends[1:] != ends[:-1], True)) if len(ends) else ends
    closing = dict(zip(ends[lasts].tolist(), curve.values[1:][lasts].tolist(), strict=True))
    fills = Counter(row.timestamp // DAY_MS for row in trades)
    realized = _by_day((row.timestamp, row.realized) for row in trades)
    financed = _by_day((row.timestamp, row.amount) for row in financing)
    days = []
    before = float(curve.values[0]) if len(curve) else 0.0
    for day in sorted(closing.keys() | realized.keys() | financed.keys()):
        after = closing.get(day, before)
        date = dt.date(1970, 1, 1) + dt.timedelta(days=day)
        days.append(Day(date, round(after - before, 8), realized.get(day, ZERO), fills[day], financed.get(day, ZERO)))
        before = after
    return tuple(days)


def _by_day(amounts: Iterable[tuple[int, Decimal]]) -> dict[int, Decimal]:
    """Sums by UTC day."""
    sums: dict[int, Decimal] = {}
    for ts, amount in amounts:
        day = ts // DAY_MS
        sums[day] = EXACT.add(sums.get(day, ZERO), amount)
    return sums
