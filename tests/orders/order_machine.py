"""A venue that answers as it likes, for the proof that the order room stays right whatever it hears.

The room is the real one on a real scope. The venue acknowledges, refuses, fills in slices, cancels, repeats itself and comes
late, in any order; what truly happened there is booked in true books, what it merely repeats is not.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.events import (
    Event,
    OrderAccepted,
    OrderCancelled,
    OrderEvent,
    OrderFilled,
    OrderModified,
    OrderRejected,
    PositionExited,
    Tick,
    Trade,
)
from qkt.core.formula import Formula
from qkt.core.ids import OrderIds
from qkt.core.instruments import InstrumentRegistry
from qkt.core.terms import OrderKind, OrderState, Purpose, Side
from qkt.core.watch import Waits
from qkt.engine import TickBoard
from qkt.ledger import Books, Converter
from qkt.orders import (
    CancelOrder,
    Deadlines,
    ExitHookCalls,
    FillChildren,
    HeldOrders,
    Holdings,
    OcoEntries,
    Order,
    OrderApproved,
    OrderManager,
    OrderRequested,
    ResizeOrder,
    SignalDesk,
    Stacks,
    SubmitOrder,
    Tiers,
)
from qkt.strategy import (
    BracketSpec,
    CancelSignal,
    CloseSignal,
    EnterSignal,
    ExitHooks,
    LegSize,
    OcoEntrySignal,
    StackLayer,
    StackPlan,
    Tier,
)
from tests.market import GOLD, by, instrument

PRICES = st.integers(95, 105)
ANY = st.integers(0, 50)
FOLLOWS = st.sampled_from(["", "child", "stack", "hooked stack", "tiers", "hooks"])
ENTRIES = st.builds(
    EnterSignal,
    strategy=st.just("s"),
    symbol=st.just(GOLD),
    rule=st.none(),
    side=st.sampled_from(list(Side)),
    quantity=st.integers(1, 4).map(Decimal),
    reference=st.none(),
    kind=st.sampled_from([OrderKind.MARKET, OrderKind.STOP]),
    stop=st.just(Decimal(100)),
    bracket=st.sampled_from([None, BracketSpec(by(2), by(3)), BracketSpec(by(2), None), BracketSpec(None, by(3))]),
)
REASONS = frozenset({Purpose.STOP_LOSS, Purpose.TAKE_PROFIT, Purpose.CLOSE})
FLAT = Decimal(0)


class Placement:
    """An order as its venue sees it: `left` lots may still fill, `over` ends that."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.left = order.quantity
        self.acknowledged = False
        self.over = False
        self.cancels = 0


