"""Resampled equity: what each way of drawing keeps, and that a seed says everything."""

import dataclasses

import numpy as np
import pytest

from qkt.core.errors import UsageError
from qkt.research.monte_carlo import METHODS, Quantiles, equity_paths, simulate

TRADES = [12.5, -7.25, 3.0, -4.5, 9.75, -8.0] * 10


def test_a_shuffle_keeps_the_end_and_changes_the_way() -> None:
    told = simulate(TRADES, 1000.0, method="shuffle", runs=200)
    end = 1000.0 + sum(TRADES)
    assert (told.final.p5, told.final.p95) == pytest.approx((end, end))
    assert told.drawdown.p5 < told.observed[1] or told.drawdown.p95 > told.observed[1]


def test_every_drawn_outcome_is_one_of_those_there_were() -> None:
    for method in ("iid", "block"):
        told = simulate([5.0] * 40, 100.0, method=method, runs=10)
        assert told.final == Quantiles(300.0, 300.0, 300.0, 300.0, 300.0), method


def test_the_mean_of_many_draws_is_the_mean_of_the_outcomes() -> None:
    told = simulate(TRADES, 1000.0, runs=4000)
    spread = np.std(TRADES) * np.sqrt(len(TRADES))
    assert told.final.p50 == pytest.approx(1000 + sum(TRADES), abs=4 * spread / np.sqrt(4000))
    assert told.final.p95 - told.final.p5 == pytest.approx(2 * 1.645 * spread, rel=0.1)


def test_blocks_keep_what_clusters() -> None:
    clustered = [-10.0] * 50 + [10.0] * 50
    torn = simulate(clustered, 1000.0, method="iid", runs=500)
    kept = simulate(clustered, 1000.0, method="block", block=25, runs=500)
    assert kept.drawdown.p50 > 1.5 * torn.drawdown.p50


def test_blocks_of_one_outcome_are_independent_draws() -> None:
    one = simulate(TRADES, 1000.0, method="block", block=1, runs=2000)
    free = simulate(TRADES, 1000.0, method="iid", runs=2000)
    assert one.final.p95 - one.final.p5 == pytest.approx(free.final.p95 - free.final.p5, rel=0.1)


def test_returns_compound_and_money_adds_up() -> None:
    assert equity_paths(np.array([[0.1, -0.5]]), 100.0, compound=True)[0] == pytest.approx([100, 110, 55])
    assert equity_paths(np.array([[10.0, -50.0]]), 100.0)[0] == pytest.approx([100, 110, 60])


def test_ruin_counts_a_fall_on_the_way_though_the_end_is_good() -> None:
    told = simulate([-60.0] * 15 + [60.0] * 20, 1000.0, method="shuffle", runs=400, ruin_fraction=0.3)
    assert told.loss == 0.0
    assert 0.0 < told.ruin < 1.0


def test_a_seed_means_the_same_numbers_however_much_is_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = simulate(TRADES, 1000.0, method="iid", runs=100)
    monkeypatch.setattr("qkt.research.monte_carlo.CELLS", 7 * len(TRADES))
    parts = simulate(TRADES, 1000.0, method="iid", runs=100)
    assert whole.final == parts.final
    assert (whole.fan.p25 == parts.fan.p25).all()
    assert simulate(TRADES, 1000.0, runs=100, seed=43).final != whole.final


def test_the_stream_of_a_seed_is_known() -> None:
    ends = {method: simulate(TRADES, 1000.0, method=method, runs=200).final.p5 for method in METHODS}
    assert ends == {"iid": 949.75, "block": 1010.25, "shuffle": 1055.0}


def test_the_fan_begins_at_the_start_and_ends_at_the_end() -> None:
    told = simulate(TRADES, 1000.0, runs=50)
    assert told.fan.p5[0] == told.fan.p95[0] == 1000.0
    assert (told.fan.steps[0], told.fan.steps[-1]) == (0, len(TRADES))
    assert {f"p{n}": float(getattr(told.fan, f"p{n}")[-1]) for n in (5, 25, 50, 75, 95)} == dataclasses.asdict(told.final)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"outcomes": TRADES[:29]}, "there are 29 outcomes"),
        ({"outcomes": [float("nan")] * 40}, "no number"),
        ({"start": 0.0}, "starts with 0"),
        ({"runs": 0}, "0 runs"),
        ({"seed": -1}, "the seed is -1"),
        ({"method": "block", "block": 0.5}, "mean block"),
        ({"method": "bootstrap"}, "no method 'bootstrap'"),
        ({"ruin_fraction": 0.0}, "ruin is a loss of 0"),
    ],
)
def test_what_cannot_be_simulated_is_said(change: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        simulate(**({"outcomes": TRADES, "start": 1000.0} | change))  # type: ignore[arg-type]
