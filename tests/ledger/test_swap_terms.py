"""Financing beyond the plain swap: rollovers by zone, dated rates, percent a year, funding, weekends, currencies."""

import datetime as dt
from decimal import Decimal

import pytest

from qkt.core.errors import InstrumentError
from qkt.core.instruments import Instrument, parse_instruments
from qkt.core.swaps import Rollovers
from tests.ledger.bench import Bench


def ms(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp() * 1000)


def terms(**fields: object) -> Instrument:
    entry = {"symbol": "GOLD", "contract_size": "100", "digits": 2, "quote_currency": "USD"} | fields
    return parse_instruments("instruments.json", {"instruments": [entry]}).instruments_as_terms()[0]


def held(start: str, until: str, *, short: bool = False, **fields: object) -> Bench:
    """One lot from a moment after `start` to `until`, at a price of 50."""
    bench = Bench(terms={"GOLD": terms(**fields)}, start=ms(start))
    bench.price(50)
    (bench.sell if short else bench.buy)(1, 50)
    bench.until(ms(until))
    return bench


def at(*moments: str) -> list[int]:
    return [ms(moment) for moment in moments]


def times(bench: Bench) -> list[int]:
    return [row.timestamp for row in bench.books.financing]


def test_a_rollover_at_five_in_new_york_follows_daylight_saving() -> None:
    zone = {"swap_long_points": "-1", "swap_rollover_zone": "America/New_York", "swap_rollover_time": "17:00"}
    # Clocks go forward on Sunday, 2024-03-10.
    bench = held("2024-03-07T12:00", "2024-03-12T23:00", **zone)
    assert times(bench) == at("2024-03-07T22:00", "2024-03-08T22:00", "2024-03-11T21:00", "2024-03-12T21:00")


def test_the_weekday_of_a_rollover_is_that_of_its_zone() -> None:
    # Thursday 06:00 in Tokyo is Wednesday 21:00 UTC; Saturday's falls on Friday UTC.
    tokyo = {"swap_long_points": "-1", "swap_rollover_zone": "Asia/Tokyo", "swap_rollover_time": "06:00"}
    bench = held("2024-01-09T12:00", "2024-01-13T00:00", **tokyo)
    assert [(row.timestamp, row.nights) for row in bench.books.financing] == [
        (ms("2024-01-09T21:00"), 3),  # Wednesday in Tokyo
        (ms("2024-01-10T21:00"), 1),
        (ms("2024-01-11T21:00"), 1),
    ]


@pytest.mark.parametrize(("zone", "minute"), [("UTC", 21 * 60), ("America/New_York", 17 * 60), ("Australia/Lord_Howe", 150)])
def test_rollovers_never_stand_still_and_never_skip_a_day(zone: str, minute: int) -> None:
    rollovers, now = Rollovers(zone, minute), ms("2023-12-31T12:00")
    for _ in range(400):
        then = rollovers.next(now)
        assert 23 * 3_600_000 <= then - now <= 25 * 3_600_000 or now == ms("2023-12-31T12:00")
        assert rollovers.next(then - 1) == then
        now = then


def test_dated_rates_hold_from_their_day_on() -> None:
    rates = [{"from": "2024-01-10", "long": "-7", "short": "2"}, {"from": "2024-01-12", "long": "-9", "short": "3"}]
    bench = held("2024-01-08T12:00", "2024-01-12T22:00", swap_long_points="-5", swap_triple_day="NONE", swap_rates=rates)
    assert [row.rate for row in bench.books.financing] == [-5, -5, -7, -7, -9]
    assert bench.books.swap == -33  # a point is worth one dollar a lot


@pytest.mark.parametrize(("short", "swap"), [(False, Decimal("-0.5")), (True, Decimal("0.25"))])
def test_percent_a_year_of_the_notional_at_the_last_price(short: bool, swap: Decimal) -> None:
    percent = {"swap_mode": "percent", "swap_long_percent": "-3.6", "swap_short_percent": "1.8"}
    assert held("2024-01-09T12:00", "2024-01-09T21:00", short=short, **percent).books.swap == swap
    by_365 = held("2024-01-09T12:00", "2024-01-09T21:00", short=short, swap_year_days=365, **percent)
    assert by_365.books.swap == (Decimal("0.24657534") if short else Decimal("-0.49315068"))


