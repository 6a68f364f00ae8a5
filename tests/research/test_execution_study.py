"""Executions drawn by chance, through the engine."""

from pathlib import Path

from qkt.backtest.prepared import Prepared
from qkt.research.execution_study import Draws, execution_study
from qkt.research.job import Means
from tests.research.market import START


def test_each_run_has_an_execution_of_its_own_and_a_seed_means_the_same(ready: Prepared, tmp_path: Path) -> None:
    draws = Draws(runs=6, latency=20_000, slippage=30, skip=0.3)
    first, again = (execution_study(ready, draws, {"fast": "4"}, tmp_path / n, means=Means(1)) for n in ("a", "b"))
    assert first is not None
    assert first == again
    plain = ready.run({"fast": "4"})
    assert first.observed == (10_000 + float(plain.metrics.total_pnl), plain.metrics.max_drawdown)
    assert first.trades.p5 < len(plain.round_trips)
    assert len({first.final.p5, first.final.p50, first.final.p95}) == 3
    assert draws.task(3, {}).execution != draws.task(4, {}).execution


def test_without_anything_to_draw_every_run_is_the_one_asked_for(ready: Prepared, tmp_path: Path) -> None:
    part = ready.between(START, START + 6_000_000)
    study = execution_study(part, Draws(runs=2, latency=0, slippage=0, skip=0.0), {}, tmp_path, means=Means(1))
    assert study is not None
    assert {study.final.p5, study.final.p95} == {study.observed[0]}
