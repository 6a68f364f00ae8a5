"""A context without an engine: it shows what a test sets and keeps what a strategy sends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from qkt.core.events import Candle
from qkt.core.instruments import Instrument
from qkt.core.terms import LegRole, Side
from qkt.lang.compiled import CompiledStrategy
from qkt.lang.loader import check_text, load_text
from qkt.strategy import CloseSignal, EnterSignal, LegSize, Signal

MINUTE = 60_000
PREAMBLE = "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m\n"
ALWAYS = "RULES WHEN k.close > 0 THEN "
TWO = "STRATEGY t VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m, m = SIM:MNO EVERY 1m\n"


@dataclass
class FakePosition:
    quantity: float = 0.0
    entry_price: float | None = None
    unrealized_pnl: float = 0.0
    holding_duration: float = 0.0
    mfe: float = 0.0
    mae: float = 0.0
    count: int = 0
    longs: int = 0
    shorts: int = 0
    gross: float = 0.0
    trades_today: int = 0
    last_trade_at: int | None = None


@dataclass
class FakeAccount:
    equity: float = 10000.0
    balance: float = 9000.0
    realized_pnl: float = 7.0
    unrealized_pnl: float = 0.0
    total_pnl: float = 0.0
    dd_pct: float = 0.0
    equity_peak: float = 10000.0
    open_positions_count: int = 0
    last_trade_at: int | None = None
    last_trade_pnl: float | None = None
    win_streak: int = 0
    loss_streak: int = 0
    banked: float = 0.0
    trades_today: int = 0
    wins_today: int = 0
    losses_today: int = 0
    entries_today: int = 0
    cooldown_remaining: int = 0


@dataclass
class Fired:
    """One firing: the rule, what it sent, at which bar, and how many actions were dropped."""

    rule: int | None
    signals: list[Signal]
    bar: int
    suppressed: int


@dataclass
class FakeContext:
    """Every market has a contract of 100 units; `accepts` is what `fire` answers."""

    strategy: str = "t"
    time: int = 0
    server_zone: str | None = None
    account: FakeAccount = field(default_factory=FakeAccount)
    positions: dict[str, FakePosition] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)
    open_legs: dict[str, tuple[LegSize, ...]] = field(default_factory=dict)
    rate: float = 1.0
    book: float | None = None
    prices: dict[str, float] = field(default_factory=dict)
    accepts: bool = True
    fired: list[Fired] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    bar: int = 0

    def position(self, symbol: str) -> FakePosition:
        return self.positions.setdefault(symbol, FakePosition())

    def open_orders(self, symbol: str) -> int:
        return self.orders.get(symbol, 0)

    def open_symbols(self) -> Sequence[str]:
        return sorted(self.open_legs)

    def legs(self, symbol: str) -> tuple[LegSize, ...]:
        return self.open_legs.get(symbol, ())

    def instrument(self, symbol: str) -> Instrument:
        one = Decimal("0.01")
        return Instrument(symbol, Decimal(100), 2, one, one, one, swap_long_points=Decimal("-3.5"))

    def fx(self, symbol: str) -> float:
        assert symbol
        return self.rate

    def last(self, symbol: str) -> float | None:
        return self.prices.get(symbol)

    def fire(self, rule: int | None, signals: Sequence[Signal], suppressed: int = 0) -> bool:
        self.fired.append(Fired(rule, list(signals), self.bar, suppressed))
        return self.accepts and bool(signals)

    def log(self, level: str, text: str) -> None:
        self.lines.append((level, text))


class Run:
    """A strategy on a fake context, fed candle by candle. Bars are numbered from 1 for each alias. With a `book` it is a child
    of a portfolio with capital."""

    def __init__(self, source: str, *, book: float | None = None, **params: str) -> None:
        self.loaded = load_text(source, params=params, book=book is not None)
        self.strategy: CompiledStrategy = self.loaded.strategy
        self.context = FakeContext(book=book)
        self._symbols = {s.alias: s.symbol for s in self.strategy.streams}
        self._lengths = {s.alias: s.timeframe.ms for s in self.strategy.streams}
        self._bars: dict[str, int] = {}
        self.strategy.on_start(self.context)

    def close(self, *closes: float, alias: str = "k", **fields: float) -> Run:
        """Candles with open = high = low = close, unless a field is given."""
        for close in closes:
            bar = self._bars[alias] = self._bars.get(alias, 0) + 1
            length = self._lengths[alias]
            values = {"open": close, "high": close, "low": close, "close": close, "volume": 0.0, **fields}
            start = int(values.pop("start", (bar - 1) * length))
            values = {name: float(value) for name, value in values.items()}
            self.context.bar = bar
            self.context.time = start + length
            self.strategy.on_candle(Candle(alias, self._symbols[alias], start, start + length, **values))
        return self

    @property
    def signals(self) -> list[Signal]:
        return [signal for fired in self.context.fired for signal in fired.signals]

    @property
    def entries(self) -> list[EnterSignal]:
        return [signal for signal in self.signals if isinstance(signal, EnterSignal)]

    @property
    def closes(self) -> list[CloseSignal]:
        return [signal for signal in self.signals if isinstance(signal, CloseSignal)]

    @property
    def story(self) -> list[str]:
        """`BUY 9 @1` for every entry."""
        return [
            f"{signal.side} {signal.quantity:f} @{fired.bar}"
            for fired in self.context.fired
            for signal in fired.signals
            if isinstance(signal, EnterSignal)
        ]


def long(quantity: str, leg: int = 1, role: LegRole = LegRole.PRIMARY) -> LegSize:
    return LegSize(leg, Side.BUY, Decimal(quantity), role)


def short(quantity: str, leg: int = 1, role: LegRole = LegRole.PRIMARY) -> LegSize:
    return LegSize(leg, Side.SELL, Decimal(quantity), role)


def errors(text: str, head: str = PREAMBLE) -> list[tuple[str, str]]:
    """Code of every error, and the text at its place up to the end of its first line."""
    source = head + text
    lines = source.split("\n")
    found = [p for p in check_text(source).problems if p.severity == "error"]
    return [(p.code, lines[p.span.line - 1][p.span.column - 1 : p.span.end_column - 1]) for p in found]
