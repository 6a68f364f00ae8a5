"""Terms of overnight financing: in what it is quoted, at what rate from when on, and at which instants it is booked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from qkt.core.timeframe import MINUTE_MS
from qkt.core.zones import local_date, local_instant

SATURDAY = 5


class SwapMode(StrEnum):
    """What a financing rate means.

    POINTS: points a lot and night. PERCENT: percent points a year of the notional at the last price. FUNDING: percent
    points of that notional at each funding time, as perpetual futures have it. Positive is a credit in all of them.
    """

    POINTS = "points"
    PERCENT = "percent"
    FUNDING = "funding"


@dataclass(frozen=True, slots=True)
class SwapRate:
    """The rates of a long and a short position that hold from `since` (epoch ms) on, in the unit of the mode."""

    since: int
    long: Decimal
    short: Decimal


def rate_at(rates: Sequence[SwapRate], ts: int) -> SwapRate | None:
    """The rate in force at an instant; `rates` are in order of time. None before the first of them."""
    return next((rate for rate in reversed(rates) if rate.since <= ts), None)


@dataclass(frozen=True, slots=True)
class Rollovers:
    """The instants at which financing is booked.

    Every `every_minutes` (a whole part of a day), counted from `minute` after midnight of each day of `zone`, so that a
    daily one follows daylight saving. Without `weekends` those on a Saturday or Sunday of the zone book nothing.
    """

    zone: str = "UTC"
    minute: int = 21 * 60
    every_minutes: int = 24 * 60
    weekends: bool = False

    def next(self, ts: int) -> int:
        """The first of them strictly after `ts` (epoch ms)."""
        if self.zone == "UTC":
            step, offset = self.every_minutes * MINUTE_MS, self.minute * MINUTE_MS
            return ts - (ts - offset) % step + step
        day = local_date(ts, self.zone) - dt.timedelta(days=1)
        while True:
            for minute in range(self.minute, 24 * 60, self.every_minutes):
                at = local_instant(day, minute, self.zone)
                if at > ts:
                    return at
            day += dt.timedelta(days=1)

    def nights(self, at: int, triple_day: int | None) -> int:
        """How many nights the rollover at this instant counts: none at the weekend, three on the triple day (Monday 0)."""
        if self.weekends:
            return 1
        weekday = local_date(at, self.zone).weekday()
        return 0 if weekday >= SATURDAY else 3 if weekday == triple_day else 1
