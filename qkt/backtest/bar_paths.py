"""In which order a bar's extremes are replayed, and how often that order decides."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from qkt.brokers.paper import BarsPath
from qkt.core.events import OrderFilled
from qkt.core.terms import Purpose
from qkt.engine import Session
from qkt.orders import SubmitOrder


@dataclass(frozen=True, slots=True)
class BarReplay:
    """What a replay of bars could not know.

    `ambiguous_bars` left a position at its stop or target while the other one lay inside the bar too. `adverse` and
    `favourable` are the total P&L (account currency) with the extremes in either order, None when only one was run.
    """

    ambiguous_bars: int
    adverse: Decimal | None = None
    favourable: Decimal | None = None


class BarPaths:
    """Chooses the path of each bar of a session: first the extreme that hurts the open position, or the one that helps it.

    A flat account counts as long.
    """

    def __init__(self, session: Session, path: BarsPath) -> None:
        self._account = session.books.account
        self._favourable = path == "favourable_first"
        self._range: dict[str, tuple[float, float] | None] = {}
        self._counted: set[str] = set()
        self._exits: dict[tuple[int, Purpose], Decimal] = {}
        self.ambiguous = 0
        session.scope.subscribe(SubmitOrder, self._on_submit)
        session.scope.subscribe(OrderFilled, self._on_fill)

    def high_first(self, symbol: str, low: float, high: float) -> bool:
        """Asked once a bar, after its open has been processed."""
        self._range[symbol] = (low, high)
        self._counted.discard(symbol)
        position = self._account.get(symbol)
        short = position is not None and position.quantity < 0
        return short != self._favourable

    def leave(self, symbol: str) -> None:
        """What comes next of the symbol is no bar's path."""
        self._range[symbol] = None

    def _on_submit(self, command: SubmitOrder) -> None:
        order = command.order
        level = order.stop or order.limit
        if order.purpose.protective and order.leg_id is not None and level is not None:
            self._exits[order.leg_id, order.purpose] = level

    def _on_fill(self, fill: OrderFilled) -> None:
        if not fill.purpose.protective or fill.leg_id is None:
            return
        other = Purpose.TAKE_PROFIT if fill.purpose is Purpose.STOP_LOSS else Purpose.STOP_LOSS
        level, reach = self._exits.get((fill.leg_id, other)), self._range.get(fill.symbol)
        inside = level is not None and reach is not None and reach[0] <= float(level) <= reach[1]
        if inside and fill.symbol not in self._counted:
            self._counted.add(fill.symbol)
            self.ambiguous += 1
