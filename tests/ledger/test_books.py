"""Positions and money: netting, legs, costs, conversion, outcomes."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qkt.core.errors import InstrumentError, LedgerError
from qkt.core.events import OrderFilled
from qkt.core.terms import LegRole, OrderKind, Purpose, Side
from qkt.ledger.legs import LegBook
from qkt.ledger.netting import NetPosition
from tests.market import GOLD, Market, by, instrument


def fill(side: Side, quantity: str, price: str, *, role: LegRole = LegRole.PRIMARY, leg: int | None = None) -> OrderFilled:
    event = OrderFilled(
        "o", "s", GOLD, side, Decimal(quantity), Decimal(price), OrderKind.MARKET, Purpose.ENTRY, role, leg, Decimal(price)
    )
    event.at = 1_000
    return event


def test_averaging_in_and_flipping_agree_between_account_and_primary_leg() -> None:
    account, legs = NetPosition(), LegBook(GOLD)
    steps = [("0.40", "71.20", Side.BUY), ("0.10", "72.70", Side.BUY), ("0.80", "73.00", Side.SELL)]
    points = []
    for number, (quantity, price, side) in enumerate(steps):
        points.append(account.apply(Decimal(quantity) * side.sign, Decimal(price), number))
        change = legs.apply(fill(side, quantity, price), number, number)
        assert legs.net == account.quantity
        assert legs.average() == account.average
    assert points == [0, 0, Decimal("0.75")]
    assert (change.points, change.reduced_quantity, change.opened_quantity) == (Decimal("0.75"), Decimal("0.5"), Decimal("0.3"))
    assert (account.quantity, account.average, account.opened_at) == (Decimal("-0.30"), Decimal("73.00"), 2)
    assert legs.primary is not None
    assert legs.primary.opened_at == 2


def test_independent_legs_coexist_and_a_hedged_pair_is_locked_in() -> None:
    legs = LegBook(GOLD)
    legs.apply(fill(Side.BUY, "1", "30", role=LegRole.INDEPENDENT), 0, 1)
    legs.apply(fill(Side.SELL, "1", "28", role=LegRole.INDEPENDENT), 0, 2)
    assert legs.net == 0
    assert legs.average() is None
    assert [leg.signed_f for leg in legs] == [1.0, -1.0]
    for last in (10.0, 29.0, 99.0):
        assert sum((last - leg.entry_f) * leg.signed_f for leg in legs) == -2.0


def test_a_bound_fill_never_takes_more_than_its_leg() -> None:
    legs = LegBook(GOLD)
    legs.apply(fill(Side.BUY, "1", "30"), 0, 1)
    with pytest.raises(LedgerError, match="the leg it is bound to has 1"):
        legs.apply(fill(Side.SELL, "5", "31", leg=1), 0, 2)
    assert legs.net == 1
    legs.apply(fill(Side.SELL, "1", "31", leg=1), 0, 2)
    assert not legs


FILLS = st.lists(
    st.tuples(st.sampled_from(list(Side)), st.integers(1, 500), st.integers(1_000, 9_000)),
    min_size=1,
    max_size=40,
)


@given(FILLS)
def test_legs_and_account_agree_and_points_are_what_was_paid_and_got(steps: list[tuple[Side, int, int]]) -> None:
    account, legs = NetPosition(), LegBook(GOLD)
    realized = cash = Decimal(0)
    for number, (side, lots, points) in enumerate(steps):
        quantity, price = Decimal(lots).scaleb(-2), Decimal(points).scaleb(-2)
        account_points = account.apply(quantity * side.sign, price, number)
        change = legs.apply(fill(side, str(quantity), str(price)), number, number)
        leg_points = change.points
        assert leg_points == account_points
        assert legs.net == account.quantity
        realized += leg_points
        cash -= quantity * side.sign * price
    # What was realized plus what is open is the cash flow plus what is held, up to the average's eighth decimal.
    held = account.quantity * account.average
    assert abs(realized - (cash + held)) < Decimal("0.0001")


def test_commission_is_charged_both_ways_and_realized_is_net() -> None:
    market = Market(terms={"GOLD": instrument(commission_per_lot=Decimal("3.5"), contract_size=Decimal(10))})
    market.quote(100, 100)
    market.buy("0.20")
    market.quote(103, 103)
    market.close()
    rows = market.books.trades
    assert [row.realized for row in rows] == [Decimal("-0.70"), Decimal("5.30")]
    assert [row.position_effect for row in rows] == ["OPEN_LONG", "CLOSE_LONG"]
    trip = market.books.round_trips[0]
    assert (trip.gross, trip.commission, trip.net) == (Decimal(6), Decimal("1.40"), Decimal("4.60"))
    assert market.books.realized == market.books.strategies["script"].realized == Decimal("4.60")


def test_an_entrys_commission_is_no_losing_outcome() -> None:
    market = Market(terms={"GOLD": instrument(commission_per_lot=Decimal("3.5"))})
    market.quote(100, 100)
    market.buy(1)
    account = market.script.context.account
    assert account.last_trade_at is None
    assert account.loss_streak == 0
    market.quote(110, 110)
    market.close()
    assert (account.win_streak, account.last_trade_pnl, account.banked) == (1, 6.5, 6.5)


def test_streaks_and_day_counts_follow_outcomes() -> None:
    market = Market()
    account = None
    for entry, leave in ((100, 90), (100, 95), (100, 120), (100, 100)):
        market.quote(entry, entry)
        market.buy(1)
        market.quote(leave, leave)
        market.close()
        account = market.script.context.account
    assert account is not None
    assert (account.win_streak, account.loss_streak) == (1, 0)
    assert (account.trades_today, account.wins_today, account.losses_today) == (3, 1, 2)
    assert account.entries_today == 4
    market.quote(100, 100, at=market.now + 86_400_000)
    market.script.context.time = market.now  # type: ignore[misc]
    assert (account.trades_today, account.entries_today) == (0, 0)


def test_position_effects_name_what_happened() -> None:
    market = Market()
    market.quote(100, 100)
    for act, quantity in ((market.buy, 1), (market.buy, 1), (market.sell, 1), (market.sell, 3), (market.buy, 2)):
        act(quantity)
    effects = [row.position_effect for row in market.books.trades]
    assert effects == ["OPEN_LONG", "INCREASE_LONG", "REDUCE_LONG", "REVERSE_TO_SHORT", "CLOSE_SHORT"]
    assert [trip.quantity for trip in market.books.round_trips] == [2, 2]


def test_yen_profit_is_converted_at_the_fill_price() -> None:
    yen = instrument("USDJPY", contract_size=Decimal(100_000), quote_currency="JPY")
    market = Market("SIM:USDJPY", terms={"USDJPY": yen})
    market.quote("148.15", "148.15")
    market.buy("0.20")
    market.quote("148.50", "148.50")
    market.close()
    assert market.books.trades[-1].realized == Decimal("47.13804714")
    assert [used.source for used in market.books.converter.used] == ["SIM:USDJPY"]


def test_a_cross_is_converted_through_a_bridging_market() -> None:
    cross = instrument("EURGBP", contract_size=Decimal(100_000), quote_currency="GBP")
    market = Market("SIM:EURGBP", terms={"EURGBP": cross}, markets=("SIM:GBPUSD",))
    market.quote("1.25", "1.25", symbol="SIM:GBPUSD")
    market.quote("0.86", "0.86")
    market.buy(1)
    market.quote("0.87", "0.87")
    assert market.script.context.account.unrealized_pnl == pytest.approx(1_250)
    assert market.books.unrealized() == Decimal("1250.00000000")
    market.close()
    assert market.books.trades[-1].realized == Decimal(1_250)


def test_a_symbol_without_a_conversion_path_is_refused_before_the_run() -> None:
    cross = instrument("EURGBP", quote_currency="GBP")
    with pytest.raises(InstrumentError, match="give the data of GBPUSD"):
        Market("SIM:EURGBP", terms={"EURGBP": cross})


def test_equity_is_balance_plus_what_is_open() -> None:
    market = Market()
    market.quote(100, 100)
    market.buy(2)
    market.quote(103, 103)
    account = market.script.context.account
    assert (account.balance, account.unrealized_pnl, account.equity, account.total_pnl) == (10_000, 6, 10_006, 6)
    market.quote(90, 90)
    market.quote(95, 95)
    assert (account.equity, account.equity_peak) == (9_990, 10_006)
    assert account.dd_pct == pytest.approx(100 * 16 / 10_006)


def test_excursions_start_at_the_entry_and_restart_when_the_leg_grows() -> None:
    market = Market()
    market.quote(100, 100)
    market.buy(1)
    position = market.script.context.position(GOLD)
    assert (position.mfe, position.mae) == (0, 0)
    market.quote(104, 104)
    market.quote(97, 97)
    assert (position.mfe, position.mae) == (4, 3)
    market.sell("0.5")
    assert (position.mfe, position.mae) == (4, 3)
    market.buy("0.5")
    assert (position.mfe, position.mae) == (0, 0)
    market.close()
    assert (position.mfe, position.mae, position.count) == (0, 0, 0)


def test_a_round_trip_counts_its_exit_among_the_excursions() -> None:
    market = Market()
    market.quote(99, 101)
    market.buy(1, stop_loss=by(5))
    market.quote(95, 97)
    assert market.books.round_trips[0].mae == Decimal(6)  # 101 to 95: the middle never went below 96
