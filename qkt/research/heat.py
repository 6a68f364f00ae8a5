"""Results over two parameters at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from qkt.core.errors import UsageError
from qkt.lang.suggest import did_you_mean
from qkt.research.constraint import number
from qkt.research.sweep import Sweep

FEWEST_STEPS = 3
"""Rows or columns that a parameter has at least, whose values are taken together because most pairs of them were not tried."""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """The mean result of all trials with each pair of values, over whatever the other parameters were; None without one. Where
    less than half of the pairs were tried, a value stands for those around it.

    `cells[row][column]`; a single parameter has one row. Results are as they are, `low` and `high` the worst and best of them
    in the sense of the metric.
    """

    metric: str
    down: str | None
    across: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[float | None, ...], ...]
    low: float
    high: float


def heat_map(sweep: Sweep, names: Sequence[str] = ()) -> HeatMap | None:
    """The map over one or two parameters, the first two with several values unless named; None where nothing has a result.

    Raises UsageError for parameters that are not searched.
    """
    known = sweep.asked.space.names
    for name in names:
        if name not in known:
            remedy = did_you_mean(name, known)
            raise UsageError(f"there is no parameter '{name}' to draw", expected=f"one of {', '.join(known)}", remedy=remedy)
    tried = {name: _values(sweep, name) for name in known}
    chosen = list(dict.fromkeys(names)) or [name for name in known if len(tried[name]) > 1][:2] or list(known[:1])
    if len(chosen) > 2:
        raise UsageError(f"{len(chosen)} parameters cannot be drawn at once", expected="one or two")
    down, across = (chosen[0], chosen[1]) if len(chosen) == 2 else (None, chosen[0])
    pairs = {tuple(trial.params[name] for name in chosen) for trial in sweep.trials}
    if 2 * len(pairs) < prod(len(tried[name]) for name in chosen):
        steps = max(FEWEST_STEPS, int(len(pairs) ** (1 / len(chosen))))
        tried |= {name: _few(tried[name], steps) for name in chosen}
    found: dict[tuple[str, str], list[float]] = {}
    for trial in sweep.trials:
        value = trial.outcome.figures.get(sweep.asked.metric)
        if value is not None:
            key = ("" if down is None else _bin(tried[down], trial.params[down]), _bin(tried[across], trial.params[across]))
            found.setdefault(key, []).append(value)
    if not found:
        return None
    rows, columns = ("",) if down is None else tuple(tried[down]), tuple(tried[across])
    cells = tuple(tuple(_mean(found.get((row, column))) for column in columns) for row in rows)
    means = [value for row in cells for value in row if value is not None]
    from qkt.research.figures import LOWER

    worst, best = (max(means), min(means)) if sweep.asked.metric in LOWER else (min(means), max(means))
    return HeatMap(sweep.asked.metric, down, across, rows, columns, cells, worst, best)


def _values(sweep: Sweep, name: str) -> list[str]:
    """The values that were tried, in order."""
    return sorted(
        {trial.params[name] for trial in sweep.trials}, key=lambda text: (isinstance(number(text), str), number(text))
    )


def _few(values: list[str], steps: int) -> list[str]:
    """Some of them, which stand for those around them."""
    if len(values) <= steps:
        return values
    return [values[place * (len(values) - 1) // (steps - 1)] for place in range(steps)]


def _bin(values: Sequence[str], value: str) -> str:
    """The listed value, or the one that is nearest."""
    own = number(value)
    if value in values or isinstance(own, str):
        return value
    return min((one for one in values if not isinstance(number(one), str)), key=lambda one: abs(number(one) - own))  # type: ignore[operator]


def _mean(values: Sequence[float] | None) -> float | None:
    return sum(values) / len(values) if values else None
