"""How moving stops are taken down for the chart: the same in both speeds, and the levels that they really had."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

import qkt
from qkt.backtest.result import BacktestResult
from qkt.core.terms import Side

STRATEGY = """STRATEGY trails VERSION 1
SYMBOLS eur = BACKTEST:EURUSD EVERY 5m
RULES
    WHEN eur.close > ema(eur.close, 5) AND POSITION.eur = 0
    THEN BUY eur SIZING 0.1 BRACKET {{ {stop}, TAKE PROFIT BY 0.0040 }}
    WHEN eur.close < ema(eur.close, 5) AND POSITION.eur = 0
    THEN SELL eur SIZING 0.1 BRACKET {{ {stop}, TAKE PROFIT BY 0.0040 }}
"""
STOPS = ["STOP LOSS TRAILING 0.0008 AFTER MFE >= 0.0006", "STOP LOSS BY 0.0008 STEP TO BREAKEVEN AFTER MFE >= 0.0006"]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ticks")
    qkt.write_sample(folder, ["EURUSD"], days=2, seed=5, ticks_per_day=4_000)
    return folder


def run(folder: Path, stop: str, sample: Path, *, every_tick: bool = False) -> BacktestResult:
    file = folder / "trails.qkt"
    file.write_text(STRATEGY.format(stop=stop))
    return qkt.backtest(file, data=str(sample), every_tick=every_tick)


@pytest.mark.parametrize("stop", STOPS, ids=["trailing", "stepped"])
def test_stops_are_followed_alike_at_both_speeds_and_end_where_the_trade_was_stopped(tmp_path, sample, stop):
    result = run(tmp_path, stop, sample)
    assert result.record.stops == run(tmp_path, stop, sample, every_tick=True).record.stops
    trips = {trip.leg_id: trip for trip in result.round_trips}
    stopped = 0
    for path in result.record.stops:
        trip = trips.get(path.leg_id)
        if trip is None:
            assert path is result.record.stops[-1], "open at the end"
            continue
        assert path.levels[0] == trip.stop
        assert (path.times[0], path.times[-1]) == (trip.entry_time, trip.exit_time)
        assert path.times == sorted(path.times)
        sign = 1 if trip.side is Side.BUY else -1
        assert [sign * level for level in path.levels] == sorted(sign * level for level in path.levels), "a stop never loosens"
        if trip.exit_reason == "STOP":
            stopped += 1
            assert 0 <= sign * (path.levels[-1] - trip.exit_price) < Decimal("0.0005"), (
                "it was left at its last level, or beyond"
            )
    assert stopped > 5


def test_a_stop_that_never_moved_is_not_kept(tmp_path, sample):
    result = run(tmp_path, "STOP LOSS BY 0.0008", sample)
    assert result.round_trips
    assert result.record.stops == []
