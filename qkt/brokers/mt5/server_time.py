"""The clock of a trade server: its wall time, written as if it were an epoch, on everything it sends and takes."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from qkt.core.daily import DailyBoundary
from qkt.core.errors import QktError
from qkt.core.timeframe import DAY_MS, HOUR_MS

QUARTER_MS = HOUR_MS // 4
WEEK_MS, YEAR_MS = 7 * DAY_MS, 364 * DAY_MS
NEW_YORK_CLOSE = "new_york_close"


class ServerClock:
    """Converts between epoch ms UTC and the server's ms. `zone` is an IANA name, `UTC`, or `new_york_close`: New York plus
    seven hours, so that a day ends with New York's close.

    Raises QktError for a zone that does not exist.
    """

    def __init__(self, zone: str = "UTC") -> None:
        self.zone = zone
        self._kept = (-1, 0)
        self._ahead = 7 * HOUR_MS if zone == NEW_YORK_CLOSE else 0
        try:
            self._zone = ZoneInfo("America/New_York" if self._ahead else zone)
        except (ZoneInfoNotFoundError, ValueError, IsADirectoryError):
            raise QktError(
                f"'{zone}' is no time zone", expected="an IANA name such as Europe/Athens, UTC, or new_york_close"
            ) from None

    def to_server(self, utc: int) -> int:
        return utc + self._offset(utc)

    def to_utc(self, server: int) -> int:
        """Where the clock is put back and shows an hour twice, the second one is meant; markets are closed then."""
        first = self._offset(server)
        return server - self._offset(server - first)

    def next_midnight(self, utc: int) -> int:
        """When the server's next day begins (epoch ms UTC)."""
        return self.to_utc((self.to_server(utc) // DAY_MS + 1) * DAY_MS)

    def other_day(self, day: DailyBoundary, now: int) -> str | None:
        """In a sentence that the server's day begins at another time than `day` does, in any week of the year that follows.
        None where both are one."""
        when = next((ts for ts in range(now, now + YEAR_MS, WEEK_MS) if day.next(ts) != self.next_midnight(ts)), None)
        if when is None:
            return None
        own, theirs = (dt.datetime.fromtimestamp(ts / 1000, dt.UTC) for ts in (day.next(when), self.next_midnight(when)))
        zone, starts = ("America/New_York", "17:00") if self._ahead else (self.zone, "00:00")
        return (
            f"the day of its limits begins at {day} ({own:%Y-%m-%d %H:%M} UTC), the server's at {theirs:%Y-%m-%d %H:%M} UTC: "
            f"what the account's own rules count by the day is counted otherwise here; "
            f'day_zone = "{zone}" and day_starts = "{starts}" under [risk] make both one'
        )

    def _offset(self, utc: int) -> int:
        """Zones change at quarters of an hour; the last one asked for is kept."""
        quarter = utc // QUARTER_MS
        if quarter != self._kept[0]:
            when = dt.datetime.fromtimestamp(quarter * QUARTER_MS / 1000, tz=self._zone).utcoffset()
            assert when is not None
            self._kept = quarter, round(when.total_seconds() * 1000) + self._ahead
        return self._kept[1]
