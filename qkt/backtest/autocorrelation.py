"""How much of what comes next is in what came before: of a run's daily returns, and of the market's candles."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from qkt.backtest.curve import Floats, returns
from qkt.backtest.prices import Prices
from qkt.core.timeframe import HOUR_MS

LAGS = 20
FEWEST = 30
"""Returns, below which nothing is said."""
FEWEST_PAIRS = 3
HOURS = 24


@dataclass(frozen=True, slots=True)
class Autocorrelation:
    """Of `count` returns: `lags[k - 1]` is r_k = sum((x_t - m)(x_(t+k) - m)) / sum((x_t - m)^2), m their mean.

    Without any dependence nineteen of twenty lags lie within +-`band` = 1.96 / sqrt(n) (Box and Jenkins, "Time Series
    Analysis", 1970). Where returns continue, the square root of time understates a year's risk, and a Sharpe ratio flatters.
    """

    count: int
    lags: tuple[float, ...]
    band: float

    @property
    def outside(self) -> int:
        """How many lags lie beyond the band."""
        return sum(abs(lag) > self.band for lag in self.lags)


def autocorrelation(r: Floats, lags: int = LAGS) -> Autocorrelation | None:
    """None for fewer than 30 returns, or without variance."""
    count = len(r)
    if count < FEWEST or float(np.ptp(r)) == 0.0:
        return None
    off = r - r.mean()
    whole = float(off @ off)
    found = tuple(float(off[:-k] @ off[k:]) / whole for k in range(1, min(lags, count // 2) + 1))
    return Autocorrelation(count, found, 1.96 / math.sqrt(count))


@dataclass(frozen=True, slots=True)
class Continuation:
    """Whether a candle goes on where the one before it went: the correlation of a return with the one before it, by the hour
    (UTC) in which its candle ends, apart for `calm` ones and `wild` ones: below the median size of all, or at it and above. An
    hour with fewer than three pairs, or without variance, has None."""

    symbol: str
    timeframe_ms: int
    calm: tuple[float | None, ...]
    wild: tuple[float | None, ...]


def continuation(symbol: str, prices: Prices) -> Continuation | None:
    """Of the candles of one symbol; None for fewer than 30 returns."""
    r = returns(prices.close)
    if len(r) < FEWEST:
        return None
    now, before = r[1:], r[:-1]
    hours = (prices.starts[2:] + prices.timeframe_ms) // HOUR_MS % HOURS
    wild = np.abs(now) >= np.median(np.abs(now))
    found = [
        tuple(_correlation(now[chosen & (hours == hour)], before[chosen & (hours == hour)]) for hour in range(HOURS))
        for chosen in (~wild, wild)
    ]
    return Continuation(symbol, prices.timeframe_ms, *found)


def _correlation(one: Floats, other: Floats) -> float | None:
    if len(one) < FEWEST_PAIRS or float(np.ptp(one)) == 0.0 or float(np.ptp(other)) == 0.0:
        return None
    return float(np.corrcoef(one, other)[0, 1])
