"""Strategies that share a symbol share no position: what one holds lets nobody else pass."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qkt.core.events import RiskRejected
from qkt.core.terms import LegRole, OrderKind, Purpose, Side
from qkt.core.watch import Waits
from qkt.orders import Deadlines, Order, OrderApproved, OrderRequested
from qkt.risk import OrderLimits, RiskEngine, RiskLimits
from tests.ledger.bench import Bench


@pytest.fixture
def bench() -> Bench:
    bench = Bench("a", "b")
    limits = RiskLimits(OrderLimits(max_quantity=Decimal(2), max_account_position=Decimal(4)))
    waits = Waits()
    RiskEngine(bench.scope, limits, bench.registry, bench.books, bench.board, waits, Deadlines(waits))
    bench.price(100)
    return bench


def order(bench: Bench, strategy: str, side: Side, lots: object, **how: object) -> Order:
    kind = OrderKind.MARKET
    return Order("o", strategy, bench.symbol, side, Decimal(str(lots)), kind, Purpose.ENTRY, 0, **how)  # type: ignore[arg-type]


def passes(bench: Bench, asked: Order) -> bool:
    heard: list[object] = []
    bench.scope.tap(heard.append)
    bench.scope.publish(OrderRequested(asked))
    assert sum(isinstance(event, OrderApproved | RiskRejected) for event in heard) == 1
    return any(isinstance(event, OrderApproved) for event in heard)


def test_one_strategys_entry_never_counts_as_reducing_anothers_position(bench: Bench) -> None:
    bench.buy(3, 100, strategy="a")
    assert not passes(bench, order(bench, "b", Side.SELL, 3))
    assert passes(bench, order(bench, "a", Side.SELL, 3))


def test_a_net_that_is_flat_still_lets_each_strategy_out(bench: Bench) -> None:
    bench.buy(3, 100, strategy="a")
    bench.sell(3, 100, strategy="b")
    assert bench.books.account[bench.symbol].quantity == 0
    assert passes(bench, order(bench, "a", Side.SELL, 3))
    assert passes(bench, order(bench, "b", Side.BUY, 3))


def test_legs_that_do_not_net_are_not_reduced_by_plain_entries(bench: Bench) -> None:
    bench.buy(3, 100, strategy="a", role=LegRole.STACK)
    assert not passes(bench, order(bench, "a", Side.SELL, 3))


def test_an_order_bound_to_a_leg_always_passes(bench: Bench) -> None:
    bench.price(10_000)
    entry = bench.buy(90, 100, strategy="a")
    close = order(bench, "a", Side.SELL, 90, leg_id=entry.opened_leg)
    close.purpose = Purpose.CLOSE
    assert passes(bench, close)


def test_the_account_holds_what_all_of_them_hold(bench: Bench) -> None:
    bench.buy(2, 100, strategy="a")
    bench.buy("1.5", 100, strategy="b")
    assert not passes(bench, order(bench, "b", Side.BUY, "0.6"))
    assert passes(bench, order(bench, "b", Side.BUY, "0.5"))
