"""The instants at which clauses of SCHEDULE fire."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from qkt.lang.recurrence import Daily, Hourly


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def shown(instant: int) -> str:
    return datetime.fromtimestamp(instant / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def seconds(hour: int, minute: int = 0, second: int = 0) -> int:
    return hour * 3600 + minute * 60 + second


@pytest.mark.parametrize(
    ("after", "expected"),
    [("2024-01-10T10:01:00", "2024-01-10T10:01:00"), ("2024-01-10T10:01:01", "2024-01-10T11:01:00")],
)
def test_every_hour(after: str, expected: str) -> None:
    assert shown(Hourly(1).at_or_after(ms(after), None)) == expected


@pytest.mark.parametrize(
    ("zone", "after", "expected"),
    [
        ("UTC", "2024-01-10T09:00:00", "2024-01-10T09:30:00"),
        ("UTC", "2024-01-10T09:30:00", "2024-01-10T09:30:00"),
        ("UTC", "2024-01-10T09:30:01", "2024-01-11T09:30:00"),
        ("NY", "2024-01-10T00:00:00", "2024-01-10T14:30:00"),
        ("NY", "2024-07-10T00:00:00", "2024-07-10T13:30:00"),
        ("LONDON", "2024-07-10T00:00:00", "2024-07-10T08:30:00"),
        ("CHICAGO", "2024-01-10T00:00:00", "2024-01-10T15:30:00"),
        # Local dates: 09:30 of the 11th in Tokyo and Sydney is still the 10th or the night before in UTC.
        ("TOKYO", "2024-01-10T01:00:00", "2024-01-11T00:30:00"),
        ("SYDNEY", "2024-01-10T01:00:00", "2024-01-10T22:30:00"),
    ],
)
def test_every_day_in_its_zone(zone: str, after: str, expected: str) -> None:
    assert shown(Daily((seconds(9, 30),), zone, weekdays=False).at_or_after(ms(after), None)) == expected


def test_a_time_that_the_clocks_skip_moves_on_by_the_gap() -> None:
    # New York went from 02:00 to 03:00 on 2024-03-10; 02:30 is 03:30 daylight time.
    assert shown(Daily((seconds(2, 30),), "NY", weekdays=False).at_or_after(ms("2024-03-10T00:00:00"), None)) == (
        "2024-03-10T07:30:00"
    )


def test_a_time_that_the_clocks_show_twice_is_the_first_of_both() -> None:
    # New York went from 02:00 back to 01:00 on 2024-11-03.
    daily = Daily((seconds(1, 30),), "NY", weekdays=False)
    first = daily.at_or_after(ms("2024-11-03T00:00:00"), None)
    assert shown(first) == "2024-11-03T05:30:00"
    assert shown(daily.at_or_after(first + 1, None)) == "2024-11-04T06:30:00"


def test_weekdays_are_those_of_the_local_date() -> None:
    # Friday 2024-01-12, 20:00 in New York is Saturday in UTC, and counts; then comes Monday evening.
    evening = Daily((seconds(20),), "NY", weekdays=True)
    friday = evening.at_or_after(ms("2024-01-12T12:00:00"), None)
    assert shown(friday) == "2024-01-13T01:00:00"
    assert shown(evening.at_or_after(friday + 1, None)) == "2024-01-16T01:00:00"


def test_several_times_of_a_day_come_in_their_order() -> None:
    daily = Daily((seconds(18, 45, 30), seconds(7), seconds(10, 30)), "UTC", weekdays=False)
    at = ms("2024-01-10T00:00:00")
    found = []
    for _ in range(4):
        at = daily.at_or_after(at, None)
        found.append(shown(at))
        at += 1
    assert found == ["2024-01-10T07:00:00", "2024-01-10T10:30:00", "2024-01-10T18:45:30", "2024-01-11T07:00:00"]


def test_the_brokers_zone_is_that_of_the_server() -> None:
    daily = Daily((seconds(0),), "BROKER", weekdays=False)
    assert shown(daily.at_or_after(ms("2024-01-10T00:00:00"), "Europe/Athens")) == "2024-01-10T22:00:00"
