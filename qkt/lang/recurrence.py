"""When clauses of SCHEDULE fire: instants of the clock in a time zone, as epoch ms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from qkt.core.timeframe import HOUR_MS, MINUTE_MS, SECOND_MS

ZONES = {
    "UTC": "UTC",
    "NY": "America/New_York",
    "LONDON": "Europe/London",
    "TOKYO": "Asia/Tokyo",
    "SYDNEY": "Australia/Sydney",
    "CHICAGO": "America/Chicago",
}
# The server's zone, which only a live account knows.
BROKER = "BROKER"
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Hourly:
    """Every UTC hour at this minute."""

    minute: int

    def at_or_after(self, ts: int, server: str | None) -> int:  # noqa: ARG002 - hours need no zone
        """The first instant at or after `ts`."""
        instant = ts // HOUR_MS * HOUR_MS + self.minute * MINUTE_MS
        return instant if instant >= ts else instant + HOUR_MS


@dataclass(frozen=True, slots=True)
class Daily:
    """Every local day, or every Monday to Friday, at these times (seconds of the day) in a zone."""

    seconds: tuple[int, ...]
    zone: str
    weekdays: bool

    def at_or_after(self, ts: int, server: str | None) -> int:
        """The first instant at or after `ts`. `server` names the zone of BROKER."""
        name = server if self.zone == BROKER else ZONES[self.zone]
        assert name is not None, "a clause in the broker's time needs to know the broker's zone"
        zone = ZoneInfo(name)
        day = datetime.fromtimestamp(ts // SECOND_MS, zone).date() - timedelta(days=1)
        while True:
            if not (self.weekdays and day.weekday() >= SATURDAY):
                later = [instant for instant in self._instants(day, zone) if instant >= ts]
                if later:
                    return min(later)
            day += timedelta(days=1)

    def _instants(self, day: date, zone: ZoneInfo) -> list[int]:
        """The instants of one local day. A time that the clocks skip moves on by what they skip; of one that they show
        twice the first counts. Both are what `fold` 0 means."""
        found = []
        for seconds in self.seconds:
            local = datetime.combine(day, time(seconds // 3600, seconds // 60 % 60, seconds % 60), zone)
            found.append(round(local.astimezone(UTC).timestamp()) * SECOND_MS)
        return found


Recurrence: TypeAlias = Hourly | Daily
