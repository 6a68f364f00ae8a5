"""Two strategies on one symbol in one scope: what one cancels or closes leaves the other's orders and legs alone."""

from decimal import Decimal

import pytest

from qkt.core.events import OrderAccepted, OrderCancelled, OrderFilled
from qkt.core.terms import OrderKind, Purpose, Side
from qkt.core.watch import Waits
from qkt.orders import CancelOrder, Deadlines, HeldOrders, Order, OrderApproved, OrderManager, SubmitOrder
from qkt.strategy import BracketSpec, CancelSignal
from tests.ledger.bench import Bench
from tests.market import GOLD, by, trailing


class Shared:
    """Strategies `a` and `b`, each with a long of one lot under exits, one of them held by the engine, and a resting entry.
    The venue fills market orders at 100 and does at once what it is told."""

    def __init__(self) -> None:
        self.bench = Bench("a", "b")
        scope = self.scope = self.bench.scope
        waits = Waits()
        deadlines = Deadlines(waits)
        self.manager = OrderManager(
            scope, self.bench.books, HeldOrders(scope, waits, deadlines, lambda symbol: 100.0), deadlines
        )
        scope.subscribe(SubmitOrder, self._serve)
        scope.subscribe(CancelOrder, lambda c: scope.publish(OrderCancelled(c.order.id, c.order.strategy, GOLD, c.reason)))
        for strategy in ("a", "b"):
            self.send(strategy, "long", bracket=BracketSpec(trailing(5), by(9)), bracket_id=strategy)
            self.send(strategy, "rest", OrderKind.LIMIT, limit=Decimal(90))

    def send(
        self, strategy: str, name: str, kind: OrderKind = OrderKind.MARKET, side: Side = Side.BUY, **terms: object
    ) -> None:
        purpose = Purpose.CLOSE if "leg_id" in terms else Purpose.ENTRY
        order = Order(f"{strategy}-{name}", strategy, GOLD, side, Decimal(1), kind, purpose, 0, **terms)  # type: ignore[arg-type]
        self.scope.publish(OrderApproved(order))

    def _serve(self, command: SubmitOrder) -> None:
        order = command.order
        self.scope.publish(OrderAccepted(order.id, order.strategy, GOLD, order.quantity))
        if order.kind is OrderKind.MARKET:
            terms = (order.kind, order.purpose, order.role, order.leg_id, Decimal(100))
            self.scope.publish(OrderFilled(order.id, order.strategy, GOLD, order.side, Decimal(1), Decimal(100), *terms))

    def working(self, strategy: str) -> set[str]:
        return {order.id for order in self.manager.live_orders() if order.strategy == strategy}


ALL_OF_B = {"b-rest", "b-tp", "b-sl"}


@pytest.fixture
def shared() -> Shared:
    shared = Shared()
    assert shared.working("a") == {"a-rest", "a-tp", "a-sl"}
    assert shared.working("b") == ALL_OF_B
    return shared


@pytest.mark.parametrize(("protection", "left"), [(False, {"a-tp", "a-sl"}), (True, set())])
def test_a_cancel_reaches_only_the_orders_of_its_strategy(shared: Shared, protection: bool, left: set[str]) -> None:
    shared.scope.publish(CancelSignal("a", GOLD, None, protection))
    assert shared.working("a") == left
    assert shared.working("b") == ALL_OF_B


def test_a_close_takes_only_the_leg_and_the_exits_of_its_strategy(shared: Shared) -> None:
    (leg,) = shared.bench.books.strategies["a"].book(GOLD)
    shared.send("a", "close", side=Side.SELL, leg_id=leg.id)
    assert shared.working("a") == {"a-rest"}
    assert shared.working("b") == ALL_OF_B
    assert [shared.bench.books.net_quantity(name, GOLD) for name in ("a", "b")] == [0, 1]


def test_an_opposite_entry_that_flattens_the_account_strips_nobody_else(shared: Shared) -> None:
    shared.send("a", "turn", side=Side.SELL)
    shared.send("a", "short", side=Side.SELL)
    assert shared.bench.books.account[GOLD].quantity == 0
    assert shared.working("a") == {"a-rest"}
    assert shared.working("b") == ALL_OF_B
