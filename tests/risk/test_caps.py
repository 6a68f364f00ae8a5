"""What may not leave: caps of one order, caps of a position, composites at their worst, and what always may."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qkt.brokers.paper import ExecutionSettings
from qkt.core.events import RiskRejected
from qkt.core.formula import Formula
from qkt.core.terms import OrderKind, Side
from qkt.risk import LossLimits, OrderLimits, RiskLimits, StrategyLimits
from qkt.strategy import OcoEntrySignal, StackLayer, StackPlan, Tier
from tests.market import GOLD, SILVER, Market, at, by, instrument

X = Formula(("x",))


def above(distance: str) -> Formula:
    return Formula(("x", Decimal(distance), "+"))


def market(max_position: Decimal | None = None, **limits: object) -> Market:
    orders = OrderLimits(**limits)  # type: ignore[arg-type]
    made = Market(GOLD, SILVER, limits=RiskLimits(orders, every_strategy=StrategyLimits(max_position=max_position)))
    made.quote(100, 100)
    made.quote(10, 10, symbol=SILVER)
    return made


def reasons(market: Market) -> list[str]:
    return [event.reason for event in market.told(RiskRejected)]  # type: ignore[attr-defined]


def position_cap(lots: str = "3") -> Market:
    return market(max_position=Decimal(lots))


# ------------------------------------------------------------- one order


def test_a_refusal_names_the_rule_the_value_and_the_limit() -> None:
    made = market(max_notional=Decimal(1_000))
    made.buy("100.01")
    made.buy(11)
    made.buy(1, limit="74.99")
    assert reasons(made) == [
        "order quantity 100.01 exceeds cap 100",
        "order notional 1100.00000000 exceeds cap 1000 (qty=11 ref=100.00000000 contractSize=1 currency=USD)",
        "order price 74.99 is 25.0 % from the last 100, the price collar is 25 %",
    ]


def test_a_value_on_the_limit_passes() -> None:
    made = market(max_notional=Decimal(10_000))
    assert made.buy(100)
    assert made.buy(1, limit=75)


def test_a_pending_order_is_valued_at_its_own_price_and_a_foreign_one_in_account_currency() -> None:
    made = market(max_notional=Decimal(1_000))
    made.buy(10, limit=99)
    made.buy(10, stop=101)
    assert len(reasons(made)) == 1
    yen = instrument("USDJPY", contract_size=Decimal(100_000), quote_currency="JPY")
    foreign = Market("SIM:USDJPY", terms={"USDJPY": yen})
    foreign.quote(150, 150)
    assert foreign.buy("2.5")
    assert not foreign.buy("2.51")


def test_an_order_that_cannot_be_valued_is_refused() -> None:
    made = Market(GOLD, SILVER)
    made.quote(100, 100)
    made.buy(1, symbol=SILVER)
    assert reasons(made) == ["no price for SIM:SILVER to value the order with"]


# ------------------------------------------------------------ reductions


def test_what_only_reduces_always_passes() -> None:
    made = market(max_quantity=Decimal(2))
    made.buy(2)
    made.buy(2)
    made.sell(4)  # an entry that can only close the primary leg
    assert made.net() == 0
    made.buy(2)
    made.buy(2)
    made.close()
    assert (made.net(), reasons(made)) == (0, [])


def test_turning_a_position_is_no_reduction() -> None:
    made = market(max_quantity=Decimal(2))
    made.buy(2)
    made.sell("2.01")
    assert len(reasons(made)) == 1


def test_what_another_entry_will_close_cannot_be_reduced_again() -> None:
    made = market(max_quantity=Decimal(2))
    made.buy(2)
    made.buy(2)
    assert made.sell(3, limit=110)
    assert not made.sell(3, limit=110)  # one of the four lots is left
    assert made.sell(1, limit=110)


def test_only_the_leg_that_an_order_nets_against_counts_as_its_own() -> None:
    made = market(max_quantity=Decimal(2))
    made.fire(
        _oco(made, made.entry(Side.BUY, 2, stop=101, stop_loss=by(9)), made.entry(Side.SELL, 2, stop=90, stop_loss=by(9)))
    )
    made.quote(101, 101)
    assert made.net() == 2  # an independent leg, which no other entry closes
    assert not made.sell("2.5")


# --------------------------------------------------------- position size


def test_working_entries_reserve_their_size() -> None:
    made = position_cap()
    made.buy(1)
    made.buy(1, limit=90)
    made.buy("1.5", limit=95)
    assert reasons(made) == [
        "position size 3.5 of script in SIM:GOLD exceeds cap 3 (long: 1 open, 1 pending, 1.5 asked for)",
    ]
    made.cancel()
    assert made.buy(2)


def test_each_side_and_each_symbol_is_its_own() -> None:
    made = position_cap()
    assert made.buy(3, limit=90)
    assert made.sell(3, limit=110)
    assert made.buy(3, limit=9, symbol=SILVER)
    assert not made.sell("0.01", limit=110)


def test_a_market_order_may_turn_a_position_up_to_the_cap() -> None:
    made = position_cap()
    made.buy(3)
    assert not made.sell("6.01")
    assert made.sell(6)
    assert made.net() == -3


def test_a_resting_entry_is_judged_as_if_what_it_nets_against_were_gone() -> None:
    made = position_cap()
    made.sell(2, stop_loss=by(5))
    assert not made.buy(5, stop=110)
    assert made.buy(3, stop=110)
    made.quote(105, 105)  # the stop takes the short
    made.quote(110, 110)
    assert made.net() == 3


def test_reducing_passes_also_above_the_cap() -> None:
    made = position_cap()
    made.buy(3)
    assert made.sell(1)
    assert made.net() == 2


def test_a_pair_of_which_one_fills_counts_once_at_its_larger_leg() -> None:
    made = position_cap()
    assert made.fire(_oco(made, made.entry(Side.BUY, 2, stop=110), made.entry(Side.BUY, 3, limit=90)))
    assert not made.buy("0.01", limit=90)
    made = position_cap()
    assert made.fire(_oco(made, made.entry(Side.BUY, 2, stop=110), made.entry(Side.BUY, 2, limit=90)))
    assert made.buy(1, limit=90)
    assert not made.buy("0.01", limit=90)


def test_both_of_a_pair_count_where_the_cancel_of_one_can_come_too_late() -> None:
    limits = RiskLimits(every_strategy=StrategyLimits(max_position=Decimal(3)))
    made = Market(GOLD, limits=limits, execution=ExecutionSettings(latency=250))
    made.quote(100, 100)
    assert not made.fire(_oco(made, made.entry(Side.BUY, 2, stop=110), made.entry(Side.BUY, "1.01", limit=90)))
    assert made.fire(_oco(made, made.entry(Side.BUY, 2, stop=110), made.entry(Side.BUY, 1, limit=90)))
    assert not made.buy("0.01", limit=90)


def test_the_cap_of_the_account_binds_all_strategies_together() -> None:
    made = market(max_account_position=Decimal(2))
    assert not made.buy("2.01")
    assert reasons(made) == [
        "position size 2.01 of the account in SIM:GOLD exceeds cap 2 (long: 0 open, 0 pending, 2.01 asked for)",
    ]


# ------------------------------------------------------------- composites


def _oco(market: Market, first, second) -> OcoEntrySignal:  # type: ignore[no-untyped-def]
    return OcoEntrySignal("script", first.symbol, None, first, second)


def tier(quantity: Formula) -> Tier:
    return Tier(Decimal(1), None, 60_000, quantity, Decimal(1), Decimal(2))


def test_the_second_leg_of_a_pair_is_judged_like_the_first() -> None:
    made = market()
    assert not made.fire(_oco(made, made.entry(Side.BUY, 1, stop=110), made.entry(Side.SELL, 101, stop=90)))
    assert reasons(made) == ["order quantity 101 exceeds cap 100"]
    assert not made.fire(_oco(made, made.entry(Side.BUY, 1, stop=110), made.entry(Side.SELL, 1, stop=70)))
    assert "price collar" in reasons(made)[1]
    assert made.working == []


def test_a_pyramid_is_judged_by_all_of_its_layers() -> None:
    made = position_cap()
    layers = tuple(StackLayer(Decimal(1), OrderKind.STOP, above(str(n))) for n in (1, 2, 3))
    assert not made.buy(1, stack=StackPlan(layers, 60_000))
    assert made.buy(1, stack=StackPlan(layers[:2], 60_000))
    made.quote(105, 105)
    assert made.net() == 3


def test_a_layer_larger_than_an_order_may_be_refuses_the_pyramid() -> None:
    made = market()
    assert not made.buy(1, stack=StackPlan((StackLayer(Decimal(101), OrderKind.STOP, above("1")),), 60_000))
    assert reasons(made)[0].startswith("order quantity 101 exceeds cap 100, in what follows dsl-script--0")


def test_tiers_are_judged_with_the_quantity_of_their_parent() -> None:
    made = position_cap()
    assert not made.buy(2, stop_loss=by(9), tiers=(tier(X),))
    assert made.buy("1.5", stop_loss=by(9), tiers=(tier(X),))


def test_children_are_judged_with_the_entry_that_brings_them() -> None:
    made = position_cap()
    child = made.entry(Side.BUY, 2, limit=9, symbol=SILVER)
    assert made.buy(1, stop=110, on_fill=(child,))
    assert not made.buy(2, limit=9, symbol=SILVER)
    assert reasons(made)[0].startswith("position size 4 of script in SIM:SILVER exceeds cap 3 (long: 0 open, 2 pending")
    huge = made.entry(Side.SELL, 101, symbol=SILVER)
    assert not made.buy(1, stop=110, on_fill=(made.entry(Side.BUY, "0.1", symbol=SILVER, on_fill=(huge,)),))


@pytest.mark.parametrize("level", ["74", "126"])
def test_exits_are_not_judged(level: str) -> None:
    made = market(max_quantity=Decimal(2))
    made.buy(2, stop_loss=at(50), take_profit=at(200))
    made.buy(2)
    made.quote(level, level)
    assert (reasons(made), len(made.working)) == ([], 2)


# ---------------------------------------------------------- orders that take time


def late(**limits: object) -> Market:
    held = RiskLimits(losses=LossLimits(), every_strategy=StrategyLimits(**limits))  # type: ignore[arg-type]
    made = Market(limits=held, execution=ExecutionSettings(latency=1_500))
    made.quote(100)
    made.buy(2, stop_loss=by(5))
    for _ in range(3):
        made.quote(100)
    assert made.net() == 2
    return made


def test_what_can_only_close_a_leg_opens_nothing_when_it_arrives_after_the_stop() -> None:
    made = late(max_position=Decimal(2), max_trades_per_day=1)
    assert made.sell(2)
    made.quote(94, at=made.now + 100)
    for _ in range(3):
        made.quote(94)
    assert (made.net(), made.working, [fill.purpose.value for fill in made.fills]) == (0, [], ["ENTRY", "STOP"])


def test_what_turns_a_leg_opens_no_more_than_it_was_judged_to_when_the_leg_is_gone() -> None:
    made = late(max_position=Decimal(2))
    assert not made.sell("4.01")
    assert made.sell(4)
    made.quote(94, at=made.now + 100)
    for _ in range(3):
        made.quote(94)
    assert made.net() == -2


def test_what_turns_a_leg_that_is_still_there_is_filled_whole() -> None:
    made = late(max_position=Decimal(2))
    assert made.sell(3)
    for _ in range(3):
        made.quote(100)
    assert made.net() == -1
    assert made.fills[-1].quantity == 3
