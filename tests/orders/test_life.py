"""The life of orders: ids, states, expiry, cancels, refusals."""

from dataclasses import replace
from decimal import Decimal

import pytest

from qkt.core.events import OrderCancelled, OrderFilled, OrderRejected, RiskRejected
from qkt.core.terms import LegRole, OrderKind, OrderState, Purpose, Side
from qkt.orders import Order
from tests.market import GOLD, SILVER, Market, by, instrument


@pytest.fixture
def market() -> Market:
    market = Market(GOLD, SILVER)
    market.quote(99, 101)
    return market


def test_an_order_needs_an_owner() -> None:
    with pytest.raises(ValueError, match="no owner"):
        Order("x", "", GOLD, Side.BUY, Decimal(1), OrderKind.MARKET, Purpose.ENTRY, 0)


def test_partial_fills_average_by_quantity_and_a_filled_order_is_terminal() -> None:
    order = Order("x", "s", GOLD, Side.BUY, Decimal("0.3"), OrderKind.LIMIT, Purpose.ENTRY, 0)
    order.add_fill(Decimal("0.1"), Decimal(10), complete=False)
    assert order.state is OrderState.PARTIALLY_FILLED
    assert order.remaining == Decimal("0.2")
    order.add_fill(Decimal("0.2"), Decimal(13), complete=True)
    assert order.average == Decimal("12.00000000")
    assert not order.live


def test_good_till_beats_a_trigger_on_the_same_tick(market: Market) -> None:
    market.buy(1, limit=80, good_till=120_000)
    market.quote("79.8", "79.9", at=120_000)
    assert market.fills == []
    assert [e.reason for e in market.told(OrderCancelled)] == ["expired at 120000"]  # type: ignore[attr-defined]


def test_an_order_lives_until_the_millisecond_before_its_deadline(market: Market) -> None:
    market.buy(1, limit=80, good_till=120_000)
    market.quote("79.8", "79.9", at=119_999)
    assert len(market.fills) == 1


def test_only_a_tick_of_its_own_symbol_expires_an_order(market: Market) -> None:
    market.buy(1, limit=80, good_till=120_000)
    market.quote(5, 6, at=130_000, symbol=SILVER)
    assert len(market.working) == 1
    market.quote(99, 101, at=131_000)
    assert market.working == []


def test_an_order_that_has_expired_already_is_rejected_before_it_is_sent(market: Market) -> None:
    market.buy(1, limit=80, good_till=60_000, rule=3)
    assert "expired before it was sent" in market.told(OrderRejected)[0].reason  # type: ignore[attr-defined]
    assert market.script.rearmed == [3]


def test_of_two_orders_hit_by_one_tick_the_second_is_not_filled_when_the_first_cancelled_it(market: Market) -> None:
    market.buy(1, limit=95)
    market.buy(1, limit=96)
    market.script.fill = lambda fill: market.cancel()
    market.quote("94.8", "94.9")
    assert [fill.order_id for fill in market.fills] == ["dsl-script--0"]
    assert market.working == []


def test_orders_hit_by_one_tick_fill_in_the_order_of_submission(market: Market) -> None:
    market.buy(1, limit=95)
    market.buy(1, limit=96)
    market.quote("94.8", "94.9")
    assert [fill.order_id for fill in market.fills] == ["dsl-script--0", "dsl-script--1"]


def test_open_orders_count_entries_that_would_add_risk_and_no_exits(market: Market) -> None:
    context = market.script.context
    market.buy(1, stop_loss=by(4), take_profit=by(6))
    assert context.open_orders(GOLD) == 0
    market.buy(1, limit=90)
    market.sell(3, limit=120)
    assert context.open_orders(GOLD) == 2
    market.sell(1, limit=120)  # could only reduce the long
    assert context.open_orders(GOLD) == 2
    assert context.open_orders(SILVER) == 0


def test_a_quantity_below_the_minimum_is_rejected_and_rearms_its_rule(market: Market) -> None:
    assert market.buy("0.009", rule=7) is False
    assert "below the minimum" in market.told(OrderRejected)[0].reason  # type: ignore[attr-defined]
    assert market.script.rearmed == [7]
    assert market.working == []


def test_a_firing_counts_unless_everything_was_held_back(market: Market) -> None:
    assert market.buy(1, rule=1) is True
    assert market.buy(101, rule=1) is False  # risk refuses
    assert market.fire(rule=1) is True  # a firing that sends nothing
    assert market.script.context.fire(1, [], suppressed=1) is False


def test_a_market_order_before_the_first_price_is_refused(market: Market) -> None:
    market.buy(1, symbol=SILVER)
    assert "no price" in market.told(RiskRejected)[0].reason  # type: ignore[attr-defined]


def test_ids_follow_one_counter_for_plain_orders_and_one_for_each_strategy() -> None:
    from qkt.strategy import EnterSignal

    market = Market()
    market.quote(99, 101)

    def plain() -> EnterSignal:
        return EnterSignal("script", GOLD, None, Side.BUY, Decimal(1), None, plain=True)

    market.fire(plain())
    market.buy(1, stop_loss=by(4))
    market.close()
    market.fire(plain())
    ids = [fill.order_id for fill in market.fills]
    assert ids == ["ORD-0", "dsl-script--0", "dsl-script--2", "ORD-3"]


def test_risk_caps_refuse_with_their_numbers_and_let_reductions_pass() -> None:
    market = Market(terms={"GOLD": instrument(contract_size=Decimal(100))})
    market.quote(99, 101)
    market.buy(26)
    market.buy(1, limit=150)
    market.buy(101)
    reasons = [e.reason for e in market.told(RiskRejected)]  # type: ignore[attr-defined]
    assert reasons[0].startswith("order notional 260000.00000000 exceeds cap 250000 (qty=26 ref=100.00000000")
    assert reasons[1] == "order price 150 is 50.0 % from the last 100, the price collar is 25 %"
    assert reasons[2] == "order quantity 101 exceeds cap 100"
    market.buy(24)
    market.buy(24)
    market.close()  # 48 lots are more than the notional cap lets in, yet they can leave
    assert market.net() == 0


def test_an_execution_that_a_venue_reports_twice_counts_once() -> None:
    market = Market()
    market.quote(100, 101)
    market.buy(1, limit=95)
    (order,) = market.working
    heard: list[OrderFilled] = []
    market.script.fill = heard.append
    terms = (OrderKind.LIMIT, Purpose.ENTRY, LegRole.PRIMARY, None, Decimal(95), False)
    fill = OrderFilled(order.id, "script", GOLD, Side.BUY, Decimal("0.4"), Decimal(95), *terms, execution="deal 7")
    for report in (fill, replace(fill), replace(fill, execution="deal 8")):
        market.session.scope.publish(report)
    assert (market.net(), order.remaining) == (Decimal("0.8"), Decimal("0.2"))
    assert (len(market.books.trades), len(heard)) == (2, 2)
