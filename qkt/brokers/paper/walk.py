"""Where a bar's path came from: whether the market ran through a level or jumped over it."""

from __future__ import annotations

from decimal import Decimal

from qkt.core.events import Tick
from qkt.orders import Order

WITHIN = 2


class BarWalk:
    """The last two prints of symbols that are replayed as bars. From one point of a path to the next the market is taken to
    have traded at every price between; a bar's open may lie apart from the close before it."""

    def __init__(self) -> None:
        self.active = False
        self._steps: dict[str, tuple[float, float]] = {}

    def step(self, tick: Tick) -> None:
        self.active = True
        known = self._steps.get(tick.symbol)
        previous = known[1] if known is not None and tick.synthetic == WITHIN else tick.price
        self._steps[tick.symbol] = (previous, tick.price)

    def level(self, order: Order) -> Decimal | None:
        """The order's stop level when the market has just run through it, None when it met or jumped it, or without one."""
        step = self._steps.get(order.symbol)
        if step is None or order.stop is None:
            return None
        low, high = sorted(step)
        return order.stop if low < high and low <= float(order.stop) <= high else None
