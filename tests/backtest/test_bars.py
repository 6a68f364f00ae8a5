"""Replay of bars: the order of their extremes, gaps, levels inside a bar, and bars that real ticks resolve."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import qkt
from qkt.backtest.caveats import caveats
from qkt.backtest.metrics import measure
from qkt.backtest.record import RunRecord, Timing
from qkt.backtest.runner import run
from qkt.brokers.paper import ExecutionSettings
from qkt.core.errors import DataError, UsageError
from qkt.core.events import Candle
from qkt.core.instruments import InstrumentRegistry
from qkt.core.terms import OrderKind, Side
from qkt.core.timeframe import MINUTE_MS
from qkt.data import BarTable, DataReport, mid_price
from qkt.engine import SessionSettings
from qkt.strategy import BracketSpec, EnterSignal, Signal
from tests.backtest.random_run import START, Gambler, Memory, Plan, tape
from tests.market import GOLD, SILVER, Script, at, instrument

Row = tuple[float, float, float, float]


class MemoryBars:
    """Bars of one minute from `START` on; None leaves a bar out."""

    timeframe_ms = MINUTE_MS

    def __init__(self, symbol: str, *rows: Row | None) -> None:
        self.symbol = symbol
        self.volume = True
        self.report = DataReport(symbol)
        kept = [n for n, row in enumerate(rows) if row is not None]
        columns = np.array([row for row in rows if row is not None], float).T
        self._table = BarTable(START + np.array(kept) * MINUTE_MS, MINUTE_MS, *columns)

    def tables(self, start: int | None = None, end: int | None = None) -> Iterator[BarTable]:
        yield self._table.between(start, end)


class Planned(Script):
    """Sends prepared signals on the close of candles: by number, from 0."""

    def __init__(self, *symbols: str, plan: dict[int, Signal]) -> None:
        super().__init__(*symbols)
        self.closes = 0

        def act(candle: Candle) -> None:
            if self.closes in plan:
                self.context.fire(None, [plan[self.closes]])
            self.closes += 1

        self.candle = act


def enter(side: Side, *, stop_loss: object = None, take_profit: object = None, **how: object) -> EnterSignal:
    bracket = None
    if stop_loss is not None or take_profit is not None:
        bracket = BracketSpec(None if stop_loss is None else at(stop_loss), None if take_profit is None else at(take_profit))
    return EnterSignal("script", GOLD, None, side, Decimal(1), None, bracket=bracket, **how)  # type: ignore[arg-type]


def replay(strategy: Script, sources: dict[str, object], terms: dict[str, object], **values: object) -> RunRecord:
    table = {name.rpartition(":")[2]: instrument(name.rpartition(":")[2], **terms) for name in sources}
    registry = InstrumentRegistry.standard().with_layer(table)
    settings = SessionSettings(instruments=registry, execution=ExecutionSettings.of(**values))  # type: ignore[arg-type]
    return run(strategy, sources, settings)  # type: ignore[arg-type]


def gold(plan: dict[int, Signal], *rows: Row | None, terms: dict[str, object] | None = None, **values: object) -> RunRecord:
    return replay(Planned(GOLD, plan=plan), {GOLD: MemoryBars("GOLD", *rows)}, terms or {}, **values)


def prices(record: RunRecord) -> list[str]:
    return [f"{row.price.normalize():f}" for row in record.trades]


FLAT: Row = (80, 80, 80, 80)
SHORT = {0: enter(Side.SELL, stop_loss=83, take_profit=77)}


def test_with_stop_and_target_in_one_bar_the_stop_comes_first_at_its_level() -> None:
    record = gold(SHORT, FLAT, (80, 84, 76, 79))
    assert [(row.purpose, row.price) for row in record.trades] == [("ENTRY", 80), ("STOP", 83)]


def test_costs_come_on_top_of_the_level() -> None:
    terms = {"slippage_points": Decimal(3), "spread_points": Decimal(4)}
    assert prices(gold(SHORT, FLAT, (80, 84, 76, 79), terms=terms)) == ["79.95", "83.05"]


def test_the_favourable_extreme_first_takes_the_target() -> None:
    record = gold(SHORT, FLAT, (80, 84, 76, 79), bars_path="favourable_first")
    assert [(row.purpose, row.price) for row in record.trades] == [("ENTRY", 80), ("TP", 77)]


@pytest.mark.parametrize("missing", [(), (None,), (None, None)])
def test_a_bar_that_opens_beyond_the_stop_fills_at_its_open_whether_or_not_a_bar_is_missing(missing: tuple[None, ...]) -> None:
    rows: list[Row | None] = [FLAT, (58, 58, 56, 56), *missing, (52, 53, 51, 52)]
    assert prices(gold({0: enter(Side.BUY, stop_loss=55)}, *rows)) == ["58", "52"]


def test_an_extreme_inside_a_bar_is_no_gap() -> None:
    assert prices(gold({0: enter(Side.BUY, stop_loss=75)}, FLAT, (80, 81, 70, 80))) == ["80", "75"]


def test_a_stop_that_was_beyond_the_market_when_it_was_sent_is_not_filled_at_its_level() -> None:
    plan = {0: enter(Side.SELL, kind=OrderKind.STOP, stop=Decimal(85))}
    assert prices(gold(plan, FLAT, (80, 81, 78, 79))) == ["78"]


def test_a_limit_inside_a_bar_fills_at_itself_and_at_a_better_open() -> None:
    plan = {0: enter(Side.BUY, kind=OrderKind.LIMIT, limit=Decimal(75))}
    assert prices(gold(plan, FLAT, (80, 81, 70, 72))) == ["75"]
    assert prices(gold(plan, FLAT, FLAT, (73, 74, 70, 72))) == ["73"]


def test_the_entry_that_the_open_fills_decides_the_path_of_its_bar_though_another_symbol_trades_between() -> None:
    plan = {0: enter(Side.SELL, stop_loss=83, take_profit=77)}
    silver: list[Row | None] = [(20, 20, 20, 20)] * 3
    sources = {SILVER: MemoryBars("SILVER", *silver), GOLD: MemoryBars("GOLD", FLAT, (80, 84, 76, 79), FLAT)}
    record = replay(Planned(SILVER, GOLD, plan={1: plan[0]}), sources, {})
    assert [(row.symbol, row.purpose) for row in record.trades] == [(GOLD, "ENTRY"), (GOLD, "STOP")]


def test_bars_that_hold_stop_and_target_are_counted_and_warned_about() -> None:
    record = gold(SHORT, FLAT, (80, 84, 76, 79), FLAT)
    assert record.bars is not None
    assert record.bars.ambiguous_bars == 1
    assert any("unreliable" in text for text in caveats(record, measure(record)))
    calm = gold(SHORT, FLAT, (80, 84, 79, 79), FLAT)
    assert calm.bars is not None
    assert calm.bars.ambiguous_bars == 0
    assert not any("unreliable" in text for text in caveats(calm, measure(calm)))


def test_candles_of_bars_are_the_bars() -> None:
    seen: list[Row] = []
    script = Script(GOLD)
    script.candle = lambda candle: seen.append((candle.open, candle.high, candle.low, candle.close))
    rows: list[Row] = [FLAT, (80, 84, 76, 79), (79, 79, 70, 71), FLAT]
    replay(script, {GOLD: MemoryBars("GOLD", *rows)}, {})
    assert seen == rows[:-1]


# ----------------------------------------------------------------------- bars of files

STRATEGY = """STRATEGY waves VERSION 1
SYMBOLS
    eur = BACKTEST:EURUSD EVERY {frame}
