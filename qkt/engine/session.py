"""One session: a strategy with everything it needs. The driver gives it ticks, it does the rest."""

from __future__ import annotations

from qkt.brokers.paper import PaperBroker
from qkt.core.bus import EventBus, Scope
from qkt.core.clock import EventClock
from qkt.core.events import LogLine, Tick
from qkt.core.terms import OrderKind, Purpose
from qkt.core.watch import NEVER, Waits
from qkt.engine.board import Board
from qkt.engine.candles import CandleFeed
from qkt.engine.equity import EquitySampler
from qkt.engine.runner import StrategyRunner
from qkt.ledger import Books, Financing
from qkt.orders import Order, OrderApproved, OrderManager
from qkt.risk import RiskGate
from qkt.strategy import is_statistic


class Session:
    """Built by `assemble`. Call `on_tick` for every tick in time order, `end` once.

    `waits` is what a replay must ask before it jumps.
    """

    def __init__(
        self,
        *,
        bus: EventBus,
        scope: Scope,
        clock: EventClock,
        board: Board,
        books: Books,
        orders: OrderManager,
        broker: PaperBroker,
        risk: RiskGate,
        candles: CandleFeed,
        runner: StrategyRunner,
        equity: EquitySampler,
        financing: Financing,
        waits: Waits,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._board = board
        self._runner = runner
        self.scope = scope
        self.books = books
        self.orders = orders
        self.broker = broker
        self.risk = risk
        self.candles = candles
        self.equity = equity
        self.financing = financing
        self.waits = waits
        self.logs: list[LogLine] = []
        self.ticks = 0
        self.dropped = 0
        self.first_ts: int | None = None
        self.last_ts = 0
        self.due = NEVER
        scope.subscribe(LogLine, self.logs.append)

    def on_tick(self, tick: Tick) -> None:
        """One tick, fully: what fell due before it, prices, then everyone on the bus in the order of assembly."""
        ts, bid, ask = tick.ts, tick.bid, tick.ask
        if not (tick.price > 0 and (bid is None or ask is None or 0 < bid <= ask)) and not is_statistic(tick.symbol):
            self.dropped += 1
            return
        if self.first_ts is None:
            self._begin(ts)
        elif ts >= self.due:
            self.run_due(ts)
        self._clock.time = ts
        self._board.update(tick)
        self.last_ts = ts
        self._bus.publish_tick(tick)

    def run_due(self, ts: int) -> None:
        """Rollovers and equity samples due at or before `ts`, in time order, a rollover first."""
        equity, financing = self.equity, self.financing
        while True:
            if financing.due <= equity.due:
                if financing.due > ts:
                    break
                self._clock.time = financing.due
                financing.run()
            elif equity.due <= ts:
                self._clock.time = equity.due
                equity.run()
            else:
                break
        equity.next_after(ts)
        self.due = equity.due if equity.due < financing.due else financing.due

    def _begin(self, ts: int) -> None:
        self.first_ts = ts
        self._clock.time = ts
        self._runner.start(ts)
        self.equity.begin(ts)
        self.financing.begin(ts)
        self.due = min(self.financing.due, self.equity.due)

    def end(self, *, close: bool = False) -> None:
        """No more ticks: the strategy hears of it, then comes the last equity sample.

        Open things stay open, or, with `close`, every leg is closed at market as any other close is, at its costs.
        """
        if self.first_ts is None:
            return
        self._clock.time = self.last_ts
        self.books.excursions.settle()
        self._runner.stop()
        if close:
            self._close_out()
        self.equity.end(self.last_ts)

    def _close_out(self) -> None:
        legs = [
            (book.strategy, legs.symbol, leg)
            for book in self.books.strategies.values()
            for legs in book.open_books()
            for leg in legs
        ]
        for strategy, symbol, leg in legs:
            side, purpose = leg.side.opposite, Purpose.END_OF_DATA
            order = Order(
                f"end-{leg.id}", strategy, symbol, side, leg.quantity, OrderKind.MARKET, purpose, self.last_ts, leg_id=leg.id
            )
            self.scope.publish(OrderApproved(order))
