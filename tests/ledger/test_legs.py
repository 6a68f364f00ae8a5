"""Which leg a fill belongs to, and what several strategies on one symbol see."""

from decimal import Decimal

import pytest

from qkt.core.terms import LegRole, Side
from tests.ledger.bench import Bench

STACK, INDEPENDENT = LegRole.STACK, LegRole.INDEPENDENT


def test_slices_of_one_order_make_one_leg() -> None:
    bench = Bench()
    bench.buy(1, 100)
    bench.buy("0.4", 110, role=STACK, order="layer", complete=False)
    bench.buy("0.6", 120, role=STACK, order="layer")
    assert bench.legs() == [("PRIMARY", 1, 100), ("STACK", 1, 116)]
    bench.buy(1, 130, role=STACK, order="another")
    assert len(bench.legs()) == 3


def test_a_registration_ends_with_its_order_and_not_with_its_first_slice() -> None:
    bench = Bench()
    first = bench.buy("0.4", 110, role=INDEPENDENT, order="x", complete=False)
    bench.cancel("x")
    again = bench.buy("0.4", 120, role=INDEPENDENT, order="x")
    assert first.opened_leg != again.opened_leg


def test_a_slice_after_its_leg_was_closed_opens_a_new_one() -> None:
    bench = Bench()
    first = bench.buy("0.4", 110, role=INDEPENDENT, order="x", complete=False)
    bench.sell("0.4", 90, leg=first.opened_leg)
    bench.buy("0.6", 95, role=INDEPENDENT, order="x")
    assert bench.legs() == [("INDEPENDENT", Decimal("0.6"), 95)]


def test_a_close_reaches_its_own_leg_whatever_else_is_open() -> None:
    bench = Bench()
    bench.buy(1, 100)
    layer = bench.buy(1, 110, role=STACK)
    bench.sell("0.4", 120, leg=layer.opened_leg)
    assert bench.legs() == [("PRIMARY", 1, 100), ("STACK", Decimal("0.6"), 110)]
    assert bench.books.trades[-1].realized == 4


def test_opening_the_other_side_of_a_hedge_is_an_entry_and_closing_one_is_an_exit() -> None:
    bench = Bench()
    long = bench.buy(1, 30, role=INDEPENDENT)
    bench.sell(1, 28, role=INDEPENDENT)
    book = bench.books.strategies["a"]
    assert (sum(book.entries_by_day.values()), len(book.outcomes)) == (2, 0)
    assert [(row.opened, row.closed) for row in bench.books.trades] == [(1, 0), (1, 0)]
    bench.sell(1, 31, leg=long.opened_leg)
    assert (sum(book.entries_by_day.values()), len(book.outcomes)) == (2, 1)
    assert (bench.books.trades[-1].opened, bench.books.trades[-1].closed) == (0, 1)


def test_a_hedged_pair_is_locked_in_at_every_price() -> None:
    bench = Bench()
    bench.buy(1, 30, role=INDEPENDENT)
    bench.sell(1, 28, role=INDEPENDENT)
    legs = bench.books.strategies["a"].book(bench.symbol)
    assert (legs.net, legs.average(), len(legs.all)) == (0, None, 2)
    assert sum(leg.quantity for leg in legs) == 2
    for price in (1, 29, 500):
        bench.price(price)
        assert bench.books.unrealized() == -2


def test_a_flip_is_an_exit_and_an_entry() -> None:
    bench = Bench()
    bench.buy("0.40", "71.20")
    bench.buy("0.10", "72.70")
    bench.sell("0.80", "73.00")
    row = bench.books.trades[-1]
    assert (row.gross, row.opened, row.closed) == (Decimal("0.75"), Decimal("0.30"), Decimal("0.50"))
    assert row.position_effect == "REVERSE_TO_SHORT"
    assert bench.legs() == [("PRIMARY", Decimal("-0.30"), 73)]
    account = bench.books.account[bench.symbol]
    assert (account.quantity, account.average, account.opened_at) == (Decimal("-0.30"), 73, row.timestamp)
    assert sum(bench.books.strategies["a"].entries_by_day.values()) == 3


