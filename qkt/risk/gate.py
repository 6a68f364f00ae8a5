"""The rules an order must pass before it leaves, in this order: halts, position size, open positions, trades of the day,
cool-down, quantity, notional, distance from the market, margin, measured beginning, exposure of the book, market data.

A refusal names the rule, the value and the limit. An order is judged by the worst that it can come to: both legs of an OCO,
every layer, tier and child. What can only reduce the leg of its own strategy has a way out: it passes a halt and every rule
but the size of the position, which binds whatever can make that grow. Closes bound to a leg are not judged at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from qkt.brokers import QuoteBoard
from qkt.core.bus import Scope
from qkt.core.errors import InstrumentError
from qkt.core.events import RiskRejected
from qkt.core.instruments import InstrumentRegistry
from qkt.core.latest import Rows, rows
from qkt.core.numbers import EXACT, ZERO, exact, q8, to_decimal, total
from qkt.core.terms import OrderKind, Purpose
from qkt.ledger import Books
from qkt.orders import Order, OrderApproved, OrderRequested
from qkt.risk.claims import Claim, Exposure, claims_of, totals
from qkt.risk.halt_rules import short
from qkt.risk.halts import Halts
from qkt.risk.limits import RiskLimits
from qkt.risk.pacer import Pacer
from qkt.risk.reserved import Reservations
from qkt.risk.venue import VenueRules

HUNDRED = Decimal(100)


class RiskGate:
    """Publishes `OrderApproved` or `RiskRejected` for every order requested. First rule that refuses wins.

    `of_book` are rules of the book that the strategies belong to, asked after its own.
    """

    def __init__(
        self,
        scope: Scope,
        limits: RiskLimits,
        instruments: InstrumentRegistry,
        books: Books,
        board: QuoteBoard,
        halts: Halts,
        reserved: Reservations,
        venue: VenueRules,
    ) -> None:
        self._scope = scope
        self._limits = limits
        self._instruments = instruments
        self._books = books
        self._converter = books.converter
        self._board = board
        self._halts = halts
        self.reserved = reserved
        self._venue = venue
        self._pacer = Pacer(limits, reserved)
        self.of_book: Callable[[Sequence[Order]], Iterator[str]] | None = None
        self.rejections: Rows[RiskRejected] = rows(books.kept)
        scope.subscribe(OrderRequested, self._on_requested)
        scope.subscribe(RiskRejected, self.rejections.append)

    def _on_requested(self, event: OrderRequested) -> None:
        order, sibling = event.order, event.sibling
        if self.reserved.late and sibling is None:
            self._hold_to_leg(order)
        entries = [one for one in (order, sibling) if one is not None and not one.reduce_only]
        reason = next(self._refusals(entries, event.at), None) if entries else None
        if reason is None:
            entries = [one for one in entries if not one.reduce_only]
            if entries:
                self.reserved.add(*entries)
            self._scope.publish(OrderApproved(order, sibling))
            return
        self._scope.publish(RiskRejected(order.id, order.strategy, order.symbol, reason, order.rule))

    def refusals(self, order: Order, now: int) -> list[str]:
        """Every reason why an entry may not pass at this time (epoch ms), in the order of the rules."""
        return list(self._refusals([order], now))

    def barred(self, order: Order) -> str | None:
        """Why an order that was let through and is only now to be sent may not leave any more."""
        halt = None if order.reduce_only else self._halts.over(order.strategy)
        return None if halt is None or self._leaves_only(order) else halt.told

    def _leaves_only(self, order: Order) -> bool:
        """Whether an entry can only close its strategy's own leg. One that is sent at market is bound to that leg, so that it
        cannot open anything either should the leg be gone when it arrives."""
        if not self.reserved.only_reduces(order):
            return False
        if order.venue_kind is OrderKind.MARKET:
            primary = self._books.strategies[order.strategy].book(order.symbol).primary
            assert primary is not None
            order.purpose, order.leg_id, order.bracket = Purpose.CLOSE, primary.id, None
        return True

    def _hold_to_leg(self, order: Order) -> None:
        """An order at market that takes time to arrive may find the leg gone that it is judged by. It opens no more even so
        than it was judged to."""
        if order.reduce_only or order.kind is not OrderKind.MARKET or self._leaves_only(order):
            return
        room = self.reserved.room_to_reduce(order)
        primary = self._books.strategies[order.strategy].book(order.symbol).primary
        if room > 0 and primary is not None:
            order.turns = primary.id, max(ZERO, EXACT.subtract(order.quantity, room))

    def _refusals(self, entries: list[Order], now: int) -> Iterator[str]:
        """Why alternative entries, of which one fills, may not pass."""
        strategy = entries[0].strategy
        halt = self._halts.over(strategy)
        if halt is not None and (len(entries) > 1 or not self._leaves_only(entries[0])):
            yield halt.told
        judged = [self._judge(order) for order in entries if not order.reduce_only]
        grown: dict[Exposure, Decimal] = {}
        for one in judged:
            grown = self.reserved.of_both(grown, totals(one.grows))
        for exposure, lots in grown.items():
            yield from self._position(exposure, lots, strategy)
        if grown:
            yield from self._open_positions({symbol for symbol, _ in grown}, strategy)
            yield from self._pacer.refusals(self._books.strategies[strategy], now)
        for rule in (self._quantity, self._notional, self._collar):
            for one in judged:
                yield from rule(one)
        if grown:
            yield from self._venue.of_account()
            for one in judged:
                yield from self._venue.of_size(one.order, now)
            if self.of_book is not None:
                yield from self.of_book([one.order for one in judged])
            yield from self._venue.of_data(symbol for symbol, _ in grown)

    def _judge(self, order: Order) -> _Judged:
        last = self._last(order.symbol)
        own, *following = claims_of(order, last)
        room = self.reserved.room_to_reduce(order)
        grows = [claim for claim in (_growth(own, order, room), *following) if claim.quantity > 0]
        return _Judged(order, following if own.quantity <= room else [own, *following], grows, last)

    def _last(self, symbol: str) -> Decimal | None:
        last = self._board.last(symbol)
        return None if last is None else to_decimal(last)

    # ------------------------------------------------------------------ rules

    def _quantity(self, judged: _Judged) -> Iterator[str]:
        cap = self._limits.orders.max_quantity
        for claim in judged.claims:
            if claim.quantity > cap:
                yield f"order quantity {short(claim.quantity)} exceeds cap {short(cap)}{_of(claim, judged.order)}"

    def _notional(self, judged: _Judged) -> Iterator[str]:
        cap = self._limits.orders.max_notional
        for claim in judged.claims:
            price = claim.price or self._last(claim.symbol)
            if price is None:
                yield f"no price for {claim.symbol} to value the order with"
                return
            size = self._instruments.resolve(claim.symbol).contract_size
            try:
                value = self._converter.value(exact(claim.quantity, price, size), claim.symbol, price)
            except InstrumentError as problem:
                yield f"order notional cannot be valued ({problem})"
                return
            if value > cap:
                detail = f"qty={short(claim.quantity)} ref={q8(price)} contractSize={short(size)}"
                terms = f"({detail} currency={self._converter.account})"
                yield f"order notional {value} exceeds cap {short(cap)} {terms}{_of(claim, judged.order)}"

    def _collar(self, judged: _Judged) -> Iterator[str]:
        last = judged.last
        explicit = next((claim.price for claim in judged.claims if not claim.follows), None)
        if explicit is None or not last:
            return
        distance = abs(explicit - last) / last * HUNDRED
        collar = self._limits.orders.price_collar_pct
        if distance > collar:
            away = f"{distance:.1f} % from the last {short(last)}"
            yield f"order price {short(explicit)} is {away}, the price collar is {short(collar)} %"

    def _open_positions(self, symbols: set[str], strategy: str) -> Iterator[str]:
        cap = self._limits.of(strategy).max_open_positions
        if cap is None:
            return
        held = self.reserved.touched(strategy)
        if symbols - held and len(symbols | held) > cap:
            told = ", ".join(sorted(held)) or "none"
            yield f"{len(symbols | held)} open positions of {strategy} exceed max {cap} (open or working: {told})"

    def _position(self, exposure: Exposure, lots: Decimal, strategy: str) -> Iterator[str]:
        caps = ((self._limits.of(strategy).max_position, strategy), (self._limits.orders.max_account_position, None))
        for cap, owner in caps:
            if cap is None:
                continue
            held, pending = self.reserved.open(exposure, owner), self.reserved.pending(exposure, owner)
            size = total((held, pending, lots))
            if size > cap:
                symbol, side = exposure
                whose = "the account" if owner is None else owner
                parts = f"{short(held)} open, {short(pending)} pending, {short(lots)} asked for"
                yield (
                    f"position size {short(size)} of {whose} in {symbol} exceeds cap {short(cap)} "
                    f"({'long' if side.sign > 0 else 'short'}: {parts})"
                )


@dataclass(slots=True)
class _Judged:
    """An entry with what it and what follows it may come to: `claims` are judged by the rules of one order, `grows` is what
    may open or grow positions."""

    order: Order
    claims: list[Claim]
    grows: list[Claim]
    last: Decimal | None


def _growth(claim: Claim, order: Order, room: Decimal) -> Claim:
    """What the order can add to a position. A market order closes first what it nets against, and is held to that; a
    resting one may come when that leg is gone, and then opens with all its lots."""
    if order.kind is not OrderKind.MARKET:
        return claim
    grows = max(ZERO, EXACT.subtract(claim.quantity, room))
    return Claim(claim.symbol, claim.side, grows, claim.price, claim.nets, claim.follows)


def _of(claim: Claim, order: Order) -> str:
    """Names the order that brings a claim which is not its own."""
    return f", in what follows {order.id}" if claim.follows else ""
