"""Times as files write them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from qkt.core.errors import UsageError
from qkt.data.times import Zone, parse_utc


@pytest.mark.parametrize(
    ("zone", "utc_hour"),
    [
        ("UTC", 12),
        ("+02:00", 10),
        ("-05:00", 17),
        ("+3", 9),
        ("+05:30", 6.5),
        ("Europe/Athens", 9),
        ("Etc/GMT+5", 17),
        ("America/New_York+07:00", 9),
    ],
)
def test_noon_of_a_summer_day(zone: str, utc_hour: float) -> None:
    noon = parse_utc("2024-07-10T12:00")
    assert Zone(zone).to_utc(np.array([noon])).tolist() == [parse_utc("2024-07-10") + round(utc_hour * 3_600_000)]


def test_wall_time_follows_daylight_saving() -> None:
    walls = np.array([parse_utc(text) for text in ("2024-03-31T02:59:59", "2024-03-31T04:00")])
    assert np.diff(Zone("Europe/Athens").to_utc(walls)).tolist() == [1_000]


@pytest.mark.parametrize("zone", ["Mars", "", "../etc", "+25:99x"])
def test_other_zones_do_not_exist(zone: str) -> None:
    with pytest.raises(UsageError, match="no time zone"):
        Zone(zone)


def test_moments() -> None:
    assert parse_utc("2024-01-10") == dt.datetime(2024, 1, 10, tzinfo=dt.UTC).timestamp() * 1000
    assert parse_utc("2024-01-10T02:00+02:00") == parse_utc("2024-01-10")
    with pytest.raises(UsageError, match="'yesterday' is no time"):
        parse_utc("yesterday")