def test_strategies_on_one_symbol_have_their_own_legs_and_the_account_nets_them() -> None:
    bench = Bench("a", "b")
    bench.buy(1, 50, strategy="a")
    bench.sell(1, 53, strategy="b")
    assert (bench.legs("a"), bench.legs("b")) == ([("PRIMARY", 1, 50)], [("PRIMARY", -1, 53)])
    assert bench.books.account[bench.symbol].quantity == 0
    assert bench.books.realized == 3
    bench.price(60)
    a, b = (bench.books.strategies[name] for name in "ab")
    assert (bench.books.unrealized_f(a), bench.books.unrealized_f(b)) == (10, -7)
    assert bench.books.unrealized() == 3


def test_the_columns_of_a_trade_row_are_all_of_its_own_strategy() -> None:
    bench = Bench("a", "b")
    bench.buy(1, 50, strategy="a")
    bench.sell(1, 53, strategy="b")
    bench.sell(1, 60, strategy="a")
    opened, closed = bench.books.trades[1:]
    assert (opened.gross, opened.realized, opened.closed) == (0, 0, 0)  # the account realized 3 here
    assert (closed.gross, closed.native_gross, closed.realized) == (10, 10, 10)
    assert (closed.position_before, closed.position_after) == (1, 0)


def test_a_fill_of_more_than_its_leg_has_cannot_be_booked() -> None:
    bench = Bench()
    entry = bench.buy(1, 50)
    with pytest.raises(Exception, match="filled 2 lots and the leg it is bound to has 1"):
        bench.sell(2, 51, leg=entry.opened_leg)
    assert bench.legs() == [("PRIMARY", 1, 50)]
    assert bench.books.account[bench.symbol].quantity == 1


@pytest.mark.parametrize("role", list(LegRole))
@pytest.mark.parametrize("side", list(Side))
def test_excursions_belong_to_every_kind_of_leg_and_to_its_round_trip(role: LegRole, side: Side) -> None:
    bench = Bench()
    entry = bench.fill(side, 2, 100, role=role)
    bench.price(107)
    bench.price(96)
    bench.fill(side.opposite, 1, 100, leg=entry.opened_leg)  # a reduction keeps them
    leg = bench.books.strategies["a"].book(bench.symbol).all[0]
    long = side is Side.BUY
    assert (leg.mfe, leg.mae) == ((7, 4) if long else (4, 7))
    bench.fill(side.opposite, 1, 100, leg=entry.opened_leg)
    trip = bench.books.round_trips[0]
    assert (trip.mfe, trip.mae, trip.role) == ((7, 4, role) if long else (4, 7, role))


def test_excursions_start_anew_when_a_position_turns_or_grows() -> None:
    bench = Bench()
    bench.buy(1, 100)
    bench.price(110)
    bench.sell(3, 108)
    leg = bench.books.strategies["a"].book(bench.symbol).primary
    assert leg is not None
    assert (leg.mfe, leg.mae) == (0, 0)
    bench.price(100)
    assert (leg.mfe, leg.mae) == (8, 0)
    bench.sell(2, 98)
    assert (leg.entry, leg.mfe, leg.mae) == (103, 0, 0)


def test_a_closed_leg_leaves_no_excursion_behind() -> None:
    bench = Bench()
    entry = bench.buy(1, 100)
    bench.price(110)
    bench.sell(1, 109, leg=entry.opened_leg)
    assert bench.books.strategies["a"].book(bench.symbol).primary is None
    again = bench.buy(1, 90)
    leg = bench.books.strategies["a"].book(bench.symbol).primary
    assert leg is not None
    assert (leg.id, leg.mfe, leg.mae) == (again.opened_leg, 0, 0)