def test_funding_is_paid_by_longs_to_shorts_every_eight_hours_on_every_day() -> None:
    rates = [{"from": "2024-01-13T08:00", "rate": "-0.02"}]
    funding = {"swap_mode": "funding", "funding_percent": "0.01", "swap_rates": rates}
    long = held("2024-01-12T20:00", "2024-01-13T16:00", **funding)
    assert times(long) == at("2024-01-13T00:00", "2024-01-13T08:00", "2024-01-13T16:00")
    assert [row.amount for row in long.books.financing] == [Decimal("-0.5"), 1, 1]
    short = held("2024-01-12T20:00", "2024-01-13T16:00", short=True, **funding)
    assert short.books.swap == -long.books.swap


def test_a_venue_may_charge_every_night_of_the_week() -> None:
    bench = held("2024-01-09T12:00", "2024-01-15T22:00", swap_long_points="-1", swap_weekends=True)
    assert [row.nights for row in bench.books.financing] == [1] * 7


def test_the_triple_day_belongs_to_the_instrument() -> None:
    friday = held("2024-01-09T12:00", "2024-01-15T22:00", swap_long_points="-1", swap_triple_day="FRIDAY")
    assert [row.nights for row in friday.books.financing] == [1, 1, 1, 3, 1]


def test_instruments_with_different_rollovers_are_booked_in_order_of_time() -> None:
    gold = terms(swap_long_points="-1", swap_rollover_hour_utc=22)
    tin = terms(swap_long_points="-1")
    bench = Bench(symbols=("SIM:GOLD", "SIM:TIN"), terms={"GOLD": gold, "TIN": tin}, start=ms("2024-01-08T12:00"))
    for symbol in ("SIM:GOLD", "SIM:TIN"):
        bench.price(50, symbol=symbol)
        bench.buy(1, 50, symbol=symbol)
    bench.until(ms("2024-01-09T23:00"))
    assert [(row.symbol, row.timestamp) for row in bench.books.financing] == [
        ("SIM:TIN", ms("2024-01-08T21:00")),
        ("SIM:GOLD", ms("2024-01-08T22:00")),
        ("SIM:TIN", ms("2024-01-09T21:00")),
        ("SIM:GOLD", ms("2024-01-09T22:00")),
    ]


def test_a_night_is_a_row_in_both_currencies() -> None:
    pound = terms(quote_currency="GBP", swap_long_points="-1")
    bench = Bench(terms={"GOLD": pound}, markets=("SIM:GBPUSD",), start=ms("2024-01-09T12:00"))
    bench.price("1.24", "1.26", symbol="SIM:GBPUSD")
    bench.price(50)
    entry = bench.buy(2, 50)
    bench.until(ms("2024-01-09T21:00"))
    row = bench.books.financing[0]
    assert (row.leg_id, row.quantity, row.mode, row.rate, row.nights) == (entry.opened_leg, 2, "points", -1, 1)
    assert (row.native_amount, row.native_currency, row.fx_rate, row.amount) == (-2, "GBP", Decimal("1.26"), Decimal("-2.52"))
    assert bench.books.strategies["a"].realized == Decimal("-2.52")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"swap_mode": "percent", "swap_long_points": "1"}, "swap_long_points does not belong to swap_mode percent"),
        ({"swap_rollover_zone": "America/New_York"}, "belong together"),
        (
            {"swap_rollover_zone": "UTC", "swap_rollover_time": "17:00", "swap_rollover_hour_utc": 3},
            "the rollover is given twice",
        ),
        ({"swap_rollover_zone": "New York", "swap_rollover_time": "17:00"}, "expected a time zone such as"),
        ({"swap_rates": [{"from": "2024-01-01", "rate": "1"}]}, "swap_rates in swap_mode points have long and short"),
        (
            {"swap_rates": [{"from": day, "long": "1", "short": "1"} for day in ("2024-01-02", "2024-01-01")]},
            "not in order of time",
        ),
    ],
)
def test_terms_that_contradict_themselves_are_refused(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(InstrumentError, match=sentence):
        terms(**fields)
