"""Where a trading day begins, in UTC and in zones whose clocks change."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qkt.core.daily import DailyBoundary
from qkt.core.timeframe import DAY_MS, HOUR_MS

NEW_YORK = DailyBoundary("America/New_York", 17 * 60)


def at(text: str) -> int:
    return round(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("boundary", "now", "start", "end"),
    [
        (DailyBoundary(), "2024-02-05T00:00", "2024-02-05T00:00", "2024-02-06T00:00"),
        (DailyBoundary(), "2024-02-05T23:59:59.999", "2024-02-05T00:00", "2024-02-06T00:00"),
        (DailyBoundary("UTC", 22 * 60), "2024-02-05T21:59:59.999", "2024-02-04T22:00", "2024-02-05T22:00"),
        # The clocks of New York go forward on 10 March and back on 3 November 2024.
        (NEW_YORK, "2024-03-09T21:59:59.999", "2024-03-08T22:00", "2024-03-09T22:00"),
        (NEW_YORK, "2024-03-09T22:00", "2024-03-09T22:00", "2024-03-10T21:00"),
        (NEW_YORK, "2024-03-10T21:00", "2024-03-10T21:00", "2024-03-11T21:00"),
        (NEW_YORK, "2024-11-03T12:00", "2024-11-02T21:00", "2024-11-03T22:00"),
        # An hour that is skipped counts from before the change, of one that comes twice the first is meant.
        (DailyBoundary("America/New_York", 150), "2024-03-10T12:00", "2024-03-10T07:30", "2024-03-11T06:30"),
        (DailyBoundary("America/New_York", 90), "2024-11-03T06:00", "2024-11-03T05:30", "2024-11-04T06:30"),
    ],
)
def test_a_day_runs_from_boundary_to_boundary(boundary: DailyBoundary, now: str, start: str, end: str) -> None:
    assert (boundary.start(at(now)), boundary.next(at(now))) == (at(start), at(end))


@given(
    st.sampled_from(["UTC", "America/New_York", "Europe/Athens", "Asia/Kolkata", "Australia/Lord_Howe"]),
    st.integers(0, 1439),
    st.integers(0, 1 << 41),
)
def test_an_instant_lies_in_exactly_one_day(zone: str, minute: int, ts: int) -> None:
    boundary = DailyBoundary(zone, minute)
    start, end = boundary.start(ts), boundary.next(ts)
    assert start <= ts < end
    assert abs(end - start - DAY_MS) <= HOUR_MS
    assert boundary.start(end) == end
    assert boundary.next(start) == end
