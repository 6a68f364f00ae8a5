"""Bars replayed as ticks."""

from __future__ import annotations

from typing import NamedTuple


class PathPoint(NamedTuple):
    """One point of a bar's synthetic path: epoch ms, price, and the volume it carries (None but for the close)."""

    ts: int
    price: float
    volume: float | None


def bar_path(
    bar_start: int,
    duration: int,
    o: float,
    h: float,
    l: float,  # noqa: E741 - open, high, low, close
    c: float,
    volume: float | None,
    high_first: bool,
) -> tuple[PathPoint, PathPoint, PathPoint, PathPoint]:
    """The four ticks of a bar over [bar_start, bar_start + duration) ms: open, one extreme, the other, close.

    They fold back into exactly the bar; its whole volume stands at the close. `high_first` says which extreme comes first.
    """
    step = max(1, duration // 4)
    near, far = (h, l) if high_first else (l, h)
    return (
        PathPoint(bar_start, o, None),
        PathPoint(bar_start + step, near, None),
        PathPoint(bar_start + 2 * step, far, None),
        PathPoint(bar_start + duration - 1, c, volume),
    )
