"""What else the same trades might have come to: equity resampled many times over, and how its ends and falls are spread.

Three ways to draw: `iid` draws single outcomes with replacement, `block` draws runs of neighbours, so that what clusters in
time stays clustered (the stationary bootstrap of Politis and Romano, "The Stationary Bootstrap", 1994), `shuffle` puts the
outcomes that there were into another order, which leaves the end where it is and tells how deep the way there might have led.

Outcomes are money and add up (closed trades), or returns and compound (days). Draws come from the raw words of PCG64, whose
stream numpy keeps for ever, so a seed means the same numbers with every version.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from qkt.core.errors import UsageError

Floats: TypeAlias = npt.NDArray[np.float64]
Rows: TypeAlias = npt.NDArray[np.int64]
Method = Literal["iid", "block", "shuffle"]

METHODS: tuple[Method, ...] = get_args(Method)
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
FEWEST = 30
FAN_POINTS = 200
CELLS = 4_000_000
"""Outcomes held at once: 32 MB a matrix."""

HALF = np.uint64(32)
LOW = np.uint64(0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Quantiles:
    """The values below which 5, 25, 50, 75 and 95 percent of the runs lie: x[floor(p * (n - 1))] of the sorted runs."""

    p5: float
    p25: float
    p50: float
    p75: float
    p95: float

    @classmethod
    def of(cls, values: Floats) -> Quantiles:
        ordered = np.sort(values)
        return cls(*(float(ordered[int(share * (len(ordered) - 1))]) for share in SHARES))


@dataclass(frozen=True, slots=True, eq=False)
class Fan:
    """Quantiles of equity along the way: row i of each is after `steps[i]` outcomes; the first is the start."""

    steps: Rows
    p5: Floats
    p25: Floats
    p50: Floats
    p75: Floats
    p95: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """What many runs came to. Money in account currency, drawdowns as positive fractions of the peak before them.

    `observed` are the end and the deepest drawdown of the outcomes in the order they really came in. `loss` is the share of
    runs that end below the start, `ruin` the share that at any time lost `ruin_fraction` of it.
    """

    method: str
    runs: int
    seed: int
    outcomes: int
    block: float | None
    start: float
    observed: tuple[float, float]
    final: Quantiles
    drawdown: Quantiles
    loss: float
    ruin: float
    ruin_fraction: float
    fan: Fan


def simulate(
    outcomes: Sequence[float] | Floats,
    start: float,
    *,
    method: Method = "iid",
    runs: int = 1000,
    seed: int = 42,
    block: float | None = None,
    ruin_fraction: float = 0.5,
    compound: bool = False,
) -> Simulation:
    """Draw `runs` histories of as many outcomes as there are, each from `start`.

    Outcomes add up, or multiply with `compound`, where each is a return (0.01 is one percent). `block` is the mean length of
    that method's blocks, the cube root of the number of outcomes unless given, which balances bias against variance.
    Raises UsageError for fewer than 30 outcomes and for values out of range.
    """
    values = np.asarray(outcomes, dtype=np.float64)
    _check(values, start, method, runs, seed, block, ruin_fraction)
    length = block if block is not None else max(1.0, round(len(values) ** (1 / 3)))
    draw = drawer(method, np.random.PCG64(seed), len(values), length)
    steps = np.unique(np.linspace(0, len(values), min(len(values), FAN_POINTS) + 1).astype(np.int64))
    finals, falls, lowest, ways = [], [], [], []
    share = max(1, CELLS // len(values))
    for done in range(0, runs, share):
        paths = equity_paths(values[draw(min(share, runs - done))], start, compound=compound)
        finals.append(paths[:, -1].copy())
        falls.append(deepest_falls(paths))
        lowest.append(paths.min(axis=1))
        ways.append(paths[:, steps])
    final = np.concatenate(finals)
    real = equity_paths(values[np.newaxis, :], start, compound=compound)
    return Simulation(
        method=method,
        runs=runs,
        seed=seed,
        outcomes=len(values),
        block=length if method == "block" else None,
        start=start,
        observed=(float(real[0, -1]), float(deepest_falls(real)[0])),
        final=Quantiles.of(final),
        drawdown=Quantiles.of(np.concatenate(falls)),
        loss=float(np.mean(final < start)),
        ruin=float(np.mean(np.concatenate(lowest) <= start * (1 - ruin_fraction))),
        ruin_fraction=ruin_fraction,
        fan=_fan(np.concatenate(ways), steps),
    )


def equity_paths(outcomes: Floats, start: float, *, compound: bool = False) -> Floats:
    """Equity of each row of outcomes, one column more than they have: the first is `start`."""
    rows, columns = outcomes.shape
    paths = np.empty((rows, columns + 1))
    paths[:, 0] = start
    if compound:
        np.cumprod(1.0 + outcomes, axis=1, out=paths[:, 1:])
        paths[:, 1:] *= start
    else:
        np.cumsum(outcomes, axis=1, out=paths[:, 1:])
        paths[:, 1:] += start
    return paths


def deepest_falls(paths: Floats) -> Floats:
    """max((peak - E) / peak) of each row, zero for one that never fell below a positive peak."""
    peaks = np.maximum.accumulate(paths, axis=1)
    falls = np.divide(peaks - paths, peaks, out=np.zeros_like(paths), where=peaks > 0)
    deepest: Floats = falls.max(axis=1)
    return deepest


def drawer(method: Method, words: np.random.PCG64, n: int, block: float) -> Callable[[int], Rows]:
    """Rows of places among n outcomes, as many as asked for."""
    if method == "iid":
        return lambda runs: _below(words, n, (runs, n))
    if method == "shuffle":
        return lambda runs: _orders(words, n, runs)
    return lambda runs: _blocks(words, n, runs, block)


def _below(words: np.random.PCG64, n: int, shape: tuple[int, int]) -> Rows:
    """Whole numbers from 0 to n - 1: the high half of a raw word scaled down, of a bias below n / 2^32."""
    raw = words.random_raw(shape[0] * shape[1]) >> HALF
    return ((raw * np.uint64(n)) >> HALF).astype(np.int64).reshape(shape)


def _orders(words: np.random.PCG64, n: int, runs: int) -> Rows:
    """Permutations: the places in the order of random words."""
    return np.argsort(words.random_raw(runs * n).reshape(runs, n), axis=1, kind="stable")


def _blocks(words: np.random.PCG64, n: int, runs: int, block: float) -> Rows:
    """Each place goes on from the one before it, around the end, or with chance 1 / block begins a new block anywhere."""
    starts = _below(words, n, (runs, n))
    chance = np.uint64(min(int(2**32 / block), 2**32))
    begins = (words.random_raw(runs * n) & LOW).reshape(runs, n) < chance
    begins[:, 0] = True
    columns = np.arange(n)
    latest = np.maximum.accumulate(np.where(begins, columns, 0), axis=1)
    return (np.take_along_axis(starts, latest, axis=1) + columns - latest) % n


def _fan(ways: Floats, steps: Rows) -> Fan:
    ordered = np.sort(ways, axis=0)
    return Fan(steps, *(ordered[int(share * (len(ordered) - 1))].copy() for share in SHARES))


def _check(values: Floats, start: float, method: str, runs: int, seed: int, block: float | None, ruin_fraction: float) -> None:
    if method not in METHODS:
        raise UsageError(f"there is no method '{method}'", expected=" or ".join(METHODS))
    if len(values) < FEWEST:
        raise UsageError(f"there are {len(values)} outcomes", expected=f"{FEWEST} or more: fewer say nothing about chance")
    if not np.isfinite(values).all():
        raise UsageError("an outcome is no number", expected="finite amounts")
    if start <= 0:
        raise UsageError(f"the account starts with {start:g}", expected="a positive amount")
    if runs < 1:
        raise UsageError(f"{runs} runs are asked for", expected="one or more")
    if seed < 0:
        raise UsageError(f"the seed is {seed}", expected="zero or more")
    if block is not None and not 1 <= block <= len(values):
        raise UsageError(f"the mean block is {block:g} outcomes long", expected=f"1 to {len(values)}, as many as there are")
    if not 0 < ruin_fraction <= 1:
        raise UsageError(f"ruin is a loss of {ruin_fraction:g}", expected="a share of the start above 0, at most 1")
