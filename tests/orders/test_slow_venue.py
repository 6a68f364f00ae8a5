"""A venue that acknowledges later: the order manager alone, with the venue's answers given by hand."""

from decimal import Decimal

import pytest

from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.events import OrderAccepted, OrderCancelled, OrderFilled
from qkt.core.terms import LegRole, OrderKind, Purpose, Side
from qkt.core.watch import Waits
from qkt.orders import CancelOrder, Deadlines, HeldOrders, Order, OrderApproved, OrderManager, ResizeOrder, SubmitOrder
from qkt.strategy import BracketSpec, TargetSpec
from tests.market import GOLD, by


class SlowVenue:
    """Holds every command; the test answers. Also stands in for the legs: one leg, number 1, of the given size."""

    def __init__(self) -> None:
        self.scope = EventBus(EventClock(1_000)).scope("s")
        self.leg = Decimal(0)
        waits = Waits()
        deadlines = Deadlines(waits)
        self.manager = OrderManager(self.scope, self, HeldOrders(self.scope, waits, deadlines, lambda symbol: 100.0), deadlines)
        self.sent: dict[str, Order] = {}
        self.cancels: list[str] = []
        self.sizes: list[tuple[str, Decimal]] = []
        self.scope.subscribe(SubmitOrder, lambda command: self.sent.update({command.order.id: command.order}))
        self.scope.subscribe(CancelOrder, lambda command: self.cancels.append(command.order.id))
        self.acknowledged: list[str] = []
        self.scope.subscribe(OrderAccepted, lambda event: self.acknowledged.append(event.order_id))
        self.scope.subscribe(ResizeOrder, lambda command: self.sizes.append((command.order.id, command.quantity)))

    def leg_quantity(self, leg_id: int) -> Decimal:
        return self.leg

    def net_quantity(self, strategy: str, symbol: str) -> Decimal:
        return self.leg

    def enter(self, quantity: str, take_profit: TargetSpec | None = None) -> None:
        entry = Order("e", "s", GOLD, Side.BUY, Decimal(quantity), OrderKind.MARKET, Purpose.ENTRY, 1_000)
        entry.bracket, entry.bracket_id = BracketSpec(by(5), take_profit or by(9)), "b"
        self.scope.publish(OrderApproved(entry))
        self.accept("e")

    def accept(self, order_id: str, quantity: str | None = None) -> None:
        lots = self.sent[order_id].quantity if quantity is None else Decimal(quantity)
        self.scope.publish(OrderAccepted(order_id, "s", GOLD, lots))

    def fill(self, order_id: str, quantity: str, *, complete: bool = True) -> None:
        order, lots = self.sent[order_id], Decimal(quantity)
        self.leg += lots if order.purpose is Purpose.ENTRY else -lots
        price = Decimal(100)
        event = OrderFilled(
            order_id,
            "s",
            GOLD,
            order.side,
            lots,
            price,
            order.kind,
            order.purpose,
            LegRole.PRIMARY,
            order.leg_id,
            price,
            complete,
        )
        if order.purpose is Purpose.ENTRY:
            event.opened_leg, event.opened_quantity = 1, lots
        self.scope.publish(event)


@pytest.fixture
def venue() -> SlowVenue:
    venue = SlowVenue()
    venue.enter("1")
    return venue


def test_the_cancel_of_a_sibling_waits_for_its_acknowledgement_and_is_sent_once(venue: SlowVenue) -> None:
    venue.fill("e", "1")
    venue.accept("b-tp")
    venue.fill("b-tp", "1")
    assert venue.cancels == []
    venue.accept("b-sl")
    assert venue.cancels == ["b-sl"]
    venue.scope.publish(OrderCancelled("b-sl", "s", GOLD, "done"))
    assert venue.cancels == ["b-sl"]
    assert venue.manager.live_orders() == []


def test_exits_are_placed_at_the_first_slice_and_grow_with_the_next(venue: SlowVenue) -> None:
    venue.fill("e", "0.4", complete=False)
    assert {venue.sent[name].quantity for name in ("b-tp", "b-sl")} == {Decimal("0.4")}
    venue.accept("b-tp")
    venue.accept("b-sl")
    venue.fill("e", "0.6")
    assert venue.sizes == [("b-tp", Decimal("1.0")), ("b-sl", Decimal("1.0"))]


def test_a_partial_exit_shrinks_its_sibling(venue: SlowVenue) -> None:
    venue.fill("e", "1")
    venue.accept("b-tp")
    venue.accept("b-sl")
    venue.fill("b-tp", "0.3", complete=False)
    assert venue.sizes == [("b-sl", Decimal("0.7"))]
    assert venue.cancels == []


def test_a_fill_that_wins_the_race_against_its_cancel_is_booked_and_later_events_are_ignored(venue: SlowVenue) -> None:
    venue.fill("e", "1")
    venue.accept("b-tp")
    venue.accept("b-sl")
    venue.fill("b-sl", "1")
    assert venue.cancels == ["b-tp"]
    venue.scope.publish(OrderCancelled("b-tp", "s", GOLD, "done"))
    venue.accept("b-tp")
    assert venue.sent["b-tp"].state == "CANCELLED"
    assert venue.manager.live_orders() == []


def test_a_size_that_waited_for_the_acknowledgement_is_what_is_left_by_then(venue: SlowVenue) -> None:
    venue.fill("e", "0.4", complete=False)
    venue.fill("e", "0.6")
    venue.fill("b-sl", "0.3", complete=False)  # says that the venue has it, and leaves less than was asked for
    assert venue.sizes == [("b-sl", Decimal("0.7"))]
