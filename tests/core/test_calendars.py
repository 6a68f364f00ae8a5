"""Sessions of the markets."""

from __future__ import annotations

import datetime as dt

import pytest

from qkt.core.calendars import CRYPTO, FX, NYSE, calendar_for, easter_sunday, nyse_holidays
from qkt.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text + "+00:00").timestamp() * 1000)


@pytest.mark.parametrize(
    ("symbol", "calendar"),
    [
        ("EURUSD", FX),
        ("EXNESS:XAUUSD", FX),
        ("BINANCE:BTCUSDT", CRYPTO),
        ("BTCUSD", CRYPTO),
        ("SOLUSDT", CRYPTO),
        ("US500.cash", NYSE),
        ("IC:NAS100", NYSE),
    ],
)
def test_symbols_find_their_calendar(symbol: str, calendar: object) -> None:
    assert calendar_for(symbol) is calendar


def test_fx_trades_from_sunday_to_friday_at_22_utc() -> None:
    assert not FX.is_open(at("2024-01-07T21:59:59"))
    assert FX.is_open(at("2024-01-07T22:00"))
    assert FX.is_open(at("2024-01-12T21:59:59"))
    assert not FX.is_open(at("2024-01-12T22:00"))


@pytest.mark.parametrize(
    ("placed", "expires"),
    [
        ("2024-01-10T21:59", "2024-01-10T22:00"),
        ("2024-01-10T22:00", "2024-01-11T22:00"),
        ("2024-01-12T12:00", "2024-01-12T22:00"),
        ("2024-01-13T12:00", "2024-01-15T22:00"),
        ("2024-01-07T23:00", "2024-01-08T22:00"),
    ],
)
def test_an_fx_day_order_lives_until_22_utc(placed: str, expires: str) -> None:
    assert FX.next_close(at(placed)) == at(expires)


def test_a_crypto_day_ends_at_midnight() -> None:
    assert CRYPTO.next_close(at("2024-01-13T00:00")) == at("2024-01-14T00:00")
    assert CRYPTO.is_open(at("2024-01-13T03:00"))


def test_a_weekend_is_no_open_time() -> None:
    assert FX.open_ms_between(at("2024-01-12T21:00"), at("2024-01-14T23:00")) == 2 * HOUR_MS
    assert FX.open_ms_between(at("2024-01-01T00:00"), at("2024-01-15T00:00")) == 2 * 5 * DAY_MS
    assert CRYPTO.open_ms_between(5, 3) == 0


def test_new_york_sessions_follow_its_clock() -> None:
    assert not NYSE.is_open(at("2024-01-10T14:29:59"))
    assert NYSE.is_open(at("2024-01-10T14:30"))
    assert NYSE.is_open(at("2024-07-10T13:30"))
    assert not NYSE.is_open(at("2024-07-10T20:00"))
    assert NYSE.next_close(at("2024-01-12T22:00")) == at("2024-01-16T21:00")  # over Martin Luther King Day
    assert NYSE.open_ms_between(at("2023-12-29T00:00"), at("2024-01-03T00:00")) == 2 * 390 * MINUTE_MS


def test_holidays_are_those_of_the_exchange() -> None:
    days = {"01-01", "01-15", "02-19", "03-29", "05-27", "06-19", "07-04", "09-02", "11-28", "12-25"}
    assert {day.strftime("%m-%d") for day in nyse_holidays(2024)} == days
    assert dt.date(2021, 12, 24) in nyse_holidays(2021)  # Christmas on a Saturday
    assert not [day for day in nyse_holidays(2022) if day.month in (1, 12) and day.day == 31]
    assert dt.date(2022, 6, 20) in nyse_holidays(2022)  # Juneteenth on a Sunday
    assert dt.date(2023, 1, 2) in nyse_holidays(2023)
    assert len(nyse_holidays(2022)) == 9  # New Year's Day on a Saturday is not made up for


def test_easter() -> None:
    assert [easter_sunday(year).isoformat() for year in (2008, 2024, 2025, 2038)] == [
        "2008-03-23",
        "2024-03-31",
        "2025-04-20",
        "2038-04-25",
    ]


def test_minutes_of_a_year() -> None:
    assert CRYPTO.minutes_per_year == 525_960
    assert FX.minutes_per_year == 525_960 * 5 / 7
    assert NYSE.minutes_per_year == 252 * 390
