"""Where one trading day ends and the next begins: for limits, halts, counts and profits of the day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from qkt.core.timeframe import DAY_MS, MINUTE_MS
from qkt.core.zones import local_date, local_instant

ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DailyBoundary:
    """A time of day in a zone, `minute` after midnight. The instant itself belongs to the day that begins."""

    zone: str = "UTC"
    minute: int = 0

    def start(self, ts: int) -> int:
        """When the day that holds `ts` began (epoch ms)."""
        if self.zone == "UTC":
            return ts - (ts - self.minute * MINUTE_MS) % DAY_MS
        day = local_date(ts, self.zone)
        at = local_instant(day, self.minute, self.zone)
        return at if at <= ts else local_instant(day - ONE_DAY, self.minute, self.zone)

    def next(self, ts: int) -> int:
        """The first boundary after `ts` (epoch ms)."""
        if self.zone == "UTC":
            return self.start(ts) + DAY_MS
        day = local_date(ts, self.zone)
        while True:
            at = local_instant(day, self.minute, self.zone)
            if at > ts:
                return at
            day += ONE_DAY

    def __str__(self) -> str:
        return f"{self.minute // 60:02}:{self.minute % 60:02} {self.zone}"


UTC_MIDNIGHT = DailyBoundary()
