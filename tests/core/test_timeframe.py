"""The UTC grid."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qkt.core.errors import UsageError
from qkt.core.timeframe import Timeframe


def ms(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("timeframe", "at", "start"),
    [
        ("5m", "2024-01-10T09:04:59.999", "2024-01-10T09:00"),
        ("5m", "2024-01-10T09:05", "2024-01-10T09:05"),
        ("4h", "2024-01-10T03:59", "2024-01-10T00:00"),
        ("1d", "2024-01-10T23:59", "2024-01-10T00:00"),
        ("1w", "2024-01-14T23:59", "2024-01-08T00:00"),
        ("1w", "2024-01-15T00:00", "2024-01-15T00:00"),
    ],
)
def test_windows_start_on_the_grid_and_weeks_on_monday(timeframe: str, at: str, start: str) -> None:
    assert Timeframe.parse(timeframe).window_start(ms(at)) == ms(start)


@given(st.sampled_from(["1s", "7s", "3m", "90m", "5h", "2d", "1w", "2w"]), st.integers(0, 4 * 10**12))
def test_a_time_lies_in_its_window(text: str, ts: int) -> None:
    frame = Timeframe.parse(text)
    start = frame.window_start(ts)
    assert start <= ts < start + frame.ms
    assert frame.window_start(start) == start


@pytest.mark.parametrize("text", ["", "m", "0m", "5", "5M", "-5m", "1.5h", "5min", "٣m"])
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(UsageError, match="expected a whole number"):
        Timeframe.parse(text)
