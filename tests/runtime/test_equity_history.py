"""A session's profit of the day counts by the same day as its limits."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from qkt.core.daily import DailyBoundary
from qkt.runtime.equity import EquityHistory


class Purse:
    now = Decimal(100)

    def equity(self) -> Decimal:
        return self.now

    balance = equity


def test_the_day_begins_at_the_configured_instant_through_a_change_of_clocks() -> None:
    purse = Purse()
    history = EquityHistory(purse, DailyBoundary("America/New_York", 17 * 60))
    starts = []
    # New York put its clocks forward on the tenth: its day of 23 hours ends at 21:00 UTC.
    for text in ("09T21:59", "09T22:00", "10T00:00", "10T20:59", "10T21:00", "11T20:59"):
        purse.now += 1
        history.sample(round(dt.datetime.fromisoformat(f"2024-03-{text}Z").timestamp() * 1000))
        starts.append(history.day_start)
    assert starts == [101, 102, 102, 102, 105, 105]
