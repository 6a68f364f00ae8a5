"""One session: a strategy, or a portfolio of them, with everything it needs. The driver gives it ticks, it does the rest."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from qkt.brokers.factory import Broker
from qkt.core.bus import EventBus, Scope
from qkt.core.clock import EventClock
from qkt.core.events import LogLine, Tick, Timer
from qkt.core.latest import Rows, rows
from qkt.core.terms import Purpose
from qkt.core.watch import NEVER, Waits
from qkt.engine.board import Board
from qkt.engine.candles import CandleFeed
from qkt.engine.equity import EquitySampler
from qkt.engine.traders import Trader
from qkt.ledger import Books, Financing
from qkt.orders import Deadlines, OrderManager
from qkt.portfolio import Supervisor
from qkt.risk import RiskEngine, WayOut, close_legs
from qkt.strategy import is_statistic


class Session:
    """Built by `assemble`. Call `on_tick` for every tick in time order, `end` once.

    `waits` is what a replay must ask before it jumps. A session that shares the bus with others takes its ticks into its own
    scope; one alone publishes them at the root.
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
        broker: Broker,
        risk: RiskEngine,
        way_out: WayOut,
        candles: CandleFeed,
        traders: Sequence[Trader],
        supervisor: Supervisor | None,
        equity: EquitySampler,
        financing: Financing,
        waits: Waits,
        deadlines: Deadlines,
        shared: bool,
    ) -> None:
        self._publish = scope.receive if shared else bus.publish_tick
        self._clock = clock
        self._deadlines = deadlines
        self._board = board
        self._muted = False
        self.traders = tuple(traders)
        self.supervisor = supervisor
        self.scope = scope
        self.books = books
        self.orders = orders
        self.broker = broker
        self.risk = risk
        self.way_out = way_out
        self.candles = candles
        self.equity = equity
        self.financing = financing
        self.waits = waits
        self.logs: Rows[LogLine] = rows(books.kept)
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
        self._publish(tick)

    def passed(self, count: int, ts: int) -> None:
        """So many ticks came, the last at `ts`, and were folded by whoever did not give them one by one."""
        self._clock.time = self.last_ts = ts
        self.scope.passed(count)

    def sample_at(self, due: int) -> None:
        """The next equity sample is due then (epoch ms): whoever folds has taken those before."""
        self.equity.due = due
        self.due = min(due, self.financing.due, self.risk.due)

    def proved(self, ts: int) -> None:
        """The market moves to a tick at `ts` with which nothing ends that anybody waits for, so that nobody is told of it."""
        self._clock.time = self.last_ts = ts

    def run_timers(self, ts: int) -> None:
        """What the strategies planned for `ts` or before."""
        for trader in self.traders:
            trader.runner.on_time(Timer(ts))

    @property
    def next_timer(self) -> int:
        """When something is due that need not wait for a tick (epoch ms): a rollover, a deadline, a schedule, a new day."""
        return min(self.financing.due, self.risk.due, self._deadlines.due, *(trader.runner.due for trader in self.traders))

    def on_timer(self, ts: int) -> None:
        """The clock reached `ts` (epoch ms) before the next tick did: what is due by then happens now."""
        if self.first_ts is None or ts < self.last_ts:
            return
        if ts >= self.due:
            self.run_due(ts)
        self._clock.time = self.last_ts = ts
        self.scope.receive(Timer(ts))

    def warm(self, tick: Tick) -> None:
        """One tick of history before the first of `on_tick`: prices, candles and indicators go on, signals go nowhere."""
        if not self._muted:
            self._mute(True)
            self._start(tick.ts)
        self._clock.time = tick.ts
        self._board.update(tick)
        self._publish(tick)

    def silence(self, silent: bool, strategy: str | None = None) -> None:
        """Do not call the strategies, or the one named, which failed, until this is taken back; orders and exits live on."""
        for trader in self.traders:
            if strategy in (None, trader.name):
                trader.runner.silence(silent)

    def fail_child(self, child: str, problem: Exception) -> None:
        """A child of the portfolio raised: it hears of nothing more and is out, and the others go on."""
        assert self.supervisor is not None
        self.silence(True, child)
        self.supervisor.fail(child, problem)

    def run_due(self, ts: int) -> None:
        """Days, rollovers and equity samples due at or before `ts`, in time order; of one instant in this order."""
        equity, financing, risk = self.equity, self.financing, self.risk
        while risk.due <= ts or financing.due <= ts:
            at = self._clock.time = min(risk.due, financing.due, equity.due)
            if at == risk.due:
                risk.turn()
            elif at == financing.due:
                financing.run()
                risk.check(at)
            else:
                equity.run()
        if equity.due <= ts:
            self._clock.time = equity.due
            equity.run()
        equity.next_after(ts)
        due = equity.due if equity.due < financing.due else financing.due
        self.due = due if due < risk.due else risk.due

    def _begin(self, ts: int) -> None:
        self.first_ts = ts
        self._clock.time = ts
        if self._muted:
            self._mute(False)
        else:
            self._start(ts)
        self.equity.begin(ts)
        self.financing.begin(ts)
        self.risk.begin(ts)
        self.due = min(self.financing.due, self.equity.due, self.risk.due)

    def _start(self, ts: int) -> None:
        if self.supervisor is not None:
            self.supervisor.start(ts)
        for trader in self.traders:
            trader.runner.start(ts)

    def _mute(self, muted: bool) -> None:
        self._muted = muted
        if self.supervisor is not None:
            self.supervisor.muted = muted
        for trader in self.traders:
            trader.context.muted = muted

    def end(self, *, close: bool = False) -> None:
        """No more ticks: the strategy hears of it, then comes the last equity sample.

        Open things stay open, or, with `close`, every leg is closed at market as any other close is, at its costs.
        """
        if self.first_ts is None:
            return
        self._clock.time = self.last_ts
        self.books.excursions.settle()
        for trader in self.traders:
            trader.runner.stop()
        if close:
            self.close_all("end", Purpose.END_OF_DATA)
        self.equity.end(self.last_ts)

    def close_all(
        self,
        prefix: str,
        purpose: Purpose,
        *,
        strategy: str | None = None,
        symbol: str | None = None,
        leg: int | None = None,
        quantity: Decimal | None = None,
    ) -> None:
        """Close every leg at market, whatever risk says; only those of a strategy or a symbol, or one, when named, or a part
        of each. `prefix` begins the ids of the orders."""
        close_legs(
            self.scope,
            self.books,
            self._clock.time,
            prefix,
            purpose,
            strategy=strategy,
            symbol=symbol,
            leg=leg,
            quantity=quantity,
        )
