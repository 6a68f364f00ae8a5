"""A long line drawn with few points that still shows every peak and trough."""

from __future__ import annotations

import numpy as np

from qkt.backtest.curve import Floats, Ints

POINTS = 3_000


def outline(values: Floats, points: int = POINTS) -> Ints:
    """Places of at most `points` values: the first, lowest, highest and last of equal stretches, in their order."""
    count = len(values)
    if count <= points:
        return np.arange(count)
    edges = np.linspace(0, count, points // 4 + 1).astype(np.int64)
    stretches = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    lowest = [a + int(np.argmin(values[a:b])) for a, b in stretches]
    highest = [a + int(np.argmax(values[a:b])) for a, b in stretches]
    return np.unique(np.concatenate((edges[:-1], edges[1:] - 1, lowest, highest)))
