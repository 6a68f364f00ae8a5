"""How sure the figures of a run are: its days drawn anew in blocks, and the figures of each of those histories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qkt.backtest.curve import Floats
from qkt.research.monte_carlo import FEWEST, Quantiles, deepest_falls, drawer, equity_paths


@dataclass(frozen=True, slots=True)
class Confidence:
    """Quantiles over `runs` histories of as many days as there were, drawn in blocks of `block` days on average: the annual
    `sharpe` (None where a history has no variance) and `cagr`, and `drawdown`, the deepest between daily closes, as a
    positive fraction; `observed_drawdown` is that of the days as they came. Nine tenths of the histories lie between p5 and
    p95. `loss` is the share of them that end below their start."""

    days: int
    runs: int
    seed: int
    block: float
    sharpe: Quantiles | None
    cagr: Quantiles
    drawdown: Quantiles
    observed_drawdown: float
    loss: float


def confidence(r: Floats, per_year: float, *, runs: int = 1000, seed: int = 42) -> Confidence | None:
    """Of daily returns, of which there are `per_year` a year (stationary bootstrap, Politis and Romano 1994). None for fewer
    than 30 of them, or where a day lost everything."""
    days = len(r)
    if days < FEWEST or float(r.min()) <= -1.0:
        return None
    block = max(1.0, round(days ** (1 / 3)))
    drawn = r[drawer("block", np.random.PCG64(seed), days, block)(runs)]
    paths = equity_paths(drawn, 1.0, compound=True)
    spread = drawn.std(axis=1, ddof=1)
    sharpe = None if float(spread.min()) == 0.0 else Quantiles.of(drawn.mean(axis=1) / spread * np.sqrt(per_year))
    return Confidence(
        days=days,
        runs=runs,
        seed=seed,
        block=block,
        sharpe=sharpe,
        cagr=Quantiles.of(paths[:, -1] ** (per_year / days) - 1.0),
        drawdown=Quantiles.of(deepest_falls(paths)),
        observed_drawdown=float(deepest_falls(equity_paths(r[np.newaxis, :], 1.0, compound=True))[0]),
        loss=float(np.mean(paths[:, -1] < 1.0)),
    )
