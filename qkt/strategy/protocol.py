"""The seam between a strategy, compiled or written in Python, and the engine that runs it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from qkt.core.events import Candle, LatchBroken, OrderFilled, PositionExited, Tick
from qkt.core.timeframe import Timeframe
from qkt.strategy.context import Context

ACCOUNT_EQUITY = "SERIES:ACCOUNT_EQUITY"
"""The market id of streams whose candles are the account's equity."""
STATISTIC = "MACRO:"
"""The prefix of published statistics, whose every observation is a candle of its own."""


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One declared stream: `symbol` is the market id with its venue prefix, `warmup` the bars its rules wait for.

    `needs_volume` tells that an indicator reads its volumes: data without any cannot run the strategy.
    """

    alias: str
    symbol: str
    timeframe: Timeframe
    warmup: int = 0
    needs_volume: bool = False

    @property
    def fed(self) -> bool:
        """Whether its candles come from outside, rather than from the account."""
        return self.symbol != ACCOUNT_EQUITY

    @property
    def observed(self) -> bool:
        """Whether its ticks are observations of a statistic."""
        return is_statistic(self.symbol)

    @property
    def traded(self) -> bool:
        """Whether it is a market with quotes and orders."""
        return self.fed and not self.observed


def is_statistic(symbol: str) -> bool:
    return symbol[: len(STATISTIC)].upper() == STATISTIC


def finest(streams: Iterable[StreamSpec]) -> Timeframe:
    """The shortest timeframe of the markets, whose windows the equity curve samples; of all streams without a market."""
    streams = list(streams)
    markets = [stream for stream in streams if stream.traded] or streams
    return min((stream.timeframe for stream in markets), key=lambda frame: frame.ms)


class Tradable(Protocol):
    """What a run has to know of a strategy, or of a portfolio of them, before it begins."""

    @property
    def name(self) -> str: ...

    @property
    def streams(self) -> Sequence[StreamSpec]: ...

    @property
    def wants_ticks(self) -> bool:
        """True asks for every tick, which a replay then delivers one by one."""
        ...

    @property
    def wants_volume(self) -> bool:
        """True when candle or tick volume is read."""
        ...


class RunnableStrategy(Tradable, Protocol):
    """What the engine runs. Calls come in the order of the bus; a raised exception halts the strategy's scope."""

    def on_start(self, context: Context) -> None:
        """Once, before the first event."""
        ...

    def on_tick(self, tick: Tick) -> None: ...

    def on_candle(self, candle: Candle) -> None:
        """A bar of a declared stream closed; `candle.stream` is the alias."""
        ...

    def on_fill(self, fill: OrderFilled) -> None: ...

    @property
    def due(self) -> int:
        """When the clock is to wake the strategy next (epoch ms), NEVER when nothing waits for it."""
        ...

    def on_time(self, ts: int) -> None:
        """The first tick at or after `due` has been handled, candles included; `ts` is its time."""
        ...

    def on_latch(self, broken: LatchBroken) -> None:
        """A latch of the strategy committed: time to enter."""
        ...

    def on_exit(self, exit_: PositionExited) -> None:
        """What an entry with exit hooks had opened is closed."""
        ...

    def on_stop(self) -> None:
        """Once, after the last event."""
        ...

    def rearm(self, rule: int) -> None:
        """The broker refused an order of this rule later on."""
        ...


class Foresight(Protocol):
    """Knows at which closes of its stream a strategy can act."""

    def load(self, candles: Any) -> list[int]:
        """Take the next candles, as arrays. Returns the places among them for which the strategy must be called."""
        ...

    def reach(self, place: int) -> None:
        """The strategy is about to be called for the candle at this place."""
        ...


@runtime_checkable
class Foreseeing(Protocol):
    """A strategy that may know ahead at which closes it can act."""

    @property
    def foresight(self) -> Foresight | None:
        """From its start on, where it was asked for."""
        ...

    def foresee(self) -> bool:
        """Asks for it before the start; False where it cannot be had."""
        ...
