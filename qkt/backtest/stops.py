"""How stops moved while they protected something, to be drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from qkt.core.events import OrderMoved
from qkt.core.terms import Purpose
from qkt.core.watch import TrailWatch
from qkt.engine import Session
from qkt.orders import Order
from qkt.orders.events import OrderEnded, OrderExecuted, OrderWorking


@dataclass(slots=True)
class StopPath:
    """One stop of the leg `leg_id`: from each of `times` (epoch ms) on it stood at the level beside it; at the last one it was
    hit or taken away."""

    symbol: str
    leg_id: int
    times: list[int] = field(default_factory=list)
    levels: list[Decimal] = field(default_factory=list)

    @property
    def moved(self) -> bool:
        return any(level != self.levels[0] for level in self.levels)

    def add(self, ts: int, level: Decimal) -> None:
        if not self.levels or level != self.levels[-1]:
            self.times.append(ts)
            self.levels.append(level)


class StopRecorder:
    """Hears when stops begin, are moved, hit and end; between that, somebody who draws says when to `look` at those that the
    engine moves by itself."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._open: dict[str, tuple[Order, StopPath]] = {}
        self._ended: list[StopPath] = []
        session.scope.subscribe(OrderWorking, self._on_working)
        session.scope.subscribe(OrderMoved, self._on_moved)
        session.scope.subscribe(OrderExecuted, self._on_executed)
        session.scope.subscribe(OrderEnded, self._on_ended)

    def look(self, symbol: str, ts: int) -> None:
        """Take down where the symbol's moving stops stand at this time, the tick being processed included."""
        moving = [(order, path) for order, path in self._open.values() if order.held and order.symbol == symbol]
        if not moving:
            return
        waits = self._session.waits
        if waits.passed is not None:
            for watch in waits.watches():
                if isinstance(watch, TrailWatch) and watch.symbol == symbol:
                    waits.catch_up(watch, waits.passed)
        self._session.orders.live_orders()  # writes the levels into the orders
        for order, path in moving:
            if order.stop is not None:
                path.add(ts, order.stop)

    def moved(self) -> list[StopPath]:
        """The stops that moved, those that still protect something at the end."""
        return [path for path in (*self._ended, *(path for _, path in self._open.values())) if path.moved]

    def _on_working(self, event: OrderWorking) -> None:
        order = event.order
        if order.purpose is not Purpose.STOP_LOSS or order.leg_id is None or order.id in self._open:
            return
        path = StopPath(order.symbol, order.leg_id)
        self._open[order.id] = order, path
        if order.held:
            self._session.orders.live_orders()
        if order.stop is not None:
            path.add(event.at, order.stop)

    def _on_moved(self, event: OrderMoved) -> None:
        found = self._open.get(event.order_id)
        if found is not None and found[0].stop is not None:
            found[1].add(event.at, event.level)

    def _on_executed(self, event: OrderExecuted) -> None:
        found = self._open.get(event.order.id)
        if found is not None and event.order.stop is not None:
            found[1].add(event.at, event.order.stop)

    def _on_ended(self, event: OrderEnded) -> None:
        found = self._open.pop(event.order.id, None)
        if found is None or not found[1].moved:
            return
        path = found[1]
        path.times.append(event.at)
        path.levels.append(path.levels[-1])
        self._ended.append(path)
