"""Whether a result stands on ground that its neighbours share, or alone on a peak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from qkt.research.space import Axis, Params, Space


@dataclass(frozen=True, slots=True)
class Stability:
    """How many neighbours have a score, the median and the worst of them, and `ratio` = median / own score, None unless that
    is positive. Scores are turned so that more is better."""

    neighbours: int
    median: float | None
    worst: float | None
    ratio: float | None


def stability(space: Space, params: Sequence[Params], scores: Sequence[float | None], *, stepped: bool) -> list[Stability]:
    """Of each combination. On a grid (`stepped`) neighbours are one step away in one parameter; else they are the nearest, two
    for each parameter, by the sum of the distances along the axes (each axis 1 long, ties to the earlier)."""
    if not stepped:
        return [_of(score, _nearest(space, place, params, scores)) for place, score in enumerate(scores)]
    by_values = {tuple(one.values()): score for one, score in zip(params, scores, strict=True)}
    return [_of(score, _beside(space, one, by_values)) for one, score in zip(params, scores, strict=True)]


def _beside(space: Space, own: Params, by_values: dict[tuple[str, ...], float | None]) -> list[float]:
    found = []
    for place, axis in enumerate(space.axes):
        assert isinstance(axis, Axis)
        at = axis.values.index(own[axis.name])
        for beside in (at - 1, at + 1):
            if 0 <= beside < len(axis.values):
                values = [own[name] for name in space.names]
                values[place] = axis.values[beside]
                score = by_values.get(tuple(values))
                if score is not None:
                    found.append(score)
    return found


def _nearest(space: Space, own: int, params: Sequence[Params], scores: Sequence[float | None]) -> list[float]:
    here = [axis.place(params[own][axis.name]) for axis in space.axes]
    found = []
    for number, (one, score) in enumerate(zip(params, scores, strict=True)):
        if number != own and score is not None and one != params[own]:
            away = sum(abs(a - axis.place(one[axis.name])) for a, axis in zip(here, space.axes, strict=True))
            found.append((away, number, score))
    return [score for _, _, score in sorted(found)[: 2 * len(space.axes)]]


def _of(own: float | None, near: Sequence[float]) -> Stability:
    if not near:
        return Stability(0, None, None, None)
    middle = median(near)
    return Stability(len(near), middle, min(near), middle / own if own is not None and own > 0 else None)
