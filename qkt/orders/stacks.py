"""Pyramids: layers that follow the fill of a seed.

The seed's fill price is the anchor from which each layer takes its price. A layer is an entry like any other, with exits
of its own off its own fill, and all of them average into the primary leg. Layers that have not filled go when their time is
over, and when everything that did fill is closed again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from qkt.core.bus import Scope
from qkt.core.events import LogLine
from qkt.core.formula import Formula
from qkt.core.numbers import q8
from qkt.core.terms import OrderKind, OrderState, Purpose
from qkt.orders.deadlines import Deadline, Deadlines, Phase
from qkt.orders.events import OrderApproved, OrderEnded, OrderRequested, WithdrawOrder
from qkt.orders.holdings import HoldingClosed, Holdings
from qkt.orders.order import Order
from qkt.strategy import EnterSignal, StackLayer


@dataclass(slots=True, eq=False)
class _Stack:
    """A pyramid whose seed or layers work. `pending` are its live layers by id, known once the seed has filled."""

    id: str
    signal: EnterSignal
    seed: Order
    pending: dict[str, Order] = field(default_factory=dict)
    deadline: Deadline | None = None


class Stacks:
    """Pyramids by id, while they have something to wait for."""

    def __init__(self, scope: Scope, holdings: Holdings, deadlines: Deadlines) -> None:
        self._scope = scope
        self._holdings = holdings
        self._deadlines = deadlines
        self._stacks: dict[str, _Stack] = {}
        scope.subscribe(OrderApproved, self._on_approved)
        scope.subscribe(OrderEnded, self._on_ended)
        scope.subscribe(HoldingClosed, self._on_closed)

    def __len__(self) -> int:
        return len(self._stacks)

    def _on_approved(self, event: OrderApproved) -> None:
        order, signal = event.order, event.order.signal
        if signal is not None and signal.stack is not None:
            self._stacks[order.parent] = _Stack(order.parent, signal, order)

    def _on_ended(self, event: OrderEnded) -> None:
        order = event.order
        stack = self._stacks.get(order.parent)
        if stack is None:
            return
        if order is stack.seed:
            self._on_seed_ended(stack, event.at)
        else:
            stack.pending.pop(order.id, None)
        if not stack.pending:
            self._forget(stack)

    def _on_seed_ended(self, stack: _Stack, at: int) -> None:
        """The layers follow what the seed has filled, unless that is closed already or the strategy took the seed back."""
        seed, plan = stack.seed, stack.signal.stack
        assert plan is not None
        if seed.unwanted or seed.cancel_reason is not None or self._holdings.quantity(stack.id) <= 0:
            return
        assert seed.average is not None
        orders = [self._layer(stack, number, layer, seed.average, at) for number, layer in enumerate(plan.layers, 2)]
        stack.pending = {order.id: order for order in orders if order is not None}
        stack.deadline = self._deadlines.plan(at + plan.within_ms, Phase.LAYERS, lambda: self._end(stack, "its time is over"))
        for order in list(stack.pending.values()):
            if stack.id not in self._stacks:  # a layer sent before it closed everything
                return
            self._scope.publish(OrderRequested(order))
            if order.state is OrderState.CREATED:  # risk refused it
                stack.pending.pop(order.id, None)

    def _layer(self, stack: _Stack, number: int, layer: StackLayer, anchor: Decimal, at: int) -> Order | None:
        signal = stack.signal
        name = f"{stack.id}-l{number}"
        price, limit = _price(layer.price, anchor), _price(layer.limit, anchor)
        quantity = q8(layer.quantity)
        if quantity <= 0 or any(level is not None and level <= 0 for level in (price, limit)):
            text = f"{name} is left out: quantity {quantity}, price {price}, limit {limit}"
            self._scope.publish(LogLine(signal.strategy, "WARN", text))
            return None
        kind = layer.kind
        if kind is OrderKind.IF_TOUCHED and price is not None and (price - anchor) * signal.side.sign >= 0:
            kind = OrderKind.STOP  # it lies ahead, where a touch is a break
        if kind is OrderKind.LIMIT:
            price, limit = None, price
        return Order(
            id=name,
            strategy=signal.strategy,
            symbol=signal.symbol,
            side=signal.side,
            quantity=quantity,
            kind=kind,
            purpose=Purpose.ENTRY,
            created_at=at,
            reference=price or limit,
            limit=limit,
            stop=price,
            bracket=signal.bracket,
            bracket_id=name,
            parent=stack.id,
            time_exit_ms=signal.time_exit_ms,
        )

    def _on_closed(self, event: HoldingClosed) -> None:
        stack = self._stacks.get(event.holding.id)
        if stack is not None and not stack.seed.live:
            self._end(stack, "its position is closed")

    def _end(self, stack: _Stack, reason: str) -> None:
        for order in list(stack.pending.values()):
            self._scope.publish(WithdrawOrder(order, reason))
        self._forget(stack)

    def _forget(self, stack: _Stack) -> None:
        self._stacks.pop(stack.id, None)
        if stack.deadline is not None:
            self._deadlines.drop(stack.deadline)
            stack.deadline = None


def _price(formula: Formula | None, anchor: Decimal) -> Decimal | None:
    return None if formula is None else q8(formula.at(anchor))
