"""What remains of a closed leg: prices, costs, risk, slippage."""

from decimal import Decimal

import pytest

from qkt.core.events import VenueCost
from qkt.core.terms import CostKind, LegRole, Purpose
from tests.ledger.bench import Bench
from tests.market import Market, by, instrument


def test_prices_are_volume_weighted_over_all_entries_and_exits() -> None:
    bench = Bench()
    bench.buy(1, 100)
    bench.buy(3, 104)
    bench.sell(1, 105)
    bench.sell(3, 109)
    trip = bench.books.round_trips[0]
    assert (trip.quantity, trip.entry_price, trip.exit_price) == (4, 103, 108)
    assert (trip.gross, trip.net, trip.exit_reason) == (20, 20, "OPPOSITE")


def test_risk_is_the_distance_of_the_first_stop_in_money_and_r_measures_in_it() -> None:
    bench = Bench(terms={"GOLD": instrument(contract_size=Decimal(10), commission_per_lot=Decimal(5))})
    entry = bench.buy(2, 100, risk=4)
    bench.price(110)
    bench.price(98)
    bench.sell(2, 106, leg=entry.opened_leg, purpose=Purpose.TAKE_PROFIT)
    trip = bench.books.round_trips[0]
    assert (trip.initial_risk, trip.net, trip.stop) == (80, 100, 96)
    assert (trip.r_multiple, trip.mfe_r, trip.mae_r) == (Decimal("1.25"), Decimal("2.5"), Decimal("0.5"))
    assert trip.exit_reason == "TP"


def test_the_risk_of_several_entries_adds_up() -> None:
    bench = Bench()
    bench.buy(1, 100, risk=4)
    bench.buy(3, 100, risk=2)
    bench.sell(4, 105)
    trip = bench.books.round_trips[0]
    assert (trip.initial_risk, trip.r_multiple, trip.mfe_r, trip.stop) == (10, 2, 2, Decimal("97.5"))


def test_an_entry_without_a_stop_has_no_measure_of_risk() -> None:
    bench = Bench()
    bench.buy(1, 100, risk=4)
    bench.buy(1, 100)
    bench.sell(2, 105)
    trip = bench.books.round_trips[0]
    assert (trip.initial_risk, trip.r_multiple, trip.mfe_r, trip.mae_r, trip.stop) == (None,) * 5


def test_risk_is_converted_at_the_entry() -> None:
    yen = instrument("USDJPY", contract_size=Decimal(100_000), quote_currency="JPY")
    bench = Bench(symbols=("SIM:USDJPY",), terms={"USDJPY": yen})
    bench.buy("0.10", 150, risk="0.75")
    bench.sell("0.10", 160)
    assert bench.books.round_trips[0].initial_risk == 50


def test_slippage_is_what_was_lost_to_the_price_that_the_strategy_saw() -> None:
    bench = Bench()
    entry = bench.buy(1, "100.5", seen=100)
    bench.sell(1, "109.75", leg=entry.opened_leg, seen=110)
    bench.sell(1, "100.5", seen=100)
    bench.buy(1, "99", seen=100)
    long, short = bench.books.round_trips
    assert (long.entry_slippage, long.exit_slippage) == (Decimal("0.5"), Decimal("0.25"))
    assert (short.entry_slippage, short.exit_slippage) == (Decimal("-0.5"), -1)


def test_a_flip_shares_its_costs_to_the_last_digit() -> None:
    bench = Bench(terms={"GOLD": instrument(commission_per_lot=Decimal("0.00000001"))})
    bench.buy("0.1", 100)
    bench.sell("0.3", 101)
    bench.buy("0.2", 101)
    bench.buy("7", 100)
    bench.sell("10", 100)
    paid = sum(row.commission for row in bench.books.trades)
    held = sum(leg.commission for leg in bench.books.strategies["a"].book(bench.symbol))
    assert sum(trip.commission for trip in bench.books.round_trips) + held == paid


def test_billed_costs_replace_those_of_the_instrument_and_stay_apart() -> None:
    bench = Bench(terms={"GOLD": instrument(commission_per_lot=Decimal(5))})
    bench.buy(1, 100, costs=(VenueCost(CostKind.COMMISSION, Decimal(2)), VenueCost(CostKind.FEE, Decimal("0.5"))))
    bench.sell(1, 110, costs=(VenueCost(CostKind.COMMISSION, Decimal(2)), VenueCost(CostKind.SWAP, Decimal("1.25"))))
    assert [row.realized for row in bench.books.trades] == [Decimal("-2.5"), Decimal("6.75")]
    trip = bench.books.round_trips[0]
    assert (trip.gross, trip.commission, trip.fees, trip.swap) == (10, 4, Decimal("0.5"), Decimal("-1.25"))
    assert trip.net == bench.books.strategies["a"].realized == Decimal("4.25")
    assert (bench.books.commission, bench.books.fees, bench.books.swap) == (4, Decimal("0.5"), Decimal("-1.25"))


def test_only_a_fill_that_reduces_makes_an_outcome() -> None:
    bench = Bench(terms={"GOLD": instrument(commission_per_lot=Decimal(5))})
    book = bench.books.strategies["a"]
    bench.buy(1, 100)
    bench.buy(1, 100)
    assert (len(book.outcomes), book.loss_streak, book.realized) == (0, 0, -10)
    bench.sell(1, 101)
    assert (len(book.outcomes), book.outcomes[0].pnl, book.loss_streak) == (1, -4.0, 1)


@pytest.mark.parametrize("role", list(LegRole))
def test_a_row_for_every_kind_of_leg(role: LegRole) -> None:
    bench = Bench()
    entry = bench.buy(1, 100, role=role)
    bench.sell(1, 103, leg=entry.opened_leg)
    assert [(trip.role, trip.leg_id, trip.net) for trip in bench.books.round_trips] == [(role, entry.opened_leg, 3)]


def test_bars_held_are_the_windows_that_ended_meanwhile() -> None:
    market = Market(start=60_000)
    market.quote(100, at=60_000)
    market.buy(1, stop_loss=by(5))
    for minute in (2, 3, 5):  # no tick in the fourth
        market.quote(100, at=minute * 60_000 + 500)
    market.close()
    trip = market.books.round_trips[0]
    assert (trip.bars_held, trip.holding_seconds) == (3, Decimal("240.5"))
    assert (trip.initial_risk, trip.r_multiple) == (5, 0)
