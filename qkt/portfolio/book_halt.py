"""A halt of the whole book gets every child out: nobody is left holding what the book may not afford."""

from __future__ import annotations

from qkt.core.bus import Scope
from qkt.core.events import OrderFilled
from qkt.portfolio.supervisor import Supervisor
from qkt.risk import Cause, Halted, RiskEngine

OF_BOOK = frozenset({Cause.BOOK, Cause.DAILY_LOSS, Cause.DRAWDOWN, Cause.DAILY_DRAWDOWN})
"""Halts that close positions: the limits of what the book may lose."""


class BookHalt:
    """Closes every leg when a limit of the book halts it, at once, or once the fill that broke it is settled.

    Must hear fills after the risk engine's own handler.
    """

    def __init__(self, scope: Scope, supervisor: Supervisor, risk: RiskEngine) -> None:
        self._supervisor = supervisor
        self._risk = risk
        self._reason: str | None = None
        scope.subscribe(Halted, self._on_halted)
        scope.subscribe(OrderFilled, self._on_filled)

    def _on_halted(self, event: Halted) -> None:
        halt = event.halt
        if halt.strategy is None and halt.cause in OF_BOOK:
            self._reason = f"the book is {halt.told}"
            if not self._risk.settling:
                self._close()

    def _on_filled(self, _: OrderFilled) -> None:
        if self._reason is not None and not self._risk.settling:
            self._close()

    def _close(self) -> None:
        reason, self._reason = self._reason, None
        for state in self._supervisor.children.values():
            self._supervisor.flatten(state, reason or "")
