"""The risk router: what a child asks for becomes what the book lets it have, and every decision says why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

from qkt.core.bus import Scope
from qkt.core.events import RiskRejected
from qkt.core.instruments import InstrumentRegistry
from qkt.core.numbers import ONE, ZERO, exact, plain, total
from qkt.core.terms import OrderKind
from qkt.ledger import Books
from qkt.orders import OrderManager
from qkt.portfolio.events import SignalSized, SignalSuppressed
from qkt.portfolio.scaling import resized, tradable
from qkt.strategy import CancelSignal, CloseSignal, EnterSignal, OcoEntrySignal, Signal


@dataclass(frozen=True, slots=True)
class Share:
    """What a child may have of the risk that it asks for: `ladder * weight` of it. `method` and `regime` say where the
    weight comes from."""

    ladder: Decimal = ONE
    weight: Decimal = ONE
    method: str = "FIXED"
    regime: str | None = None

    @property
    def factor(self) -> Decimal:
        return exact(self.ladder, self.weight)


class Gatekeeper(Protocol):
    """Says what a child may do now."""

    def refusal(self, strategy: str, *, reducing: bool) -> str | None:
        """Why nothing of the child may pass, or nothing that does not reduce its risk."""
        ...

    def share(self, strategy: str) -> Share: ...


class RiskRouter:
    """Stands between the children and their desk. A signal is sized once, when it is sent: what follows its order later keeps
    its proportion."""

    def __init__(
        self, scope: Scope, keeper: Gatekeeper, books: Books, orders: OrderManager, instruments: InstrumentRegistry
    ) -> None:
        self._scope = scope
        self._keeper = keeper
        self._books = books
        self._orders = orders
        self._instruments = instruments
        self._refused = 0

    def route(self, signal: Signal) -> Signal | None:
        """What goes on of a child's signal; None when nothing does, which has been told then."""
        reducing = isinstance(signal, CloseSignal | CancelSignal) or (isinstance(signal, EnterSignal) and self._leaves(signal))
        reason = self._keeper.refusal(signal.strategy, reducing=reducing)
        if reason is not None:
            self._scope.publish(SignalSuppressed(signal.strategy, signal.symbol, signal.rule, reason))
            return None
        if isinstance(signal, EnterSignal):
            return self._sized(signal)
        if isinstance(signal, OcoEntrySignal):
            legs = [self._sized(leg) for leg in (signal.first, signal.second)]
            return replace(signal, first=legs[0], second=legs[1]) if legs[0] and legs[1] else None
        return signal

    def _sized(self, signal: EnterSignal) -> EnterSignal | None:
        share = self._keeper.share(signal.strategy)
        instrument = self._instruments.resolve(signal.symbol)
        asked, reducing = signal.quantity, self._reducing(signal)
        sized = asked
        if share.factor != ONE:
            sized = max(tradable(exact(asked, share.factor), instrument), min(reducing, asked))
        told = SignalSized(
            signal.strategy,
            signal.symbol,
            signal.rule,
            asked,
            sized,
            share.ladder,
            share.weight,
            share.method,
            share.regime,
            reducing,
            self._net(signal.symbol),
        )
        self._scope.publish(told)
        if sized > ZERO:
            return signal if sized == asked else resized(signal, sized, self._instruments)
        self._refuse(signal, share, f"the least of {signal.symbol} is {plain(instrument.volume_min)}")
        return None

    def _refuse(self, signal: EnterSignal, share: Share, least: str) -> None:
        numbers = f"{plain(signal.quantity.normalize())} lots * ladder {plain(share.ladder)} * weight {plain(share.weight)}"
        if share.factor <= ZERO:
            reason = f"book de-risk: new risk suppressed ({numbers})"
        else:
            reason = f"book de-risk: too small to be traded ({numbers}, {least})"
        self._refused += 1
        self._scope.publish(RiskRejected(f"book-{self._refused}", signal.strategy, signal.symbol, reason, signal.rule))

    def _leaves(self, signal: EnterSignal) -> bool:
        """Whether all it can do is to close, now, a part of what the child holds itself."""
        brings = signal.stack is not None or bool(signal.tiers or signal.on_fill)
        return signal.kind is OrderKind.MARKET and not brings and signal.quantity <= self._reducing(signal)

    def _reducing(self, signal: EnterSignal) -> Decimal:
        """How many lots of it would only close what the child holds itself, and no other entry of it is about to."""
        primary = self._books.strategies[signal.strategy].book(signal.symbol).primary
        if primary is None or primary.side is signal.side:
            return ZERO
        mine = (signal.strategy, signal.symbol, signal.side)
        before = (o for o in self._orders.live_orders() if (o.strategy, o.symbol, o.side) == mine and not o.reduce_only)
        return max(ZERO, primary.quantity - total(order.remaining for order in before))

    def _net(self, symbol: str) -> Decimal:
        return total(book.book(symbol).net for book in self._books.strategies.values())
