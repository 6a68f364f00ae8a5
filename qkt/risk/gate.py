"""The caps on a single order that always hold: quantity, notional, distance from the market."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from qkt.brokers import QuoteBoard
from qkt.core.bus import Scope
from qkt.core.errors import InstrumentError
from qkt.core.events import RiskRejected
from qkt.core.instruments import InstrumentRegistry
from qkt.core.numbers import exact, plain, q8, to_decimal
from qkt.ledger import Converter
from qkt.orders import Order, OrderApproved, OrderRequested

HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class OrderLimits:
    """Caps of one order: lots, notional in account currency, and percent between an explicit price and the last one."""

    max_quantity: Decimal = Decimal(100)
    max_notional: Decimal = Decimal(250_000)
    price_collar_pct: Decimal = Decimal(25)


class RiskGate:
    """Publishes `OrderApproved` or `RiskRejected` for every order requested. First rule that refuses wins."""

    def __init__(
        self,
        scope: Scope,
        limits: OrderLimits,
        instruments: InstrumentRegistry,
        converter: Converter,
        board: QuoteBoard,
    ) -> None:
        self._scope = scope
        self._limits = limits
        self._instruments = instruments
        self._converter = converter
        self._board = board
        self.rejections: list[RiskRejected] = []
        scope.subscribe(OrderRequested, self._on_requested)

    def _on_requested(self, event: OrderRequested) -> None:
        order = event.order
        reason = None if order.reduce_only else self._refusal(order)
        if reason is None and event.sibling is not None:
            reason = self._refusal(event.sibling)
        if reason is None:
            self._scope.publish(OrderApproved(order, event.sibling))
            return
        rejected = RiskRejected(order.id, order.strategy, order.symbol, reason, order.rule)
        self.rejections.append(rejected)
        self._scope.publish(rejected)

    def _refusal(self, order: Order) -> str | None:
        limits = self._limits
        if order.quantity > limits.max_quantity:
            return f"order quantity {_short(order.quantity)} exceeds cap {_short(limits.max_quantity)}"
        last = self._board.last(order.symbol)
        market = None if last is None else to_decimal(last)
        explicit = order.stop or order.limit
        price = explicit or market
        if price is None:
            return f"no price for {order.symbol} to value the order with"
        return self._notional(order, price) or self._collar(explicit, market)

    def _notional(self, order: Order, price: Decimal) -> str | None:
        terms = self._instruments.resolve(order.symbol)
        try:
            value = self._converter.value(exact(order.quantity, price, terms.contract_size), order.symbol, price)
        except InstrumentError as problem:
            return f"order notional cannot be valued ({problem})"
        if value <= self._limits.max_notional:
            return None
        detail = f"qty={_short(order.quantity)} ref={q8(price)} contractSize={_short(terms.contract_size)}"
        return (
            f"order notional {value} exceeds cap {_short(self._limits.max_notional)} "
            f"({detail} currency={self._converter.account})"
        )

    def _collar(self, explicit: Decimal | None, market: Decimal | None) -> str | None:
        if explicit is None or not market:
            return None
        distance = abs(explicit - market) / market * HUNDRED
        if distance <= self._limits.price_collar_pct:
            return None
        return (
            f"price {_short(explicit)} is {distance:.1f} % from the last {_short(market)}, "
            f"the collar is {_short(self._limits.price_collar_pct)} %"
        )


def _short(x: Decimal) -> str:
    return plain(x.normalize())