class OrderRoom(RuleBasedStateMachine):
    """Drives one strategy's orders on one market."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = EventClock(1_000)
        self.bus = EventBus(self.clock)
        self.scope = self.bus.scope("s")
        self.scope.follow(GOLD)
        self.board = TickBoard()
        self.placements: dict[str, Placement] = {}
        self.reported: list[OrderEvent] = []
        self.genuine = True
        self.pairs: list[tuple[Order, Order]] = []
        self.exited: list[PositionExited] = []
        self.children: dict[Decimal | None, int] = {}
        self.number = 0
        self.fills: list[OrderFilled] = []
        self.ended: dict[str, tuple[OrderState, Decimal]] = {}
        self._assemble()

    def _assemble(self) -> None:
        scope = self.scope
        registry = InstrumentRegistry.standard().with_layer({"GOLD": instrument()})
        # True books hear only what truly happened, on a scope of their own.
        beside = self.bus.scope("books")
        self.books = Books(beside, ["s"], Decimal(10_000), registry, Converter("USD", registry, self.board), self.board)
        beside.subscribe(Trade, scope.publish)
        scope.subscribe(OrderFilled, self._book)
        waits = Waits()
        deadlines, ids = Deadlines(waits), OrderIds()
        self.oco = OcoEntries(scope)
        FillChildren(scope)
        self.holdings = Holdings(scope, self.books)
        self.stacks = Stacks(scope, self.holdings, deadlines)
        self.tiers = Tiers(scope, ids, self.holdings, waits)
        ExitHookCalls(scope)
        SignalDesk(scope, ids)
        scope.subscribe(OrderRequested, self._approve)
        held = HeldOrders(scope, waits, deadlines, self.board.last)
        self.manager = OrderManager(scope, self.books, held, deadlines)
        scope.subscribe(OrderFilled, self.holdings.settle)
        scope.subscribe(SubmitOrder, self._submitted)
        scope.subscribe(CancelOrder, self._cancel_asked)
        scope.subscribe(ResizeOrder, self._resize_asked)
        scope.subscribe(PositionExited, self.exited.append)
        scope.subscribe(Tick, deadlines.on_tick)
        scope.subscribe(Tick, held.on_tick)
        scope.subscribe(Tick, self.tiers.on_tick)
        scope.tap(self._watch)

    # ------------------------------------------------------ around the room

    def _book(self, fill: OrderFilled) -> None:
        if self.genuine:
            self.books.on_fill(fill)

    def _approve(self, event: OrderRequested) -> None:
        if event.sibling is not None:
            self.pairs.append((event.order, event.sibling))
        self.scope.publish(OrderApproved(event.order, event.sibling))

    def _submitted(self, command: SubmitOrder) -> None:
        assert command.order.id not in self.placements, "an order is sent once"
        self.placements[command.order.id] = Placement(command.order)

    def _cancel_asked(self, command: CancelOrder) -> None:
        placement = self.placements[command.order.id]
        placement.cancels += 1
        assert placement.cancels == 1, "a cancel is sent once"
        assert command.order.acknowledged, "a venue cannot cancel what it has not acknowledged"

    def _resize_asked(self, command: ResizeOrder) -> None:
        placement = self.placements[command.order.id]
        if not placement.over:
            placement.left = command.quantity
            self.report(OrderModified(command.order.id, "s", GOLD, command.quantity))

    def _watch(self, event: Event) -> None:
        """Note the first end of every order, and the children that were sent."""
        if isinstance(event, EnterSignal) and event.reference is not None:
            self.children[event.reference] = self.children.get(event.reference, 0) + 1
        for placement in self.placements.values():
            order = placement.order
            if order.state.terminal:
                self.ended.setdefault(order.id, (order.state, order.filled))

    def report(self, event: OrderEvent, *, genuine: bool = True) -> None:
        self.genuine = genuine
        self.scope.publish(event)
        self.genuine = True
        self.reported.append(event)

    # ------------------------------------------------------------ the strategy

    @initialize(price=PRICES)
    def begin(self, price: int) -> None:
        self.quote(price)

    @rule(price=PRICES)
    def quote(self, price: int) -> None:
        self.clock.time += 1_000
        tick = Tick(GOLD, self.clock.time, float(price))
        self.board.update(tick)
        self.bus.publish_tick(tick)

    @rule(entry=ENTRIES, follows=FOLLOWS)
    def enter(self, entry: EnterSignal, follows: str) -> None:
        entry = replace(entry)
        self.number += 1
        if follows == "child":
            entry.on_fill = (replace(entry, reference=Decimal(self.number)),)
        if follows in ("stack", "hooked stack"):
            entry.stack = StackPlan((_layer(OrderKind.STOP, 2), _layer(OrderKind.MARKET, 0)), 20_000)
        if follows == "tiers":
            entry.tiers = (_tier(None), _tier(Decimal(1)))
        if follows in ("hooks", "hooked stack"):
            entry.hooks = ExitHooks(self.number, REASONS, "")
        self.scope.publish(entry)

    @rule(first=ENTRIES, second=ENTRIES)
    def enter_one_of_two(self, first: EnterSignal, second: EnterSignal) -> None:
        self.scope.publish(OcoEntrySignal("s", GOLD, None, replace(first), replace(second)))

    @rule(protection=st.booleans())
    def cancel(self, protection: bool) -> None:
        self.scope.publish(CancelSignal("s", GOLD, None, protection))

    @rule()
    def close(self) -> None:
        legs = tuple(LegSize(leg.id, leg.side, leg.quantity, leg.role) for leg in self.books.strategies["s"].book(GOLD))
        self.scope.publish(CloseSignal("s", GOLD, None, legs))

    # --------------------------------------------------------------- the venue

    def pick(self, n: int) -> Placement | None:
        """One of the orders that are not over at the venue."""
        found = [placement for placement in self.placements.values() if not placement.over]
        return found[n % len(found)] if found else None

    @rule(n=ANY)
    def acknowledge(self, n: int) -> None:
        placement = self.pick(n)
        if placement is not None and not placement.acknowledged:
            self.accept(placement)

    def accept(self, placement: Placement) -> None:
        placement.acknowledged = True
        order = placement.order
        self.report(OrderAccepted(order.id, "s", GOLD, order.quantity))

    @rule(n=ANY)
    def refuse(self, n: int) -> None:
        placement = self.pick(n)
        if placement is not None and not placement.acknowledged and placement.order.filled == 0:
            placement.over = True
            self.report(OrderRejected(placement.order.id, "s", GOLD, "the venue does not like it"))

    @rule(n=ANY)
    def drop(self, n: int) -> None:
        """The venue takes an order off its book, asked or not."""
        placement = self.pick(n)
        if placement is not None:
            placement.over = True
            self.report(OrderCancelled(placement.order.id, "s", GOLD, "gone"))

    @rule(n=ANY, part=st.sampled_from(["1", "0.5", "0.25"]))
    def fill(self, n: int, part: str) -> None:
        placement = self.pick(n)
        if placement is not None:
            self.execute(placement, Decimal(part))

    def execute(self, placement: Placement, part: Decimal) -> None:
        """Fill a part of what is left, never more than the leg of a reduce-only order; that one is dropped without a leg."""
        order = placement.order
        quantity = placement.left * part
        if order.reduce_only:
            assert order.leg_id is not None
            quantity = min(quantity, self.books.leg_quantity(order.leg_id))
        if quantity <= 0:
            placement.over = True
            self.report(OrderCancelled(order.id, "s", GOLD, "nothing to reduce"))
            return
        complete = part == 1
        placement.left -= quantity
        placement.over = complete
        fill = self.execution(order, quantity, complete)
        self.fills.append(fill)
        self.report(fill)

    def execution(self, order: Order, quantity: Decimal, complete: bool) -> OrderFilled:
        price = Decimal(str(self.board.last(GOLD)))
        terms = (order.kind, order.purpose, order.role, order.leg_id, price, complete)
        return OrderFilled(order.id, "s", GOLD, order.side, quantity, price, *terms, execution=f"x{len(self.fills)}")

    @precondition(lambda self: self.ended)
    @rule(n=ANY, what=st.sampled_from(["accept", "reject", "cancel", "fill", "part"]))
    def say_something_late(self, n: int, what: str) -> None:
        """Word of an order that ended long ago."""
        order = self.placements[list(self.ended)[n % len(self.ended)]].order
        event: OrderEvent
        if what == "accept":
            event = OrderAccepted(order.id, "s", GOLD, order.quantity)
        elif what == "reject":
            event = OrderRejected(order.id, "s", GOLD, "late")
        elif what == "cancel":
            event = OrderCancelled(order.id, "s", GOLD, "late")
        else:
            event = self.execution(order, Decimal(1), what == "fill")
        before = self.memory()
        self.report(event, genuine=False)
        assert self.memory() == before, "late news changes nothing"

    @precondition(lambda self: any(placement.acknowledged for placement in self.placements.values()))
    @rule(n=ANY)
    def acknowledge_again(self, n: int) -> None:
        known = [placement for placement in self.placements.values() if placement.acknowledged]
        order = known[n % len(known)].order
        before = self.memory()
        self.report(OrderAccepted(order.id, "s", GOLD, Decimal(99)), genuine=False)
        assert self.memory() == before, "a second acknowledgement changes nothing"

    @precondition(lambda self: self.fills)
    @rule(n=ANY)
    def fill_again(self, n: int) -> None:
        """Word of an execution that was reported already, of an order that may well be live."""
        before = self.memory()
        self.report(replace(self.fills[n % len(self.fills)]))
        assert self.memory() == before, "an execution counts once"

    def memory(self) -> list[object]:
        orders = [placement.order for placement in self.placements.values()]
        told = [(order.id, order.state, order.quantity, order.filled, order.cancel_reason) for order in orders]
        return [*told, len(self.books.trades)]

    # ---------------------------------------------------------- what must hold

    @invariant()
    def ends_are_final(self) -> None:
        for name, end in self.ended.items():
            order = self.placements[name].order
            assert (order.state, order.filled) == end

    @invariant()
    def live_orders_are_the_ones_that_have_not_ended(self) -> None:
        live = {order.id for order in self.manager.live_orders() if not order.held}
        assert live == {name for name, placement in self.placements.items() if placement.order.live}

    @invariant()
    def at_most_one_of_two_may_still_fill(self) -> None:
        for first, second in self.pairs:
            both = (first, second)
            free = [order for order in both if order.live and order.cancel_reason is None]
            if any(order.filled > 0 for order in both):
                assert len(free) <= 1
                assert all(order.filled > 0 for order in free), "the one that fills goes on, not the other"
            elif any(order.state.terminal for order in both):
                assert free == []
            if second.state is not OrderState.CREATED and second.id in self.placements:
                assert first.acknowledged, "the second leg follows the acknowledgement of the first"

    @invariant()
    def exits_never_exceed_their_leg(self) -> None:
        for purpose in (Purpose.STOP_LOSS, Purpose.TAKE_PROFIT):
            guarded: dict[int, Decimal] = {}
            for order in self.manager.live_orders():
                if order.purpose is purpose and order.cancel_reason is None:
                    assert order.leg_id is not None
                    guarded[order.leg_id] = guarded.get(order.leg_id, FLAT) + order.remaining
            for leg_id, quantity in guarded.items():
                assert quantity <= self.books.leg_quantity(leg_id)

    @invariant()
    def only_entries_open_positions(self) -> None:
        for event in self.reported:
            if isinstance(event, OrderFilled) and event.purpose is not Purpose.ENTRY:
                assert event.opened_leg is None

    @invariant()
    def the_net_is_the_sum_of_the_legs(self) -> None:
        book = self.books.strategies["s"].book(GOLD)
        assert book.net == sum((leg.quantity * leg.sign for leg in book), FLAT)

    @invariant()
    def children_come_with_the_whole_fill_of_their_parent_and_once(self) -> None:
        for placement in self.placements.values():
            signal = placement.order.signal
            if signal is not None and signal.on_fill:
                sent = self.children.get(signal.on_fill[0].reference, 0)
                assert sent == (placement.order.state is OrderState.FILLED)

    @invariant()
    def hooks_are_called_once(self) -> None:
        called = [event.hooks for event in self.exited]
        assert len(called) == len(set(called))

    # ------------------------------------------------------------------ the end

    def teardown(self) -> None:
        """A close of everything, and a venue that does as it is told, leave nothing behind."""
        for _ in range(6):
            self.settle()
            self.cancel(protection=False)
            self.close()
            self.settle()
        assert self.books.net_quantity("s", GOLD) == 0
        assert not list(self.books.strategies["s"].book(GOLD))
        assert self.manager.live_orders() == []
        assert [len(part) for part in (self.oco, self.holdings, self.stacks, self.tiers)] == [0, 0, 0, 0]

    def settle(self) -> None:
        """Let the venue acknowledge, cancel and execute until it has nothing to do."""
        while any(self._serve(placement) for placement in list(self.placements.values())):
            continue

    def _serve(self, placement: Placement) -> bool:
        """Do the next thing for an order; False when it rests or is over."""
        if placement.over:
            return False
        if not placement.acknowledged:
            self.accept(placement)
        elif placement.cancels:
            placement.over = True
            self.report(OrderCancelled(placement.order.id, "s", GOLD, "as asked"))
        elif placement.order.kind is OrderKind.MARKET:
            self.execute(placement, Decimal(1))
        else:
            return False
        return True


def _layer(kind: OrderKind, distance: int) -> StackLayer:
    price = None if kind is OrderKind.MARKET else Formula(("x", Decimal(distance), "+"))
    return StackLayer(Decimal(1), kind, price)


def _tier(recover: Decimal | None) -> Tier:
    return Tier(Decimal(2), recover, 20_000, Formula(("x",)), Decimal(3), Decimal(3))
