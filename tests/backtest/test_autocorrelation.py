"""How returns hang together."""

from __future__ import annotations

import numpy as np
import pytest

from qkt.backtest.autocorrelation import FEWEST, autocorrelation, continuation
from qkt.backtest.prices import Prices
from qkt.core.timeframe import HOUR_MS


def test_lags_are_those_of_the_definition():
    r = np.random.default_rng(1).normal(size=500)
    found = autocorrelation(r)
    assert found is not None
    off = r - r.mean()
    for k in (1, 7, 20):
        assert found.lags[k - 1] == pytest.approx(sum(off[t] * off[t + k] for t in range(500 - k)) / sum(off**2))
    assert found.band == pytest.approx(1.96 / np.sqrt(500))
    assert found.outside < 4


def test_returns_that_continue_and_that_turn_are_told_apart():
    noise = np.random.default_rng(2).normal(size=2_000)
    for share in (0.5, -0.5):
        r = np.zeros(2_000)
        for n in range(1, 2_000):
            r[n] = share * r[n - 1] + noise[n]
        found = autocorrelation(r)
        assert found is not None
        assert found.lags[0] == pytest.approx(share, abs=0.06)
        assert found.lags[1] == pytest.approx(share**2, abs=0.06)


def test_too_few_returns_or_equal_ones_say_nothing():
    assert autocorrelation(np.arange(FEWEST - 1.0)) is None
    assert autocorrelation(np.ones(100)) is None


def prices(close: np.ndarray) -> Prices:
    starts = np.arange(len(close), dtype=np.int64) * HOUR_MS
    return Prices(HOUR_MS, starts, close, close, close, close)


def test_a_market_that_turns_in_the_afternoon_alone_does_so_in_those_hours():
    """From one hour to the next prices go on, but in the hour that ends at 15:00 they take back a part of the move before."""
    draws = np.random.default_rng(3).normal(scale=1e-4, size=24 * 200)
    r = draws.copy()
    for n in range(1, len(r)):
        r[n] = (-0.8 if (n + 1) % 24 == 15 else 0.8) * r[n - 1] + 0.3 * draws[n]
    found = continuation("EURUSD", prices(np.cumprod(1.0 + r)))
    assert found is not None
    for row in (found.calm, found.wild):
        assert min(range(24), key=lambda hour: row[hour] or 0.0) == 15
        assert row[15] is not None
        assert row[15] < 0
    assert np.mean([value for hour, value in enumerate(found.wild) if hour != 15 and value is not None]) > 0.5


def test_hours_without_candles_have_no_figure():
    close = np.cumprod(1.0 + np.random.default_rng(4).normal(scale=1e-3, size=40))
    found = continuation("EURUSD", prices(close))
    assert found is not None
    assert None in found.calm
    assert continuation("EURUSD", prices(close[:20])) is None
