"""One run: assembles a session over the given sources, picks the replay, and writes down what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal, cast

from qkt.backtest.bar_paths import BarPaths, BarReplay
from qkt.backtest.bar_sources import FoldedBars, ResolvedBars, is_bars
from qkt.backtest.bars import ticks_of_bars
from qkt.backtest.blame import blame, told
from qkt.backtest.book import ChildFailure, Decisions, book_run
from qkt.backtest.folded import ColumnBoard, ColumnCandles
from qkt.backtest.market import Sources, columns_of
from qkt.backtest.phrases import minute
from qkt.backtest.prices import PriceRecorder
from qkt.backtest.record import RunRecord, write_record
from qkt.backtest.replay import JumpReplay, Tell, replay_ticks
from qkt.backtest.stops import StopRecorder
from qkt.brokers.factory import BrokerKind
from qkt.brokers.paper import ExecutionSettings
from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.errors import DataError, QktError, UsageError
from qkt.core.events import CancelFailed, Candle, OrderRejected
from qkt.core.timeframe import Timeframe
from qkt.data import BarTable, TickSource, TickTable, merge, ticks_of
from qkt.engine import Runnable, SessionSettings, Stage, TickBoard, assemble
from qkt.engine.traders import ChildFault
from qkt.portfolio import Portfolio
from qkt.strategy import Foreseeing, Tradable, finest, is_statistic

ReplayName = Literal["fast", "every-tick", "bars"]
HEARERS = 2
"""Who hears the candles of a strategy that is alone: its latches, and itself."""
Attend = Callable[[Stage], None]
"""Gets a session that is about to run."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: ticks done, ticks in all when known, the time reached (epoch ms)."""

    ticks: int
    total: int | None
    ts: int


def run(
    strategy: Runnable,
    sources: Sources,
    settings: SessionSettings,
    *,
    start: int | None = None,
    end: int | None = None,
    every_tick: bool = False,
    params: Mapping[str, str] | None = None,
    tell: Callable[[Progress], bool] | None = None,
    attend: Attend | None = None,
    limit: int | None = None,
    charted: bool = False,
) -> RunRecord:
    """Run a strategy or a portfolio over [start, end) of its sources, which are keyed by market id, those of its streams first.

    A `LoadedMarket` as `sources` serves many runs; `start` and `end` are then the ends of its own range, or lie within it.
    `tell` hears of progress and answers whether to go on. `attend` gets the session before its first tick, to look on;
    `limit` ends the run after so many ticks; `charted` keeps candles to draw. Raises DataError when there was nothing to replay
    or volumes are missing, and StrategyError naming the line when the strategy's own code failed.
    """
    began = time.perf_counter()
    settings = replace(settings, begin=start)
    if settings.execution.fills == "bars":
        sources = as_bars(strategy, sources, settings.execution)
    check_bars(strategy, sources)
    for symbol, source in sources.items():
        source.volume = strategy.wants_volume or settings.execution.partial == "depth"
        source.observed = is_statistic(symbol)
    _require_volumes(strategy, sources, start, end)
    kind = _choose(strategy, sources, every_tick or settings.venue.kind is not BrokerKind.PAPER)
    refusals: list[OrderRejected] = []
    driver = _JumpDriver if kind == "fast" else _TickDriver
    failures: list[ChildFailure] = []

    def on_child_fault(child: str, problem: Exception) -> None:
        ran = next(trader.strategy for trader in drive.session.traders if trader.name == child)
        failures.append(ChildFailure(child, drive.clock.now(), told(blame(ran, problem))))
        drive.session.fail_child(child, problem)

    drive: _JumpDriver | _TickDriver = driver(strategy, settings, sources, on_child_fault)
    drive.session.scope.subscribe(OrderRejected, refusals.append)
    decisions = Decisions(drive.session)
    late: list[CancelFailed] = []
    drive.session.scope.subscribe(CancelFailed, late.append)
    stops = StopRecorder(drive.session) if charted else None
    recorder = PriceRecorder(drive.session.scope, strategy.streams, begun=stops.look) if stops is not None else None
    if attend is None:
        drive.foresee(strategy)
    else:
        attend(Stage(drive.session, drive.board, drive.place))
    try:
        complete = drive.run(start, end, _hearer(tell), limit)
        if drive.session.first_ts is None and complete:
            raise DataError(
                "no tick in the range asked for", where=", ".join(sources), remedy="check --from, --to and the data given"
            )
        drive.session.end(close=complete and limit is None and settings.execution.end == "close")
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
        replay=kind,
        refusals=refusals,
        params=dict(params or {}),
        seconds=seconds,
        warnings=[*_failed(failures), *_unresolved(sources)],
        bars=None if drive.paths is None else BarReplay(drive.paths.ambiguous),
        late_cancels=len(late),
        interrupted=not complete,
        book=book_run(strategy, drive.session, decisions, failures) if isinstance(strategy, Portfolio) else None,
        prices={} if recorder is None else recorder.prices(),
        stops=[] if stops is None else stops.moved(),
    )


def _require_volumes(strategy: Tradable, sources: Sources, start: int | None, end: int | None) -> None:
    """Raises DataError for data without volumes that an indicator lives on."""
    for stream in strategy.streams:
        source = sources.get(stream.symbol)
        if not stream.needs_volume or source is None:
            continue
        tables: Iterator[TickTable | BarTable] = iter(source.tables(start, end))
        first = next(tables, None)
        if first is not None and first.volume is None:
            raise DataError(
                "the data has no volumes, and an indicator of the strategy reads them",
                where=stream.symbol,
                remedy=f"give data with volumes, or leave out VWAP…, OBV on '{stream.alias}'",
            )


