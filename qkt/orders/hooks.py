"""Exit hooks: the strategy is told when what an entry had opened is closed to the last lot."""

from __future__ import annotations

from qkt.core.bus import Scope
from qkt.core.events import PositionExited
from qkt.orders.holdings import HoldingClosed


class ExitHookCalls:
    """Publishes one `PositionExited` for an entry with hooks, if it hooked the kind of exit that it was.

    A pyramid counts as one entry. An entry that still works may open more, so its hooks wait for that.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        scope.subscribe(HoldingClosed, self._on_closed)

    def _on_closed(self, event: HoldingClosed) -> None:
        holding = event.holding
        hooks, fill = holding.hooks, holding.last
        if hooks is None or fill is None or holding.growing:
            return
        holding.hooks = None
        if holding.reason in hooks.reasons:
            self._scope.publish(
                PositionExited(
                    fill.strategy,
                    fill.symbol,
                    hooks.hooks,
                    holding.rule,
                    holding.reason,
                    fill.side,
                    fill.price,
                    holding.closed,
                    holding.pnl,
                    fill.at,
                )
            )
