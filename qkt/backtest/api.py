"""The public way to run a back-test: names in, a typed result out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal, cast

from qkt.backtest.bar_sources import ResolvedBars, is_bars
from qkt.backtest.market import Source
from qkt.backtest.prepared import Given, Prepared, markets_of, runnable_of
from qkt.backtest.recipe import Recipe, absolute
from qkt.backtest.result import BacktestResult
from qkt.backtest.runner import Attend, Progress, shortest
from qkt.brokers.factory import BrokerKind, VenueTerms
from qkt.brokers.paper import ExecutionSettings, Fills, Preset
from qkt.core.errors import DataError, UsageError
from qkt.core.instruments import InstrumentRegistry, bare
from qkt.data import Store, TickSource, open_data
from qkt.engine import Runnable, SessionSettings
from qkt.engine.markets import conversion_markets
from qkt.portfolio import BookSettings, Portfolio
from qkt.risk import RiskLimits

Moment = str | int | None
Data = Sequence[str | Path] | str | Path
Simulated = Literal["paper", "mt5-sim"]


def backtest(
    strategy: Given,
    *,
    data: Data = (),
    store: Path | bool = False,
    start: Moment = None,
    end: Moment = None,
    balance: Decimal | int | str | None = None,
    currency: str = "USD",
    params: Mapping[str, str] | None = None,
    fills: Fills | None = None,
    preset: Preset | None = None,
    execution: ExecutionSettings | None = None,
    instruments: Path | None = None,
    columns: Mapping[str, str] | None = None,
    zone: str | None = None,
    every_tick: bool = False,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
    book: BookSettings | None = None,
    limits: RiskLimits | None = None,
    broker: Simulated = "paper",
    attend: Attend | None = None,
    limit: int | None = None,
    charted: bool = True,
) -> BacktestResult:
    """Run a strategy or a portfolio over history.

    `strategy` is a `.qkt` or `.py` file, or an object. `data` names files or folders, `SYMBOL=PATH` for files
    without a symbol column; or `store` is True (the default store) or the store's folder. `start` and `end` bound the
    ticks, half-open, as ISO dates or times (UTC) or epoch ms. The account starts with `balance`, else with the CAPITAL of a
    portfolio, else with 10,000. `fills` is `quotes` (the side that is paid, default),
    `mid` or `bars`, `broker` is `paper` or `mt5-sim`, a simulated MetaTrader 5 account with that platform's rules,
    `preset` is `fast`, `realistic` or `stress`; `execution` says all of it, with every value of its own,
    instead. `columns` maps our column names to the file's, `zone` is the time zone of files in a server's
    time. `progress` hears how far the run is; when `stop` answers True the
    run ends between two ticks and the result is marked interrupted. `book` configures the book of a portfolio.
    `limits` are what the run is held to, those of the engine when they are left out. `attend` gets the session before its first
    tick, to look on; `limit` ends the run after so many ticks; `charted` keeps candles of what is traded, which a
    report draws and buy-and-hold is measured by.

    Raises a QktError, in one sentence, for whatever cannot be used.
    """
    ready = prepare(
        strategy,
        data=data,
        store=store,
        start=start,
        end=end,
        balance=balance,
        currency=currency,
        params=params,
        fills=fills,
        preset=preset,
        execution=execution,
        instruments=instruments,
        columns=columns,
        zone=zone,
        book=book,
        limits=limits,
        broker=broker,
    )
    return ready.run(
        params,
        made=ready.made,
        every_tick=every_tick,
        progress=progress,
        stop=stop,
        attend=attend,
        limit=limit,
        charted=charted,
    )


def prepare(
    strategy: Given,
    *,
    data: Data = (),
    store: Path | bool = False,
    start: Moment = None,
    end: Moment = None,
    balance: Decimal | int | str | None = None,
    currency: str = "USD",
    params: Mapping[str, str] | None = None,
    fills: Fills | None = None,
    preset: Preset | None = None,
    execution: ExecutionSettings | None = None,
    instruments: Path | None = None,
    columns: Mapping[str, str] | None = None,
    zone: str | None = None,
    book: BookSettings | None = None,
    limits: RiskLimits | None = None,
    broker: Simulated = "paper",
) -> Prepared:
    """A back-test made ready for many runs. The arguments are those of `backtest`; `params` need only be given where the
    strategy cannot be read without them, each run has its own. Raises as `backtest` does."""
    made = runnable_of(strategy, params or {}, book)
    runnable = made[0]
    simulated = _execution(execution, fills, preset)
    begin, until = moment(start, "start"), moment(end, "end")
    if begin is not None and until is not None and begin >= until:
        raise UsageError(f"the range from {start} to {end} is empty", expected="a start before the end")
    symbols = list(dict.fromkeys(stream.symbol for stream in runnable.streams if stream.traded))
    lengths = {bare(symbol).upper(): shortest(runnable, symbol).ms for symbol in symbols}
    open_sources = _opener(data, store, columns, zone, simulated, lengths)
    registry = InstrumentRegistry.load(instruments) if instruments else InstrumentRegistry.standard()
    available = open_sources()
    sources = _assign(markets_of(runnable), available, open_sources)
    markets = conversion_markets(symbols, currency, registry, available)
    sources |= {name: available[name] for name in markets}
    settings = SessionSettings(
        _balance(balance, runnable),
        currency,
        registry,
        simulated,
        limits or RiskLimits(),
        markets=tuple(markets),
        venue=_venue(broker, simulated, sources.values()),
    )
    recipe = None
    if isinstance(strategy, str | Path):
        recipe = Recipe(
            strategy=str(Path(strategy).absolute()),
            data=absolute(data),
            store=str(store.absolute()) if isinstance(store, Path) else store,
            balance=None if balance is None else settings.balance,
            currency=currency,
            execution=simulated,
            instruments=None if instruments is None else str(instruments.absolute()),
            columns=columns and dict(columns),
            zone=zone,
            book=book,
            limits=limits,
            broker=broker,
        )
    return Prepared(strategy, book, settings, sources, begin, until, made, recipe)


def _venue(broker: str, execution: ExecutionSettings, sources: Iterable[Source]) -> VenueTerms:
    """Who executes. Raises UsageError for settings of paper on a simulated platform, which has rules of its own."""
    if broker == "paper":
        return VenueTerms()
    changed = [name for name in execution.changed() if name != "end"] or (["fills"] if execution.fills != "quotes" else [])
    if changed:
        raise UsageError(f"{broker} executes by its own rules, not by {', '.join(changed)}", remedy="leave them out")
    if any(is_bars(source) for source in sources):
        raise UsageError(f"{broker} needs ticks, these are bars", remedy="give ticks, or leave --broker out")
    return VenueTerms(BrokerKind(broker), "qktsim")


def moment(value: Moment, name: str) -> int | None:
    """Epoch ms of an ISO date or time, UTC unless it says otherwise. Raises UsageError for anything else."""
    if value is None or isinstance(value, int):
        return value
    try:
        when = dt.datetime.fromisoformat(value)
    except ValueError:
        raise UsageError(f"{name} is '{value}'", expected="a UTC date or time such as 2024-01-10 or 2024-01-10T08:30") from None
    when = when if when.tzinfo else when.replace(tzinfo=dt.UTC)
    return round(when.timestamp() * 1000)


def _execution(execution: ExecutionSettings | None, fills: str | None, preset: str | None) -> ExecutionSettings:
    if execution is None:
        return ExecutionSettings.of(preset=preset, fills=fills)
    if fills is not None or preset is not None:
        raise UsageError("the execution is given twice", expected="execution, or fills and preset")
    return execution


def _balance(value: Decimal | int | str | None, strategy: Runnable) -> Decimal:
    if value is None:
        capital = strategy.capital if isinstance(strategy, Portfolio) else None
        return capital or Decimal(10_000)
    try:
        balance = Decimal(value)
    except InvalidOperation:
        raise UsageError(f"the balance is '{value}'", expected="a positive amount") from None
    if not balance.is_finite() or balance <= 0:
        raise UsageError(f"the balance is {value}", expected="a positive amount")
    return balance


def _opener(
    data: Data,
    store: Path | bool,
    columns: Mapping[str, str] | None,
    zone: str | None,
    execution: ExecutionSettings,
    lengths: Mapping[str, int],
) -> Callable[[], dict[str, Source]]:
    specs = [str(data)] if isinstance(data, str | Path) else [str(item) for item in data]
    if specs and store:
        raise UsageError("both files and a store are given", expected="--data or --store, not both")
    if specs:

        def files(*, bars_first: bool = execution.fills == "bars") -> dict[str, Source]:
            return open_data(specs, column_mapping=columns, zone=zone, bars_first=bars_first, finest_ms=lengths)

        return files if execution.resolve == "bars" else lambda: _resolved(files(), files(bars_first=False))
    if not store:
        raise UsageError("no market data is given", expected="--data PATH (a file, a folder, SYMBOL=PATH) or --store")
    chosen = Store() if store is True else Store(store)
    return lambda: {symbol: chosen.source(symbol) for symbol in chosen.symbols()}


def _resolved(first: Mapping[str, Source], others: Mapping[str, Source]) -> dict[str, Source]:
    """Bars with the ticks that resolve them; ticks without bars as they are. Raises DataError for bars without ticks."""
    sources: dict[str, Source] = {}
    for symbol, source in first.items():
        ticks = others[symbol]
        if is_bars(ticks):
            remedy = f"add --data {symbol}=PATH with ticks"
            raise DataError("there are no ticks to resolve its bars", where=symbol, remedy=remedy)
        sources[symbol] = ResolvedBars(source, cast(TickSource, ticks)) if is_bars(source) else source
    return sources


def _assign(
    symbols: Sequence[str], available: Mapping[str, Source], open_again: Callable[[], dict[str, Source]]
) -> dict[str, Source]:
    """A source of its own for each market id: by bare symbol, or the only nameless one for the only symbol."""
    sources: dict[str, Source] = {}
    taken: set[str] = set()
    for symbol in symbols:
        name = bare(symbol).upper()
        if name not in available and "" in available and len(symbols) == 1:
            name = ""
        if name not in available:
            have = ", ".join(sorted(known or "one file without a symbol" for known in available)) or "nothing"
            raise DataError(
                f"no data for {bare(symbol)}",
                where=symbol,
                expected=f"one of what is given: {have}",
                remedy=f"add --data {bare(symbol)}=PATH",
            )
        # Two venues' ids of one symbol read the same files, each through a reader of its own.
        sources[symbol] = open_again()[name] if name in taken else available[name]
        taken.add(name)
    return sources
