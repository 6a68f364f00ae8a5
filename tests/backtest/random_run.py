"""Random markets and a random trader, for the proof that both speeds of replay are one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from qkt.backtest.record import RunRecord
from qkt.backtest.runner import run
from qkt.brokers.paper import ExecutionSettings
from qkt.core.events import Candle, LatchBroken, OrderFilled, PositionExited, Tick
from qkt.core.instruments import InstrumentRegistry
from qkt.core.swaps import Rollovers, SwapMode, SwapRate
from qkt.core.terms import OrderKind, Side, TimeInForce
from qkt.core.timeframe import Timeframe
from qkt.core.watch import NEVER
from qkt.data import DataReport, TickTable
from qkt.engine import Runnable, SessionSettings
from qkt.risk import RiskLimits
from qkt.strategy import (
    BracketSpec,
    CancelSignal,
    CloseSignal,
    Context,
    EnterSignal,
    ExitForm,
    ExitPrice,
    ScaleOut,
    ScaleOutPart,
    SteppedExit,
    StopSpec,
    StopStep,
    StreamSpec,
    TargetSpec,
    TighteningExit,
    Trail,
    TrailingExit,
)
from tests.backtest import random_composites as composites
from tests.backtest.random_limits import UNHURRIED
from tests.market import instrument

START = 1_704_880_800_000  # a Wednesday, 10:00 UTC


class Memory:
    """A tick source over arrays, handed out in tables of a given length."""

    def __init__(self, symbol: str, table: TickTable, rows: int) -> None:
        self.symbol = symbol
        self.volume = True
        self.observed = False
        self.report = DataReport(symbol)
        self._table = table
        self._rows = rows

    def tables(self, start: int | None = None, end: int | None = None) -> Iterator[TickTable]:
        table = self._table.between(start, end)
        at = 0
        while at < len(table):
            stop = min(len(table), at + self._rows)
            while stop < len(table) and table.ts[stop] == table.ts[stop - 1]:
                stop += 1  # rows of one timestamp stand in one table
            yield table.slice(at, stop)
            at = stop


@dataclass(frozen=True)
class Plan:
    """One random run."""

    seed: int
    symbols: int
    ticks: int
    rows_per_table: int
    quoted: bool
    execution: ExecutionSettings
    costs: bool
    timeframes: tuple[str, ...]
    currency: str = "USD"
    limits: RiskLimits = UNHURRIED


def tape(seed: int, ticks: int, quoted: bool, blanks: bool = False) -> TickTable:
    """A walk on a coarse grid, with equal timestamps, ties of price, jumps, and silences of minutes to days.

    `blanks` leaves some rows without a quote.
    """
    rng = np.random.default_rng(seed)
    gaps = rng.choice([0, 1, 40, 700, 3_000, 90_000, 50_000_000], ticks, p=[0.1, 0.1, 0.3, 0.3, 0.15, 0.045, 0.005])
    steps = rng.choice([0, 1, -1, 3, -3, 40, -40], ticks, p=[0.3, 0.2, 0.2, 0.13, 0.13, 0.02, 0.02])
    points = 10_000 + np.cumsum(steps)
    points = np.where(points < 5_000, 10_000 - points, points)
    spread = rng.integers(0, 5, ticks) * 2
    ts = START + np.cumsum(gaps)
    price = points / 100
    volume = rng.integers(0, 4, ticks).astype(float)
    if not quoted:
        return TickTable(ts, price, None, None, volume)
    bid, ask = (points - spread // 2) / 100, (points + spread // 2) / 100
    if blanks:
        bare = rng.random(ticks) < 0.3
        bid[bare] = ask[bare] = np.nan
    sizes = rng.integers(0, 8, (2, ticks)) / 100
    return TickTable(ts, price, bid, ask, volume, *sizes)


KINDS = (
    *[OrderKind.MARKET] * 3,
    OrderKind.LIMIT,
    OrderKind.STOP,
    OrderKind.STOP_LIMIT,
    OrderKind.TRAILING_STOP,
    OrderKind.TRAILING_STOP_LIMIT,
)


class Gambler:
    """Trades at random on candles and fills, reads everything it may read, and writes it down."""

    wants_ticks = False
    due = NEVER
    wants_volume = True

    def __init__(self, plan: Plan, name: str = "gambler") -> None:
        self.name = name
        names = [f"SIM:S{n}" for n in range(plan.symbols)]
        frames = [Timeframe.parse(text) for text in plan.timeframes]
        pairs = [(name, frame) for frame in frames for name in names]
        self.streams = tuple(StreamSpec(f"a{n}", name, frame) for n, (name, frame) in enumerate(pairs))
        self._names = names
        self._random = random.Random(f"{plan.seed} {name}")
        self.seen: list[object] = []
        self.asleep = False

    def on_start(self, context: Context) -> None:
        self.context = context

    def on_tick(self, tick: Tick) -> None: ...

    def on_time(self, ts: int) -> None: ...

    def on_latch(self, broken: LatchBroken) -> None:
        self.seen.append(composites.told(broken))
        self._look()
        self._act(self._random.choice(self._names), float(broken.level))

    def on_exit(self, exit_: PositionExited) -> None:
        self.seen.append(composites.told(exit_))
        self._look()
        if self._random.random() < 0.3:
            self._act(self._random.choice(self._names), float(exit_.price))

    def on_stop(self) -> None: ...

    def rearm(self, rule: int) -> None:
        self.seen.append(("rearm", rule))

    def on_candle(self, candle: Candle) -> None:
        self.seen.append((candle.stream, candle.start, candle.open, candle.high, candle.low, candle.close, candle.volume))
        self.seen.append((candle.bid, candle.ask))
        self._look()
        for _ in range(self._random.choice([0, 0, 0, 1, 2])):
            self._act(self._random.choice(self._names), candle.close)

    def on_fill(self, fill: OrderFilled) -> None:
        self.seen.append((fill.at, fill.order_id, fill.price, fill.quantity))
        self._look()
        if self._random.random() < 0.15:
            self._act(self._random.choice(self._names), float(fill.price))

    def _look(self) -> None:
        account = self.context.account
        self.seen.append((account.equity, account.balance, account.win_streak, account.banked))
        self.seen.append((account.loss_streak, account.entries_today, account.cooldown_remaining, account.trades_today))
        if self._random.random() < 0.3:
            self.seen.append((account.equity_peak, account.dd_pct))
        for name in self._names:
            position = self.context.position(name)
            self.seen.append((name, position.quantity, position.entry_price, self.context.open_orders(name)))
            if self._random.random() < 0.3:
                self.seen.append((position.mfe, position.mae, position.holding_duration, position.unrealized_pnl))

    def _act(self, symbol: str, near: float) -> None:
        if self.asleep:
            return
        pick = self._random
        what = pick.random()
        if what < 0.1:
            self.context.fire(0, [CloseSignal(self.name, symbol, 0, self.context.legs(symbol))])
        elif what < 0.2:
            self.context.fire(0, [CancelSignal(self.name, symbol, 0, pick.random() < 0.3)])
        elif what < 0.3:
            self.context.fire(2, [composites.pair(pick, self._entry(symbol, near), self._entry(symbol, near))])
        elif what < 0.38:
            self.context.fire(3, [composites.latch(pick, self.name, pick.choice(self.streams), near)])
        else:
            child = self._entry(pick.choice(self._names), near)
            self.context.fire(1, [composites.followed(pick, self._entry(symbol, near), child)])

    def _entry(self, symbol: str, near: float) -> EnterSignal:
        pick = self._random
        side = pick.choice(list(Side))
        kind = pick.choice(KINDS)
        level = Decimal(round(near * 100) + pick.randint(-30, 30)).scaleb(-2)
        other = level + Decimal(pick.randint(-5, 5)).scaleb(-2)
        tif = pick.choice([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTC, *TimeInForce])
        deadline = self.context.time + pick.choice([1, 30_000, 400_000])
        return EnterSignal(
            self.name,
            symbol,
            1,
            side,
            Decimal(pick.choice(["0.01", "0.03", "0.1", "0.005"])),
            None,
            kind,
            limit=other if kind is OrderKind.STOP_LIMIT else level if kind is OrderKind.LIMIT else None,
            stop=level if kind in (OrderKind.STOP, OrderKind.STOP_LIMIT) else None,
            trail=self._trail() if kind in (OrderKind.TRAILING_STOP, OrderKind.TRAILING_STOP_LIMIT) else None,
            limit_offset=_cents(pick.randint(0, 9)) if kind is OrderKind.TRAILING_STOP_LIMIT else None,
            tif=tif,
            expires_at=deadline if tif is TimeInForce.GTD else None,
            bracket=self._bracket(),
            time_exit_ms=pick.choice([1, 45_000, 900_000]) if pick.random() < 0.2 else None,
        )

    def _bracket(self) -> BracketSpec | None:
        pick = self._random
        if pick.random() < 0.4:
            return None
        stop = self._stop() if pick.random() < 0.8 else None
        target = self._target() if pick.random() < 0.8 else None
        return BracketSpec(stop, target) if stop or target else None

    def _trail(self) -> Trail:
        pick = self._random
        if pick.random() < 0.5:
            return Trail(ExitForm.BY, _cents(pick.randint(0, 40)))
        return Trail(ExitForm.PCT, _cents(pick.randint(1, 40)))

    def _stop(self) -> StopSpec:
        pick = self._random
        what, distance = pick.random(), _cents(pick.randint(1, 60))
        if what < 0.4:
            return ExitPrice(ExitForm.BY, distance)
        if what < 0.7:
            return TrailingExit(self._trail(), _cents(pick.choice([0, 0, 2, 15])))
        if what < 0.85:
            steps = ((3, -2), (6, 1), (pick.randint(7, 40), 5))
            return SteppedExit(distance, tuple(StopStep(_cents(after), _cents(to)) for after, to in steps))
        return TighteningExit(
            distance, _cents(pick.randint(1, 20)), pick.choice([1_000, 60_000, 900_000]), min(distance, _cents(3))
        )

    def _target(self) -> TargetSpec:
        pick = self._random
        price = ExitPrice(ExitForm.BY, _cents(pick.randint(1, 90)))
        if pick.random() < 0.6:
            return price
        further = ExitPrice(ExitForm.BY, price.value * 2)
        return ScaleOut((ScaleOutPart(Decimal("0.4"), price), ScaleOutPart(Decimal(pick.choice(["0.35", "0.6"])), further)))


def _cents(points: int) -> Decimal:
    return Decimal(points).scaleb(-2)


def financing(seed: int) -> dict[str, object]:
    """Points a night, dated percent a year at five in New York, or funding every eight hours."""
    later = SwapRate(START + 2 * 86_400_000, Decimal("-0.7"), Decimal("0.4"))
    modes: list[dict[str, object]] = [
        {"swap_long_points": Decimal(-3), "swap_short_points": Decimal(2)},
        {
            "swap_mode": SwapMode.PERCENT,
            "swap_rates": (SwapRate(0, Decimal(-5), Decimal(3)), later),
            "swap_rollovers": Rollovers("America/New_York", 17 * 60),
        },
        {
            "swap_mode": SwapMode.FUNDING,
            "swap_rates": (SwapRate(0, Decimal("-0.01"), Decimal("0.01")), later),
            "swap_rollovers": Rollovers(minute=0, every_minutes=480, weekends=True),
        },
    ]
    return modes[seed % 3]


def run_plan(plan: Plan, *, every_tick: bool, watched: int = 0) -> tuple[RunRecord, list[object]]:
    """`watched` further symbols have prices, and nobody trades them. They tick when the first symbol does, since time exits
    and the ends of pyramids come with the first tick of any symbol."""
    gambler = Gambler(plan)
    record = run_with(plan, gambler, every_tick=every_tick, watched=watched)
    return record, gambler.seen


def run_with(plan: Plan, strategy: Runnable, *, every_tick: bool, watched: int = 0) -> RunRecord:
    """The market of a plan, traded by somebody."""
    sources, settings = market_of(plan, watched)
    return run(strategy, sources, settings, every_tick=every_tick)


def market_of(plan: Plan, watched: int = 0) -> tuple[dict[str, Memory], SessionSettings]:
    """The sources of a plan, and what its session is to know."""
    sources = {
        f"SIM:S{n}": Memory(
            f"S{n}", tape(plan.seed * 10 + n, plan.ticks, plan.quoted, plan.execution.spread == "observed"), plan.rows_per_table
        )
        for n in range(plan.symbols)
    }
    markets: tuple[str, ...] = ()
    if plan.currency != "USD":
        # Results in dollars reach the account through this market, which nobody trades.
        markets = (f"SIM:{plan.currency}USD",)
        sources[markets[0]] = Memory(markets[0], tape(plan.seed + 77, plan.ticks, plan.quoted), plan.rows_per_table)
    times = tape(plan.seed * 10, plan.ticks, plan.quoted).ts
    for n in range(watched):
        other = tape(plan.seed * 10 + 5 + n, plan.ticks, plan.quoted)
        table = TickTable(times, other.price, other.bid, other.ask, other.volume)
        sources[f"SIM:W{n}"] = Memory(f"W{n}", table, plan.rows_per_table)
        markets += (f"SIM:W{n}",)
    costs: dict[str, object] = {}
    if plan.costs:
        costs = {
            "commission_per_lot": Decimal("3.5"),
            "slippage_points": Decimal(1),
            "spread_points": Decimal(2),
            "stops_level_points": 3,
            **financing(plan.seed),
        }
    costs["average_daily_volume"] = Decimal(50)
    terms = {f"S{n}": instrument(f"S{n}", contract_size=Decimal(100), **costs) for n in range(plan.symbols)}
    registry = InstrumentRegistry.standard().with_layer(terms)
    settings = SessionSettings(
        currency=plan.currency,
        instruments=registry,
        execution=plan.execution,
        limits=plan.limits,
        markets=markets,
        audit=True,
    )
    return sources, settings
