"""The clock of a trade server: its wall time, written as if it were an epoch, on everything it sends and takes."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from qkt.core.errors import QktError

HOUR_MS = 3_600_000
QUARTER_MS = HOUR_MS // 4
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

    def _offset(self, utc: int) -> int:
        """Zones change at quarters of an hour; the last one asked for is kept."""
        quarter = utc // QUARTER_MS
        if quarter != self._kept[0]:
            when = dt.datetime.fromtimestamp(quarter * QUARTER_MS / 1000, tz=self._zone).utcoffset()
            assert when is not None
            self._kept = quarter, round(when.total_seconds() * 1000) + self._ahead
        return self._kept[1]
