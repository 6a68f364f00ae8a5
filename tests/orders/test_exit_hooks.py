"""The strategy hears once, and rightly, how what an entry opened was closed."""

from decimal import Decimal

import pytest

from qkt.core.events import PositionExited
from qkt.core.formula import Formula
from qkt.core.terms import OrderKind, Purpose, Side
from qkt.strategy import ExitHooks, OcoEntrySignal, StackLayer, StackPlan
from tests.market import GOLD, Market, by, instrument

ALL = frozenset({Purpose.STOP_LOSS, Purpose.TAKE_PROFIT, Purpose.CLOSE})


def hooks(*reasons: Purpose, number: int = 0) -> ExitHooks:
    return ExitHooks(number, frozenset(reasons) or ALL, "print")


@pytest.fixture
def market() -> Market:
    market = Market(terms={"GOLD": instrument(commission_per_lot=Decimal("0.5"))})
    market.quote(100)
    return market


def exits(market: Market) -> list[PositionExited]:
    return [event for event in market.told(PositionExited) if isinstance(event, PositionExited)]


def told(market: Market) -> list[tuple[str, Decimal, Decimal]]:
    return [(event.reason.value, event.quantity, event.pnl) for event in exits(market)]


def test_a_stop_tells_its_price_its_quantity_and_the_result_after_costs(market: Market) -> None:
    market.buy(2, stop_loss=by(3), take_profit=by(5), hooks=hooks(number=4), rule=7)
    market.quote(97)
    (event,) = exits(market)
    assert (event.hooks, event.rule, event.reason, event.side) == (4, 7, Purpose.STOP_LOSS, Side.SELL)
    assert (event.price, event.quantity, event.pnl, event.time) == (97, 2, Decimal(-7), market.now)


def test_a_target_and_a_plain_close_have_their_own_reasons(market: Market) -> None:
    market.buy(1, stop_loss=by(3), take_profit=by(5), hooks=hooks())
    market.quote(105)
    market.buy(1, stop_loss=by(3), take_profit=by(5), hooks=hooks())
    market.close()
    assert told(market) == [("TP", Decimal(1), Decimal("4.5")), ("CLOSE", Decimal(1), Decimal("-0.5"))]


def test_only_the_kind_that_applies_and_only_if_it_is_bound(market: Market) -> None:
    market.buy(1, stop_loss=by(3), take_profit=by(5), hooks=hooks(Purpose.TAKE_PROFIT))
    market.quote(97)
    assert exits(market) == []
    market.buy(1, hooks=hooks(Purpose.CLOSE))
    market.close()
    assert len(exits(market)) == 1


def test_partial_exits_add_up_and_the_last_one_decides(market: Market) -> None:
    market.buy(2, stop_loss=by(3), hooks=hooks())
    market.quote(102)
    market.sell("0.5")
    assert exits(market) == []
    market.quote(97)
    assert told(market) == [("STOP", Decimal(2), Decimal("0.75") + Decimal("-5.25"))]


def test_an_opposite_entry_that_turns_the_position_counts_with_the_part_that_closed(market: Market) -> None:
    market.buy(1, hooks=hooks(number=1))
    market.quote(102)
    market.sell(4, hooks=hooks(number=2))
    (first,) = exits(market)
    assert (first.hooks, first.reason, first.quantity, first.pnl) == (1, Purpose.CLOSE, 1, Decimal("1.5"))
    market.close()
    assert [(event.hooks, event.quantity, event.side) for event in exits(market)[1:]] == [(2, 3, Side.BUY)]


def test_entries_that_share_a_leg_are_told_apart_by_their_exits(market: Market) -> None:
    market.buy(1, stop_loss=by(2), take_profit=by(20), hooks=hooks(number=1))
    market.buy(1, stop_loss=by(4), take_profit=by(20), hooks=hooks(number=2))
    market.buy(1, stop_loss=by(3), take_profit=by(20))
    market.quote(98)
    assert [event.hooks for event in exits(market)] == [1]
    market.quote(97)
    market.quote(96)
    assert [event.hooks for event in exits(market)] == [1, 2]
    assert market.net() == 0


def test_a_part_taken_out_of_a_shared_leg_is_the_newest_entrys_whose_exits_go_with_it(market: Market) -> None:
    market.buy(1, stop_loss=by(2), hooks=hooks(number=1))
    market.buy(1, stop_loss=by(4), hooks=hooks(number=2))
    market.sell(1)
    assert [event.hooks for event in exits(market)] == [2]
    assert [order.stop for order in market.working] == [98]


def test_what_hooks_do_finds_exits_and_siblings_settled(market: Market) -> None:
    seen = []

    def reverse(event: PositionExited) -> None:
        seen.append((market.net(), len(market.working), market.script.context.time))
        market.sell(event.quantity, stop_loss=by(2))

    market.script.exit = reverse
    market.buy(1, stop_loss=by(3), take_profit=by(5), hooks=hooks())
    market.quote(97)
    assert seen == [(0, 0, market.now)]
    assert market.net() == -1


@pytest.mark.parametrize("how", ["cancel", "refuse"])
def test_an_entry_that_never_fills_drops_its_hooks(market: Market, how: str) -> None:
    if how == "cancel":
        market.buy(1, limit=98, hooks=hooks())
        market.cancel()
    else:
        market.buy("0.001", hooks=hooks())
    market.buy(1)
    market.close()
    assert exits(market) == []


def test_an_entry_filled_beyond_its_own_exits_closes_and_says_so(market: Market) -> None:
    market.buy(1, stop=102, stop_loss=by(3), hooks=hooks())
    market.buy(1, stop=103, take_profit=by(3), stop_loss=None, hooks=hooks())
    market.quote(110)
    market.close()
    assert [reason for reason, *_ in told(market)] == ["CLOSE", "CLOSE"]


def test_a_pyramid_is_one_entry(market: Market) -> None:
    layer = StackLayer(Decimal(1), OrderKind.STOP, Formula(("x", Decimal(2), "+")))
    market.buy(1, stop_loss=by(5), take_profit=by(3), stack=StackPlan((layer,), 60_000), hooks=hooks())
    market.quote(102)
    market.quote(103)
    assert exits(market) == []
    market.quote(105)
    assert told(market) == [("TP", Decimal(2), Decimal("1.5") + Decimal("3.5"))]


def test_the_legs_of_an_oco_entry_have_hooks_of_their_own(market: Market) -> None:
    up = market.entry(Side.BUY, 1, stop=102, stop_loss=by(1), hooks=hooks(number=1))
    down = market.entry(Side.SELL, 1, stop=98, stop_loss=by(1), hooks=hooks(number=2))
    market.fire(OcoEntrySignal("script", GOLD, None, up, down))
    market.quote(98)
    market.quote(99)
    assert [(event.hooks, event.side) for event in exits(market)] == [(2, Side.BUY)]