class _JumpDriver:
    """Ticks from event to event."""

    paths: BarPaths | None = None

    def __init__(self, strategy: Runnable, settings: SessionSettings, sources: Sources, on_child_fault: ChildFault) -> None:
        self.clock = clock = EventClock()
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
            on_child_fault=on_child_fault,
        )
        candles = cast(ColumnCandles, self.session.candles)
        self._candles = candles
        self._replay = JumpReplay(self.session, self.board, candles, finest(strategy.streams))

    def foresee(self, strategy: Runnable) -> None:
        """Leave candles out on which the strategy cannot act, where it knows them and no one else hears them."""
        scope = self.session.scope
        alone = not scope.watched and len(scope.awake(Candle)) == HEARERS
        if alone and isinstance(strategy, Foreseeing) and strategy.foresee():
            self._candles.seer = strategy

    def place(self) -> int:
        """How many ticks were taken, the one that is being handled included."""
        return self.session.ticks + self.board.row + 1

    def run(self, start: int | None, end: int | None, tell: Tell, limit: int | None) -> bool:
        return self._replay.run(columns_of(self._sources, start, end, limit), tell)


class _TickDriver:
    """Every tick, one by one; bars become ticks on the way."""

    def __init__(self, strategy: Runnable, settings: SessionSettings, sources: Sources, on_child_fault: ChildFault) -> None:
        self.clock = clock = EventClock()
        self.board = TickBoard()
        self._sources = sources
        self.session = assemble(
            strategy, settings, EventBus(clock), clock, self.board, on_fault=_fail, on_child_fault=on_child_fault
        )
        bars = any(is_bars(source) for source in sources.values())
        self.paths = BarPaths(self.session, settings.execution.bars_path) if bars else None

    def foresee(self, strategy: Runnable) -> None:
        """Every tick comes, so does every candle."""

    def place(self) -> int:
        """The same; ticks are counted as they come."""
        return self.session.ticks

    def run(self, start: int | None, end: int | None, tell: Tell, limit: int | None) -> bool:
        if self.paths is not None:
            ticks = ticks_of_bars(self._sources, start, end, self.paths)
        else:
            sources = [cast(TickSource, source) for source in self._sources.values()]
            ticks = ticks_of(merge(sources, start, end), tuple(self._sources))
        return replay_ticks(self.session, islice(ticks, limit), tell)


def as_bars(strategy: Tradable, sources: Sources, execution: ExecutionSettings) -> Sources:
    """Sources for a replay of bars: ticks are made into bars of their shortest declared timeframe, unless they resolve them.

    Raises UsageError where ticks cannot resolve the bars exactly.
    """
    if execution.resolve == "bars":
        return {
            name: source
            if is_bars(source) or is_statistic(name)
            else FoldedBars(cast(TickSource, source), shortest(strategy, name))
            for name, source in sources.items()
        }
    if len({stream.timeframe for stream in strategy.streams if stream.traded}) > 1:
        raise UsageError("ticks resolve the bars of one timeframe, and the strategy has several", remedy="use --fills quotes")
    return sources


def check_bars(strategy: Tradable, sources: Sources) -> None:
    """Raise DataError when a declared timeframe cannot be made of the bars given."""
    for stream in strategy.streams:
        if not stream.traded:
            continue
        source = sources[stream.symbol]
        if is_bars(source) and stream.timeframe.ms % source.timeframe_ms:
            raise DataError(
                f"bars of {source.timeframe_ms // 1000} s do not add up to the {stream.timeframe} of stream {stream.alias}",
                where=stream.symbol,
                remedy="give bars of a length that divides it, or ticks",
            )


def shortest(strategy: Tradable, symbol: str) -> Timeframe:
    """The shortest timeframe declared for a symbol; for one of another use, such as conversion, the shortest of all."""
    own = [stream.timeframe for stream in strategy.streams if stream.symbol == symbol]
    return min(own, key=lambda frame: frame.ms) if own else finest(strategy.streams)


def _failed(failures: Sequence[ChildFailure]) -> Iterator[str]:
    for one in failures:
        yield f"{one.strategy} failed on {minute(one.ts)} and was out from then on: {one.text}"


def _unresolved(sources: Sources) -> Iterator[str]:
    for symbol, source in sources.items():
        if isinstance(source, ResolvedBars) and source.unresolved:
            yield f"{symbol}: {source.unresolved:,} bars have no ticks, their four points were replayed instead"


def _choose(strategy: Tradable, sources: Sources, every_tick: bool) -> ReplayName:
    if any(is_bars(source) for source in sources.values()):
        return "bars"
    # Equity is sampled at every tick.
    samples = any(not stream.fed for stream in strategy.streams)
    return "every-tick" if every_tick or strategy.wants_ticks or samples else "fast"


def _hearer(tell: Callable[[Progress], bool] | None) -> Tell:
    if tell is None:
        return lambda ticks, ts: True  # noqa: ARG005
    return lambda ticks, ts: tell(Progress(ticks, None, ts))


def _fail(problem: Exception) -> None:
    """A back-test has one session: its failure ends the run. That of a portfolio's child does not, as it would not live."""
    raise problem
