"""Dates of instants, in UTC."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from functools import lru_cache

from qkt.core.timeframe import DAY_MS

EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
FRIDAY = 4


@lru_cache(maxsize=64)
def _date(day: int) -> date:
    return date.fromordinal(EPOCH_ORDINAL + day)


def month(ts: int) -> int:
    return _date(ts // DAY_MS).month


def day(ts: int) -> int:
    return _date(ts // DAY_MS).day


def days_in_month(ts: int) -> int:
    on = _date(ts // DAY_MS)
    return monthrange(on.year, on.month)[1]


def month_and_day(ts: int) -> int:
    """month * 100 + day, which orders the days of a year."""
    on = _date(ts // DAY_MS)
    return on.month * 100 + on.day


def is_last_trading_day(ts: int) -> bool:
    """The month's last day from Monday to Friday; holidays are not known."""
    on = _date(ts // DAY_MS)
    last = on.replace(day=monthrange(on.year, on.month)[1])
    back = max(0, last.weekday() - FRIDAY)
    return on.day == last.day - back
