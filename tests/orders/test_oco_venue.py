"""Two entries of which one may fill, at a venue whose answers come late and in any order."""

from decimal import Decimal

import pytest

from qkt.core.events import OrderCancelled, OrderRejected
from qkt.core.terms import OrderKind, OrderState, Side
from qkt.strategy import BracketSpec, EnterSignal, OcoEntrySignal
from tests.market import GOLD, by
from tests.orders.order_machine import OrderRoom, Placement

FIRST, SECOND = "dsl-s--0", "dsl-s--2"
WHOLE, HALF = Decimal(1), Decimal("0.5")


@pytest.fixture
def room() -> OrderRoom:
    room = OrderRoom()
    room.quote(100)
    exits = BracketSpec(by(20), by(30))
    up = EnterSignal("s", GOLD, None, Side.BUY, Decimal(2), None, OrderKind.STOP, stop=Decimal(102), bracket=exits)
    down = EnterSignal("s", GOLD, None, Side.SELL, Decimal(2), None, OrderKind.STOP, stop=Decimal(98), bracket=exits)
    room.scope.publish(OcoEntrySignal("s", GOLD, None, up, down))
    return room


def placed(room: OrderRoom, name: str) -> Placement:
    return room.placements[name]


def gone(room: OrderRoom, name: str) -> None:
    placed(room, name).over = True
    room.report(OrderCancelled(name, "s", GOLD, "done"))


def test_the_second_leg_is_sent_when_the_first_is_acknowledged(room: OrderRoom) -> None:
    assert list(room.placements) == [FIRST]
    room.accept(placed(room, FIRST))
    assert list(room.placements) == [FIRST, SECOND]


def test_the_cancel_of_a_leg_waits_for_its_acknowledgement_and_is_sent_once(room: OrderRoom) -> None:
    room.accept(placed(room, FIRST))
    room.execute(placed(room, FIRST), WHOLE)
    assert placed(room, SECOND).cancels == 0
    room.accept(placed(room, SECOND))
    assert placed(room, SECOND).cancels == 1
    gone(room, SECOND)
    assert placed(room, SECOND).cancels == 1
    assert len(room.oco) == 0


def test_a_slice_of_one_leg_decides_for_it_and_the_rest_goes_on(room: OrderRoom) -> None:
    room.accept(placed(room, FIRST))
    room.accept(placed(room, SECOND))
    room.execute(placed(room, FIRST), HALF)
    assert placed(room, SECOND).cancels == 1
    gone(room, SECOND)
    assert placed(room, FIRST).order.state is OrderState.PARTIALLY_FILLED
    assert placed(room, FIRST).cancels == 0
    room.execute(placed(room, FIRST), WHOLE)
    assert room.books.net_quantity("s", GOLD) == 2


def test_a_leg_filled_before_its_acknowledgement_keeps_the_other_at_home(room: OrderRoom) -> None:
    room.execute(placed(room, FIRST), HALF)
    room.accept(placed(room, FIRST))
    assert list(room.placements)[:1] == [FIRST]
    assert SECOND not in room.placements


def test_both_filled_in_a_race_stand_beside_each_other_with_exits_of_their_own(room: OrderRoom) -> None:
    room.accept(placed(room, FIRST))
    room.accept(placed(room, SECOND))
    room.execute(placed(room, FIRST), WHOLE)
    room.execute(placed(room, SECOND), WHOLE)
    book = room.books.strategies["s"].book(GOLD)
    assert (book.net, [leg.side for leg in book]) == (0, [Side.BUY, Side.SELL])
    assert len([order for order in room.manager.live_orders() if order.reduce_only]) == 4


def test_a_cancel_on_the_way_to_the_first_leg_is_not_lost(room: OrderRoom) -> None:
    room.cancel(protection=False)
    assert placed(room, FIRST).cancels == 0
    room.accept(placed(room, FIRST))
    assert placed(room, FIRST).cancels == 1
    gone(room, FIRST)
    assert list(room.placements) == [FIRST]
    assert (room.manager.live_orders(), len(room.oco)) == ([], 0)


def test_a_second_leg_that_the_venue_refuses_later_takes_the_first_back(room: OrderRoom) -> None:
    room.accept(placed(room, FIRST))
    placed(room, SECOND).over = True
    room.report(OrderRejected(SECOND, "s", GOLD, "no"))
    assert placed(room, FIRST).cancels == 1
    gone(room, FIRST)
    assert (room.manager.live_orders(), len(room.oco)) == ([], 0)
