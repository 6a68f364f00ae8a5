"""The rules an order must pass before it leaves: quantity, notional, distance from the market, position size.

A refusal names the rule, the value and the limit. An order is judged by the worst that it can come to: both legs of an OCO,
every layer, tier and child. Orders that can only reduce the leg of their own strategy pass the rules of one order; the size
of the position binds whatever can make it grow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from qkt.brokers import QuoteBoard
from qkt.core.bus import Scope
from qkt.core.errors import InstrumentError
from qkt.core.events import RiskRejected
from qkt.core.instruments import InstrumentRegistry
from qkt.core.numbers import EXACT, ZERO, exact, plain, q8, to_decimal, total
from qkt.core.terms import OrderKind
from qkt.ledger import Books
from qkt.orders import Order, OrderApproved, OrderRequested
from qkt.risk.claims import Claim, Exposure, claims_of, totals, worst
from qkt.risk.limits import OrderLimits
from qkt.risk.reserved import Reservations

HUNDRED = Decimal(100)


class RiskGate:
    """Publishes `OrderApproved` or `RiskRejected` for every order requested. First rule that refuses wins.

    `closed`, while it is set, says why no entry may pass. `of_book` are rules of the book that the strategies belong to, asked
    after its own.
    """

    def __init__(
        self, scope: Scope, limits: OrderLimits, instruments: InstrumentRegistry, books: Books, board: QuoteBoard
    ) -> None:
        self._scope = scope
        self._limits = limits
        self._instruments = instruments
        self._converter = books.converter
        self._board = board
        self.reserved = Reservations(books)
        self.of_book: Callable[[Sequence[Order]], Iterator[str]] | None = None
        self.rejections: list[RiskRejected] = []
        self.closed: str | None = None
        scope.subscribe(OrderRequested, self._on_requested)
        scope.subscribe(RiskRejected, self.rejections.append)

    def _on_requested(self, event: OrderRequested) -> None:
        order, sibling = event.order, event.sibling
        entries = [one for one in (order, sibling) if one is not None and not one.reduce_only]
        reason = self.closed if entries and self.closed else next(self._refusals(entries), None)
        if reason is None:
            if entries:
                self.reserved.add(*entries)
            self._scope.publish(OrderApproved(order, sibling))
            return
        self._scope.publish(RiskRejected(order.id, order.strategy, order.symbol, reason, order.rule))

    def _refusals(self, entries: list[Order]) -> Iterator[str]:
        """Why alternative entries, of which one fills, may not pass."""
        grown: dict[Exposure, Decimal] = {}
        for order in entries:
            last = self._last(order.symbol)
            own, *following = claims_of(order, last)
            room = self.reserved.room_to_reduce(order)
            if own.quantity > room:
                yield from self._of_one_order(own, order, last)
            for claim in following:
                yield from self._quantity(claim, order)
                yield from self._notional(claim, order, self._last(claim.symbol))
            claims = [_growth(own, order, room), *following]
            grown = worst(grown, totals(claim for claim in claims if claim.quantity > 0))
        for exposure, lots in grown.items():
            yield from self._position(exposure, lots, entries[0].strategy)
        if self.of_book is not None:
            yield from self.of_book(entries)

    def _last(self, symbol: str) -> Decimal | None:
        last = self._board.last(symbol)
        return None if last is None else to_decimal(last)

    # ------------------------------------------------------------------ rules

    def _of_one_order(self, claim: Claim, order: Order, last: Decimal | None) -> Iterator[str]:
        yield from self._quantity(claim, order)
        yield from self._notional(claim, order, last)
        yield from self._collar(claim.price, last)

    def _quantity(self, claim: Claim, order: Order) -> Iterator[str]:
        cap = self._limits.max_quantity
        if claim.quantity > cap:
            yield f"order quantity {_short(claim.quantity)} exceeds cap {_short(cap)}{_of(claim, order)}"

    def _notional(self, claim: Claim, order: Order, last: Decimal | None) -> Iterator[str]:
        price = claim.price or last
        if price is None:
            yield f"no price for {claim.symbol} to value the order with"
            return
        size = self._instruments.resolve(claim.symbol).contract_size
        try:
            value = self._converter.value(exact(claim.quantity, price, size), claim.symbol, price)
        except InstrumentError as problem:
            yield f"order notional cannot be valued ({problem})"
            return
        cap = self._limits.max_notional
        if value > cap:
            detail = f"qty={_short(claim.quantity)} ref={q8(price)} contractSize={_short(size)}"
            terms = f"({detail} currency={self._converter.account})"
            yield f"order notional {value} exceeds cap {_short(cap)} {terms}{_of(claim, order)}"

    def _collar(self, explicit: Decimal | None, last: Decimal | None) -> Iterator[str]:
        if explicit is None or not last:
            return
        distance = abs(explicit - last) / last * HUNDRED
        collar = self._limits.price_collar_pct
        if distance > collar:
            away = f"{distance:.1f} % from the last {_short(last)}"
            yield f"order price {_short(explicit)} is {away}, the price collar is {_short(collar)} %"

    def _position(self, exposure: Exposure, lots: Decimal, strategy: str) -> Iterator[str]:
        caps = ((self._limits.max_position, strategy), (self._limits.max_account_position, None))
        for cap, owner in caps:
            if cap is None:
                continue
            held, pending = self.reserved.open(exposure, owner), self.reserved.pending(exposure, owner)
            size = total((held, pending, lots))
            if size > cap:
                symbol, side = exposure
                whose = "the account" if owner is None else owner
                parts = f"{_short(held)} open, {_short(pending)} pending, {_short(lots)} asked for"
                yield (
                    f"position size {_short(size)} of {whose} in {symbol} exceeds cap {_short(cap)} "
                    f"({'long' if side.sign > 0 else 'short'}: {parts})"
                )


def _growth(claim: Claim, order: Order, room: Decimal) -> Claim:
    """What the order can add to a position. A market order closes first what it nets against; a resting one may come when
    that leg is gone, and then opens with all its lots."""
    if order.kind is not OrderKind.MARKET:
        return claim
    grows = max(ZERO, EXACT.subtract(claim.quantity, room))
    return Claim(claim.symbol, claim.side, grows, claim.price, claim.nets, claim.follows)


def _of(claim: Claim, order: Order) -> str:
    """Names the order that brings a claim which is not its own."""
    return f", in what follows {order.id}" if claim.follows else ""


def _short(x: Decimal) -> str:
    return plain(x.normalize())
