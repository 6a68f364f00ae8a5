"""How sure the figures of a run are."""

from __future__ import annotations

import numpy as np
import pytest

from qkt.research.confidence import confidence

R = np.random.default_rng(5).normal(0.001, 0.01, size=250)


def test_what_came_lies_in_the_middle_and_the_width_is_that_of_the_theory() -> None:
    found = confidence(R, 252.0)
    assert found is not None
    assert found.sharpe is not None
    sharpe = R.mean() / R.std(ddof=1) * np.sqrt(252)
    assert found.sharpe.p50 == pytest.approx(sharpe, abs=0.15)
    # Of normal returns the error of an annual ratio is about sqrt(A / n); nine tenths lie within 1.64 errors on either side.
    assert found.sharpe.p95 - found.sharpe.p5 == pytest.approx(2 * 1.64 * np.sqrt(252 / 250), rel=0.15)
    growth = np.prod(1.0 + R) ** (252 / 250) - 1
    assert found.cagr.p25 < growth < found.cagr.p75
    closes = np.concatenate(([1.0], np.cumprod(1.0 + R)))
    assert found.observed_drawdown == pytest.approx(np.max(1 - closes / np.maximum.accumulate(closes)))
    assert 0 < found.loss < 0.5


def test_a_seed_means_the_same_histories() -> None:
    assert confidence(R, 252.0) == confidence(R, 252.0) != confidence(R, 252.0, seed=43)


def test_few_days_or_a_day_that_lost_everything_say_nothing() -> None:
    assert confidence(R[:29], 252.0) is None
    assert confidence(np.append(R, -1.0), 252.0) is None
    flat = confidence(np.zeros(40), 252.0)
    assert flat is not None
    assert flat.sharpe is None
