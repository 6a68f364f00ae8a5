"""One run: assembles a session over the given sources, picks the replay, and writes down what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast

from qkt.backtest.bars import ticks_of_bars
from qkt.backtest.blame import blame
from qkt.backtest.folded import ColumnBoard, ColumnCandles
from qkt.backtest.record import RunRecord, write_record
from qkt.backtest.replay import JumpReplay, Tell, replay_ticks, ticks_of
from qkt.brokers.paper import FillModel, MidFills, QuoteFills
from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.errors import DataError, QktError
from qkt.core.events import OrderRejected
from qkt.core.timeframe import Timeframe
from qkt.data import BarSource, TickSource, merge
from qkt.engine import SessionSettings, TickBoard, assemble
from qkt.strategy import RunnableStrategy

FillsName = Literal["quotes", "mid"]
ReplayName = Literal["fast", "every-tick", "bars"]
Sources = Mapping[str, TickSource | BarSource]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: ticks done, ticks in all when known, the time reached (epoch ms)."""

    ticks: int
    total: int | None
    ts: int


def fill_model(name: FillsName) -> FillModel:
    return MidFills() if name == "mid" else QuoteFills()


def run(
    strategy: RunnableStrategy,
    sources: Sources,
    settings: SessionSettings,
    *,
    start: int | None = None,
    end: int | None = None,
    fills: FillsName = "quotes",
    every_tick: bool = False,
    params: Mapping[str, str] | None = None,
    tell: Callable[[Progress], bool] | None = None,
) -> RunRecord:
    """Run a strategy over [start, end) of its sources, which are keyed by market id, those of its streams first.

    `tell` hears of progress and answers whether to go on. Raises DataError when there was nothing to replay, and
    StrategyError naming the line when the strategy's own code failed.
    """
    began = time.perf_counter()
    settings = replace(settings, fills=fill_model(fills), begin=start)
    for source in sources.values():
        source.volume = strategy.wants_volume
    kind = _choose(strategy, sources, every_tick)
    refusals: list[OrderRejected] = []
    driver = _JumpDriver if kind == "fast" else _TickDriver
    drive = driver(strategy, settings, sources)
    drive.session.scope.subscribe(OrderRejected, refusals.append)
    try:
        complete = drive.run(start, end, _hearer(tell))
        if drive.session.first_ts is None and complete:
            raise DataError(
                "no tick in the range asked for", where=", ".join(sources), remedy="check --from, --to and the data given"
            )
        drive.session.end()
    except QktError:
        raise
    except Exception as problem:
        raise blame(strategy, problem) from problem
    seconds = time.perf_counter() - began
    return write_record(
        session=drive.session,
        board=drive.board,
        strategy=strategy,
        settings=settings,
        reports={symbol: source.report for symbol, source in sources.items()},
        fills=fills,
        replay=kind,
        refusals=refusals,
        params=dict(params or {}),
        seconds=seconds,
        interrupted=not complete,
    )


class _JumpDriver:
    """Ticks from event to event."""

    def __init__(self, strategy: RunnableStrategy, settings: SessionSettings, sources: Sources) -> None:
        clock = EventClock()
        self.board = ColumnBoard()
        self._sources = sources
        self.session = assemble(
            strategy,
            settings,
            EventBus(clock),
            clock,
            self.board,
            lambda scope, streams, begin: ColumnCandles(scope, streams, begin, self.board, strategy.wants_volume),
            _fail,
        )
        candles = cast(ColumnCandles, self.session.candles)
        self._replay = JumpReplay(self.session, self.board, candles, tuple(sources), finest(strategy))

    def run(self, start: int | None, end: int | None, tell: Tell) -> bool:
        sources = [cast(TickSource, source) for source in self._sources.values()]
        return self._replay.run(merge(sources, start, end), tell)


class _TickDriver:
    """Every tick, one by one; bars become ticks on the way."""

    def __init__(self, strategy: RunnableStrategy, settings: SessionSettings, sources: Sources) -> None:
        clock = EventClock()
        self.board = TickBoard()
        self._sources = sources
        self.session = assemble(strategy, settings, EventBus(clock), clock, self.board, on_fault=_fail)

    def run(self, start: int | None, end: int | None, tell: Tell) -> bool:
        if any(is_bars(source) for source in self._sources.values()):
            ticks = ticks_of_bars(self._sources, start, end, self._is_short)
        else:
            sources = [cast(TickSource, source) for source in self._sources.values()]
            ticks = ticks_of(merge(sources, start, end), tuple(self._sources))
        return replay_ticks(self.session, ticks, tell)

    def _is_short(self, symbol: str) -> bool:
        position = self.session.books.account.get(symbol)
        return position is not None and position.quantity < 0


def is_bars(source: TickSource | BarSource) -> bool:
    return hasattr(type(source), "timeframe_ms")


def finest(strategy: RunnableStrategy) -> Timeframe:
    """The shortest timeframe declared, whose windows the equity curve samples."""
    return min((stream.timeframe for stream in strategy.streams), key=lambda frame: frame.ms)


def _choose(strategy: RunnableStrategy, sources: Sources, every_tick: bool) -> ReplayName:
    if any(is_bars(source) for source in sources.values()):
        return "bars"
    return "every-tick" if every_tick or strategy.wants_ticks else "fast"


def _hearer(tell: Callable[[Progress], bool] | None) -> Tell:
    if tell is None:
        return lambda ticks, ts: True  # noqa: ARG005
    return lambda ticks, ts: tell(Progress(ticks, None, ts))


def _fail(problem: Exception) -> None:
    """A back-test has one session: its failure ends the run."""
    raise problem
