"""The supervisor of a portfolio: which children may trade, and what becomes of those that may no longer.

A child is active while its gate is open, no operator has stopped it and it has not failed. One that is not goes on hearing
its market, its fills and its exits; what it asks for is suppressed. When it stops being active its entries are cancelled and
its positions closed at market, past its own gate; with HOLD they stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from qkt.core.bus import Scope
from qkt.core.events import Candle
from qkt.core.numbers import ONE, exact
from qkt.ledger import Books
from qkt.portfolio.book_risk import BookRisk
from qkt.portfolio.events import ChildGated, RegimeChosen
from qkt.portfolio.gate_context import GateContext
from qkt.portfolio.portfolio import Portfolio
from qkt.portfolio.router import Share
from qkt.risk import WayOut

if TYPE_CHECKING:
    from qkt.lang.portfolio import Child


@dataclass(slots=True, eq=False)
class ChildState:
    """Where a child stands. `stopped_by` names the operator who stopped it, `failure` says what it raised."""

    child: Child
    gate: bool = False
    stopped_by: str | None = None
    failure: str | None = None
    active: bool = False

    @property
    def obstacle(self) -> str | None:
        """Why it may not trade."""
        if self.failure is not None:
            return f"it failed: {self.failure}"
        if self.stopped_by is not None:
            return f"stopped by {self.stopped_by}"
        return None if self.gate else "its gate is closed"


@dataclass(frozen=True, slots=True)
class Stopped:
    """What stopping a portfolio makes of a child: how many of its legs are being `closed`, and how many it goes on to hold."""

    strategy: str
    closed: int
    held: int


class Supervisor:
    """Evaluates the gates at every close of a portfolio's stream, before the children hear the tick's candles.

    `risk`, where the book's is weighed, is sampled after the gates at every close of the stream that samples the book.
    """

    def __init__(
        self,
        scope: Scope,
        portfolio: Portfolio,
        books: Books,
        way_out: WayOut,
        context: GateContext,
    ) -> None:
        self._scope = scope
        self._portfolio = portfolio
        self._gates = portfolio.compiled.gates
        self._books = books
        self._way_out = way_out
        self._context = context
        self._own = {stream.alias for stream in portfolio.own_streams}
        self._closings = 0
        self.children = {child.id: ChildState(child) for child in portfolio.children}
        self.regime: str | None = None
        self.risk: BookRisk | None = None
        # While history warms the session up there is nothing to sample.
        self.muted = False
        scope.subscribe(Candle, self._on_candle)

    def start(self, ts: int) -> None:
        """Children without a condition are active from the beginning."""
        self._context.time = ts
        self._gates.on_start(self._context)
        self._apply()

    # ------------------------------------------------------------------- gates

    def _on_candle(self, candle: Candle) -> None:
        if candle.stream in self._own:
            self._context.time = candle.end
            self._gates.on_candle(candle)
            self._choose()
            self._apply()
        if self.risk is not None and candle.stream == self._portfolio.sampled and not self.muted:
            self.risk.sample()

    def _choose(self) -> None:
        allocation = self._portfolio.compiled.allocation
        regime = self._gates.regime()
        if regime is None or regime == self.regime:
            return
        before, self.regime = self.regime, regime
        shares = {} if allocation is None else allocation.shares.get(regime, {})
        self._scope.publish(RegimeChosen(self._portfolio.name, regime, before, tuple(shares.items())))

    def _apply(self) -> None:
        open_gates = self._gates.active()
        for state in self.children.values():
            state.gate = state.child.alias in open_gates
            self._update(state)

    def _update(self, state: ChildState) -> None:
        """Let a child in or out as its state says, and clear up behind one that is out."""
        obstacle = state.obstacle
        if state.active == (obstacle is None):
            return
        state.active = obstacle is None
        closing = 0
        doomed = not state.active and not state.child.hold
        if doomed:
            closing = self.legs(state)
        self._scope.publish(ChildGated(state.child.id, state.active, obstacle or "its gate is open", closing))
        if doomed:
            self.flatten(state, obstacle or "")

    def flatten(self, state: ChildState, reason: str) -> int:
        """Cancel the child's entries and close its legs at market. Returns how many legs there were."""
        self._closings += 1
        return self._way_out.take(f"gate{self._closings}", reason, strategy=state.child.id)

    # --------------------------------------------------------------- operators

    def of(self, alias: str) -> ChildState | None:
        """The child of an alias."""
        return next((state for state in self.children.values() if state.child.alias == alias), None)

    def stop(self, state: ChildState, author: str) -> None:
        """An operator stops one child: it is out, and is cleared up as by its gate."""
        state.stopped_by = author
        self._update(state)

    def wind_down(self, reason: str) -> list[Stopped]:
        """The portfolio is about to stop: children without HOLD cancel their entries and get out."""
        left = []
        for state in self.children.values():
            closed = 0 if state.child.hold else self.flatten(state, reason)
            left.append(Stopped(state.child.id, closed, self.legs(state) if state.child.hold else 0))
        return left

    def legs(self, state: ChildState) -> int:
        """How many legs the child has open."""
        return sum(1 for legs in self._books.strategies[state.child.id].open_books() for _ in legs)

    def out(self, state: ChildState) -> bool:
        """Whether nothing of the child is open, nor can be by an entry that was taken back."""
        return not self.legs(state) and not self._way_out.under_way(state.child.id)

    def start_again(self, state: ChildState) -> None:
        """Take back an operator's stop and a failure: the child trades at once if its gate says so."""
        state.stopped_by = state.failure = None
        self._update(state)

    def forgive(self) -> None:
        """Let children that failed try again."""
        for state in self.children.values():
            state.failure = None
            self._update(state)

    def fail(self, strategy: str, problem: Exception) -> None:
        """A child raised: it is out, the others go on."""
        state = self.children[strategy]
        if state.failure is None:
            state.failure = f"{type(problem).__name__}: {problem}"
            self._update(state)

    # ------------------------------------------------- what the router asks for

    def refusal(self, strategy: str, *, reducing: bool) -> str | None:
        state = self.children[strategy]
        if state.active or (reducing and state.child.hold):
            return None
        return f"portfolio gate: {state.obstacle}"

    def share(self, strategy: str) -> Share:
        weight = self._portfolio.compiled.share(self.children[strategy].child.alias)
        ladder = ONE
        if self.risk is not None:
            ladder = self.risk.ladder.factor
            weight = exact(weight, self.risk.weights[strategy])
        return Share(ladder, weight, self._portfolio.method.value, self.regime)


def book_value(portfolio: Portfolio, books: Books) -> Decimal | None:
    """The capital plus what all children realized, None without capital."""
    if portfolio.capital is None:
        return None
    return sum((book.realized for book in books.strategies.values()), portfolio.capital)
