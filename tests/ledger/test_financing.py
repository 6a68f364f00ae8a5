"""Swaps at the rollover."""

import datetime as dt
from decimal import Decimal

from tests.market import Market, instrument


def ms(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp() * 1000)


def market(start: str, **terms: object) -> Market:
    values: dict[str, object] = {
        "contract_size": Decimal(50),
        "swap_long_points": Decimal(-7),
        "swap_short_points": Decimal(4),
    }
    made = Market(terms={"GOLD": instrument(**(values | terms))}, start=ms(start))
    made.quote(100, 100)
    return made


def test_the_triple_day_books_three_nights() -> None:
    wednesday = market("2024-01-10T12:00")
    wednesday.sell("1.5")
    wednesday.quote(100, 100, at=ms("2024-01-10T21:00"))
    assert wednesday.books.swap == Decimal("9.00")
    assert wednesday.books.realized == Decimal("9.00")


def test_a_leg_closed_by_the_boundary_tick_pays_and_one_opened_by_it_does_not() -> None:
    closing = market("2024-01-09T12:00")
    closing.buy(1, take_profit=None, stop_loss=None)
    closing.sell(1, limit=101)
    closing.quote(101, 101, at=ms("2024-01-09T21:00"))
    assert closing.net() == 0
    assert closing.books.swap == Decimal("-3.50")
    opening = market("2024-01-09T12:00")
    opening.buy(1, limit=99)
    opening.quote(99, 99, at=ms("2024-01-09T21:00"))
    assert opening.net() == 1
    assert opening.books.swap == 0
    opening.quote(99, 99, at=ms("2024-01-09T21:01"))
    assert opening.books.swap == 0


def test_weekends_have_no_rollover_and_a_gap_books_every_boundary_in_it() -> None:
    weekend = market("2024-01-12T12:00")  # a Friday
    weekend.buy(1)
    weekend.quote(100, 100, at=ms("2024-01-16T12:00"))  # Friday and Monday count
    assert weekend.books.swap == Decimal("-7.00")


def test_the_round_trip_carries_its_swap_and_the_strategy_its_money() -> None:
    held = market("2024-01-09T12:00")
    held.buy(1)
    held.quote(110, 110, at=ms("2024-01-09T22:00"))
    held.close()
    trip = held.books.round_trips[0]
    assert (trip.gross, trip.swap, trip.net) == (Decimal(500), Decimal("-3.50"), Decimal("496.50"))
    assert held.script.context.account.balance == 10_496.5
