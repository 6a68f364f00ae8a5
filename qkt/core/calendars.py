"""When markets are open: session ends for DAY orders, open time for gaps, minutes a year for annualisation.

Times are epoch milliseconds UTC.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from qkt.core.instruments import bare
from qkt.core.timeframe import DAY_MS, FIRST_MONDAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS

MINUTES_PER_YEAR = 525_960  # of 365.25 days


class Calendar(Protocol):
    """A market's sessions."""

    @property
    def name(self) -> str: ...

    @property
    def minutes_per_year(self) -> float:
        """Minutes of trading in a year, the base of annualisation."""
        ...

    def is_open(self, ts: int) -> bool: ...

    def next_close(self, ts: int) -> int:
        """The first session end after `ts`: when an order for the DAY that is placed at `ts` expires."""
        ...

    def open_ms_between(self, a: int, b: int) -> int:
        """How much of [a, b) the market was open."""
        ...


class AlwaysOpen:
    """Never closes; a day ends at 00:00 UTC."""

    name = "CRYPTO"
    minutes_per_year = float(MINUTES_PER_YEAR)

    def is_open(self, ts: int) -> bool:  # noqa: ARG002 - the protocol's signature
        return True

    def next_close(self, ts: int) -> int:
        return ts - ts % DAY_MS + DAY_MS

    def open_ms_between(self, a: int, b: int) -> int:
        return max(0, b - a)


class FxWeek:
    """Sunday 22:00 to Friday 22:00 UTC without daylight saving; a trading day ends at 22:00 UTC."""

    name = "FX"
    minutes_per_year = MINUTES_PER_YEAR * 5 / 7
    _OPENS = FIRST_MONDAY_MS - 2 * HOUR_MS
    _LENGTH = 5 * DAY_MS

    def is_open(self, ts: int) -> bool:
        return (ts - self._OPENS) % WEEK_MS < self._LENGTH

    def next_close(self, ts: int) -> int:
        into_week = (ts - self._OPENS) % WEEK_MS
        days_into_week = into_week // DAY_MS if into_week < self._LENGTH else 7  # the weekend waits for Monday
        return ts - into_week + (days_into_week + 1) * DAY_MS

    def open_ms_between(self, a: int, b: int) -> int:
        return max(0, self._open_before(b) - self._open_before(a))

    def _open_before(self, ts: int) -> int:
        weeks, rest = divmod(ts - self._OPENS, WEEK_MS)
        return weeks * self._LENGTH + min(rest, self._LENGTH)


class NyseSessions:
    """Monday to Friday 09:30 to 16:00 New York time, without the exchange's holidays. Half days count as whole ones.

    Holidays after the exchange's own rules (nyse.com, "Holidays & Trading Hours"): fixed dates on a Sunday move to the
    Monday, on a Saturday to the Friday, but New Year's Day on a Saturday is not made up for.
    """

    name = "NYSE"
    # 252 sessions of 390 minutes, the usual count.
    minutes_per_year = 252.0 * 390.0

    def is_open(self, ts: int) -> bool:
        return any(start <= ts < end for start, end in self._around(ts, ts + 1))

    def next_close(self, ts: int) -> int:
        return next(end for _, end in self._around(ts, ts + 14 * DAY_MS) if end > ts)

    def open_ms_between(self, a: int, b: int) -> int:
        return sum(max(0, min(b, end) - max(a, start)) for start, end in self._around(a, b))

    def _around(self, a: int, b: int) -> Iterator[tuple[int, int]]:
        """Sessions from the day of `a` to the day of `b`."""
        for year in range(_day(a).year, _day(b).year + 1):
            sessions = nyse_sessions(year)
            first = bisect_right(sessions, (a - DAY_MS, 0))
            for session in sessions[first:]:
                if session[0] >= b:
                    return
                yield session


FX = FxWeek()
CRYPTO = AlwaysOpen()
NYSE = NyseSessions()

# First match wins; what matches nothing trades the FX week.
CALENDARS: tuple[tuple[str, Calendar], ...] = (
    *((pattern, CRYPTO) for pattern in ("BTC*", "ETH*", "*USDT", "*USDC")),
    *((pattern, NYSE) for pattern in ("US500*", "US30*", "US100*", "US2000*", "NAS100*", "SPX*", "SP500*", "NDX*", "DJ30*")),
)


def calendar_for(symbol: str) -> Calendar:
    """The calendar of a symbol, found by its bare name."""
    name = bare(symbol).upper()
    return next((calendar for pattern, calendar in CALENDARS if fnmatchcase(name, pattern)), FX)


@lru_cache(maxsize=64)
def nyse_sessions(year: int) -> tuple[tuple[int, int], ...]:
    """Start and end of every session of a year, oldest first."""
    zone = ZoneInfo("America/New_York")
    closed = nyse_holidays(year)
    sessions = []
    day = dt.date(year, 1, 1)
    while day.year == year:
        if day.weekday() < 5 and day not in closed:
            opens = dt.datetime.combine(day, dt.time(9, 30), zone)
            start = int(opens.timestamp()) * 1000
            sessions.append((start, start + 390 * MINUTE_MS))
        day += dt.timedelta(days=1)
    return tuple(sessions)


def nyse_holidays(year: int) -> frozenset[dt.date]:
    """The days of a year on which the exchange stays closed by rule."""
    fixed = [dt.date(year, 7, 4), dt.date(year, 12, 25)]
    if year >= 2022:
        fixed.append(dt.date(year, 6, 19))
    days = {_observed(day) for day in fixed}
    new_year = dt.date(year, 1, 1)
    if new_year.weekday() != 5:
        days.add(_observed(new_year))
    days |= {
        _nth_monday(year, 1, 3),  # Martin Luther King, Jr. Day
        _nth_monday(year, 2, 3),  # Washington's Birthday
        easter_sunday(year) - dt.timedelta(days=2),  # Good Friday
        _last_monday_of_may(year),  # Memorial Day
        _nth_monday(year, 9, 1),  # Labor Day
        _nth_weekday(year, 11, 4, weekday=3),  # Thanksgiving Day
    }
    return frozenset(days)


def easter_sunday(year: int) -> dt.date:
    """Gregorian Easter by the anonymous algorithm (Meeus, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return dt.date(year, month, day + 1)


def _observed(day: dt.date) -> dt.date:
    return day + dt.timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


def _nth_weekday(year: int, month: int, n: int, weekday: int) -> dt.date:
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _nth_monday(year: int, month: int, n: int) -> dt.date:
    return _nth_weekday(year, month, n, weekday=0)


def _last_monday_of_may(year: int) -> dt.date:
    last = dt.date(year, 5, 31)
    return last - dt.timedelta(days=last.weekday())


def _day(ts: int) -> dt.date:
    return dt.datetime.fromtimestamp(ts / 1000, dt.UTC).date()