RULES
    WHEN ema(eur.close, 2) CROSSES ABOVE ema(eur.close, 5) AND POSITION.eur = 0
    THEN BUY eur SIZING 0.1 BRACKET {{ STOP LOSS BY 0.00022, TAKE PROFIT BY 0.0002 }}
    WHEN ema(eur.close, 2) CROSSES BELOW ema(eur.close, 5) AND POSITION.eur = 0
    THEN SELL eur SIZING 0.1 BRACKET {{ STOP LOSS BY 0.00022, TAKE PROFIT BY 0.0002 }}
"""


@pytest.fixture
def waves(tmp_path: Path) -> Callable[..., Path]:
    def write(frame: str = "5m") -> Path:
        path = tmp_path / f"waves-{frame}.qkt"
        path.write_text(STRATEGY.format(frame=frame))
        return path

    return write


@pytest.fixture
def ticks(tmp_path: Path) -> Path:
    rng = np.random.default_rng(5)
    ts = START - START % (15 * MINUTE_MS) + np.arange(12_000) * 1_500
    bid = np.round(1.1 + np.cumsum(rng.integers(-3, 4, len(ts))) * 1e-5, 5)
    path = tmp_path / "ticks" / "eurusd.csv"
    path.parent.mkdir()
    lines = [f"{t},{b:.5f},{b + 0.00002:.5f}" for t, b in zip(ts.tolist(), bid.tolist(), strict=True)]
    path.write_text("\n".join(["ts_ms,bid,ask", *lines]) + "\n")
    return path


def write_bars(ticks: Path, folder: Path, minutes: int) -> Path:
    """The bars of a tick file, of this many minutes, as a file of its own."""
    rows = [line.split(",") for line in ticks.read_text().splitlines()[1:]]
    ms = minutes * MINUTE_MS
    windows: dict[int, list[float]] = {}
    for ts, bid, ask in rows:
        windows.setdefault(int(ts) // ms * ms, []).append(mid_price(float(bid), float(ask)))
    path = folder / f"eurusd-{minutes}m.csv"
    lines = [f"{start},{p[0]},{max(p)},{min(p)},{p[-1]},1" for start, p in windows.items()]
    path.write_text("\n".join(["ts_ms,open,high,low,close,volume", *lines]) + "\n")
    return path


def same(record: RunRecord) -> RunRecord:
    """A record without what says how it was made."""
    blank = replace(record, replay="fast", execution=ExecutionSettings(), timing=Timing(0, 0), data={}, bars=None)
    return replace(blank, warnings=[], params={}, recipe=None, prices={})


def test_bars_with_all_their_ticks_give_the_result_of_the_ticks(
    waves: Callable[..., Path], ticks: Path, tmp_path: Path
) -> None:
    bars = write_bars(ticks, tmp_path, 5)
    full = qkt.backtest(waves(), data=ticks)
    resolving = ExecutionSettings(fills="bars", resolve="ticks")
    resolved = qkt.backtest(waves(), data=[ticks, bars], execution=resolving)
    alone = qkt.backtest(waves(), data=ticks, execution=resolving)
    assert len(full.trades) > 20
    assert resolved.record.replay == "bars"
    assert same(resolved.record) == same(full.record) == same(alone.record)
    assert resolved.metrics == full.metrics


def test_bars_without_ticks_keep_their_path(waves: Callable[..., Path], ticks: Path, tmp_path: Path) -> None:
    bars = write_bars(ticks, tmp_path, 5)
    lines = ticks.read_text().splitlines()
    ticks.write_text("\n".join(lines[: len(lines) // 2]) + "\n")
    execution = ExecutionSettings(fills="bars", resolve="ticks")
    result = qkt.backtest(waves(), data=[ticks, bars], execution=execution)
    assert any("bars have no ticks" in text for text in result.warnings)
    full = qkt.backtest(waves(), data=ticks)
    until = full.record.last_ts - 5 * MINUTE_MS
    early = [row for row in result.trades if row.timestamp < until]
    assert early == [row for row in full.trades if row.timestamp < until]
    assert result.trades[-1].timestamp > full.record.last_ts


def test_bars_made_of_ticks_or_read_from_a_file_are_one_replay(waves: Callable[..., Path], ticks: Path, tmp_path: Path) -> None:
    bars = write_bars(ticks, tmp_path, 5)
    made = qkt.backtest(waves(), data=ticks, fills="bars")
    read = qkt.backtest(waves(), data=[ticks, bars], fills="bars")
    only = qkt.backtest(waves(), data=bars)
    assert made.record.replay == read.record.replay == only.record.replay == "bars"
    assert [(r.timestamp, r.price) for r in made.trades] == [(r.timestamp, r.price) for r in read.trades]
    assert same(read.record) == same(only.record)


def test_of_bars_of_several_lengths_the_longest_that_fits_is_taken(
    waves: Callable[..., Path], ticks: Path, tmp_path: Path
) -> None:
    bars = [write_bars(ticks, tmp_path, minutes) for minutes in (1, 5, 15)]
    assert qkt.backtest(waves("5m"), data=bars).record.ticks == 4 * 60
    assert qkt.backtest(waves("3m"), data=bars).record.ticks == 4 * 300
    assert qkt.backtest(waves("30m"), data=bars).record.ticks == 4 * 20
    with pytest.raises(DataError, match="do not add up"):
        qkt.backtest(waves("3m"), data=bars[1])


def test_both_orders_are_run_and_their_difference_is_told(waves: Callable[..., Path], ticks: Path, tmp_path: Path) -> None:
    bars = write_bars(ticks, tmp_path, 5)
    both = qkt.backtest(waves(), data=bars, execution=ExecutionSettings(bars_path="both"))
    ends = [
        qkt.backtest(waves(), data=bars, execution=ExecutionSettings(bars_path=path)).metrics.total_pnl  # type: ignore[arg-type]
        for path in ("adverse_first", "favourable_first")
    ]
    assert both.record.bars is not None
    assert [both.record.bars.adverse, both.record.bars.favourable] == ends
    assert ends[0] < ends[1]
    assert both.metrics.total_pnl == ends[0]
    assert any("order of prices inside bars is worth" in text for text in both.warnings)


def test_what_bars_cannot_do_is_refused(waves: Callable[..., Path], ticks: Path, tmp_path: Path) -> None:
    bars = write_bars(ticks, tmp_path, 5)
    mixed = waves().with_name("mixed.qkt")
    mixed.write_text(STRATEGY.format(frame="5m").replace("RULES", "    slow = BACKTEST:EURUSD EVERY 15m\nRULES"))
    resolving = ExecutionSettings(fills="bars", resolve="ticks")
    with pytest.raises(UsageError, match="one timeframe"):
        qkt.backtest(mixed, data=[ticks, bars], execution=resolving)
    with pytest.raises(DataError, match="no ticks"):
        qkt.backtest(waves(), data=bars, execution=resolving)
    with pytest.raises(UsageError, match="order is known"):
        qkt.backtest(waves(), data=ticks, execution=ExecutionSettings(bars_path="both"))
    with pytest.raises(UsageError, match="its file"):
        qkt.backtest(Script("BACKTEST:EURUSD"), data=bars, execution=ExecutionSettings(bars_path="both"))


def test_two_replays_of_bars_are_one() -> None:
    def once() -> tuple[RunRecord, list[object]]:
        plan = Plan(
            4, 2, 1_500, 100, True, ExecutionSettings.of(fills="bars", partial="0.5", slippage="0..5"), True, ("1m", "5m")
        )
        gambler = Gambler(plan)
        sources = {f"SIM:S{n}": Memory(f"S{n}", tape(n, plan.ticks, True), 100) for n in range(2)}
        terms = {f"S{n}": instrument(f"S{n}", contract_size=Decimal(100)) for n in range(2)}
        registry = InstrumentRegistry.standard().with_layer(terms)
        settings = SessionSettings(instruments=registry, execution=plan.execution, audit=True)
        return replace(run(gambler, sources, settings), timing=Timing(0, 0)), gambler.seen

    first = once()
    assert first == once()
    assert len(first[0].trades) > 30
