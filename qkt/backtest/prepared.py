"""A back-test made ready: what runs is known, its data is found, its settings are settled. Run it as often as wanted.

    ready = prepare("cross.qkt", data="ticks.parquet").loaded()
    for fast in range(5, 15):
        print(ready.run({"fast": str(fast)}).metrics.net_profit)

Every run is a session of its own through the one engine. `loaded` reads the ticks once for all of them, with all that
replays find out about their columns; processes forked afterwards share that memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from qkt.backtest.bar_sources import is_bars
from qkt.backtest.market import LoadedMarket, Sources
from qkt.backtest.recipe import Recipe
from qkt.backtest.record import RunRecord, compared
from qkt.backtest.result import BacktestResult
from qkt.backtest.runner import Attend, Progress, run
from qkt.brokers.paper import BarsPath
from qkt.core.errors import UsageError
from qkt.engine import Runnable, SessionSettings
from qkt.portfolio import BookSettings, Portfolio
from qkt.strategy import Strategy, Tradable, is_statistic
from qkt.strategy.loader import load_python
from qkt.strategy.python import PythonStrategy

Given: TypeAlias = Path | str | Runnable | Strategy


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `prepare` settles. `strategy` is what was given and is compiled anew for each run, unless it is an object;
    `sources` are its data by market id, over [start, end) in epoch ms, where None leaves a side open; `made` is what the
    strategy came to when it was prepared, with the values of its parameters, `recipe` what was asked for where it can be asked
    for again, from a file."""

    strategy: Given
    book: BookSettings | None
    settings: SessionSettings
    sources: Sources
    start: int | None
    end: int | None
    made: tuple[Runnable, dict[str, str]]
    recipe: Recipe | None

    def loaded(self) -> Prepared:
        """The same with its ticks in memory: 32 bytes a quote, more where volumes are read. Raises DataError for what cannot
        be read."""
        volume = self.made[0].wants_volume or self.settings.execution.partial == "depth"
        for market, source in self.sources.items():
            source.volume, source.observed = volume, is_statistic(market)
        return replace(self, sources=LoadedMarket.load(self.sources, self.start, self.end))

    def between(self, start: int | None, end: int | None) -> Prepared:
        """The same over a part of the range. Keep it for all runs over that part: in memory they share what is found out
        about it. Raises UsageError for what lies outside."""
        begin, until = self.start if start is None else start, self.end if end is None else end
        before = self.start is not None and begin is not None and begin < self.start
        if before or (self.end is not None and until is not None and until > self.end):
            raise UsageError(
                f"the range from {begin} to {until} is not within the one that was prepared",
                expected=f"a part of {self.start} to {self.end} (epoch ms)",
            )
        sources = self.sources.between(begin, until) if isinstance(self.sources, LoadedMarket) else self.sources
        return replace(self, sources=sources, start=begin, end=until)

    def run(
        self,
        params: Mapping[str, str] | None = None,
        *,
        made: tuple[Runnable, dict[str, str]] | None = None,
        every_tick: bool = False,
        progress: Callable[[Progress], None] | None = None,
        stop: Callable[[], bool] | None = None,
        attend: Attend | None = None,
        limit: int | None = None,
        charted: bool = False,
    ) -> BacktestResult:
        """One back-test with these parameters. `made` is what `runnable_of` made of them, where that is there already.
        `progress` hears how far the run is; when `stop` answers True it ends between two ticks and the result is marked
        interrupted. `attend` gets the session before its first tick, `limit` ends the run after so many ticks;
        `charted` keeps candles to draw.

        Raises a QktError for whatever cannot be run."""
        given = params or {}
        runnable, used = made or runnable_of(self.strategy, given, self.book)
        markets = markets_of(runnable)
        if markets != list(self.sources)[: len(markets)]:
            raise UsageError(
                f"the strategy reads {', '.join(markets)}",
                where=runnable.name,
                expected=f"the markets that were prepared: {', '.join(self.sources)}",
            )

        def tell(done: Progress) -> bool:
            if progress is not None:
                progress(done)
            return stop is None or not stop()

        def replay(one: Runnable, path: BarsPath) -> RunRecord:
            settings = replace(self.settings, execution=replace(self.settings.execution, bars_path=path))
            return run(
                one,
                self.sources,
                settings,
                start=self.start,
                end=self.end,
                every_tick=every_tick,
                params=used,
                tell=tell,
                attend=attend,
                limit=limit,
                charted=charted,
            )

        path = self.settings.execution.bars_path
        record = replay(runnable, path) if path != "both" else self._both(runnable, given, replay)
        if self.recipe is not None:
            asked = replace(self.recipe, start=self.start, end=self.end, params=params and dict(params), every_tick=every_tick)
            record = replace(record, recipe=asked)
        sizes = {market: self.settings.instruments.resolve(market).contract_size for market in record.symbols}
        return BacktestResult.of(record, sizes)

    def _both(
        self, runnable: Runnable, params: Mapping[str, str], replay: Callable[[Runnable, BarsPath], RunRecord]
    ) -> RunRecord:
        """Bars with their extremes in one order and in the other."""
        if not isinstance(self.strategy, str | Path):
            raise UsageError("both orders of a bar's extremes need the strategy twice", expected="its file, not an object")
        execution = self.settings.execution
        if not any(is_bars(source) for source in self.sources.values()) and execution.fills != "bars":
            raise UsageError("the data has ticks, whose order is known", remedy="leave --bars-path out, or use --fills bars")
        record = replay(runnable, "adverse_first")
        if record.interrupted:
            return record
        other = replay(runnable_of(self.strategy, params, self.book)[0], "favourable_first")
        return compared(replace(record, execution=execution), other)


def markets_of(strategy: Tradable) -> list[str]:
    """The market ids whose ticks its streams are made of, in order of declaration."""
    return list(dict.fromkeys(stream.symbol for stream in strategy.streams if stream.fed))


def runnable_of(given: Given, params: Mapping[str, str], book: BookSettings | None) -> tuple[Runnable, dict[str, str]]:
    """What a file or an object makes to run, and the values of its parameters. Raises a QktError for what cannot be run."""
    if isinstance(given, Strategy):
        return PythonStrategy(given, type(given).__name__), {}
    if not isinstance(given, str | Path):
        return given, {}
    path = Path(given)
    if path.suffix == ".py":
        return load_python(path, params), dict(params)
    from qkt.lang import load, load_portfolio
    from qkt.lang.source import is_portfolio, read_source

    if is_portfolio(read_source(path)):
        compiled = load_portfolio(path, params)
        return Portfolio(compiled, book), {name: str(value) for name, value in compiled.params.items()}

    loaded = load(path, params)
    return loaded.strategy, {name: str(value) for name, value in loaded.params.items()}
