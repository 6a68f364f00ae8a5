"""Days and times of day in a time zone."""

from __future__ import annotations

import datetime as dt
from functools import cache
from zoneinfo import ZoneInfo

from qkt.core.timeframe import DAY_MS

EPOCH_DAY = dt.date(1970, 1, 1).toordinal()


def local_date(ts: int, zone: str) -> dt.date:
    """The day of the zone that holds an instant (epoch ms)."""
    if zone == "UTC":
        return dt.date.fromordinal(EPOCH_DAY + ts // DAY_MS)
    return dt.datetime.fromtimestamp(ts / 1000, _zone(zone)).date()


def local_instant(day: dt.date, minute: int, zone: str) -> int:
    """A time of day in a zone, in minutes after midnight, as epoch ms. An hour that the change of clocks skips counts from
    before the change; of one that comes twice the first is meant."""
    local = dt.datetime.combine(day, dt.time(minute // 60, minute % 60), _zone(zone))
    return round(local.timestamp() * 1000)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
