"""A line of numbers as a small area chart of block characters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BLOCKS = " ▁▂▃▄▅▆▇█"
STEPS = len(BLOCKS) - 1


def area(values: Sequence[float], width: int, height: int) -> list[str]:
    """`height` lines of at most `width` characters, top first: the lowest value is one step high, the highest fills the top.

    A column shows the last value of its share of the samples; the last column shows the last value.
    """
    columns = np.asarray(values, dtype=np.float64)
    if len(columns) > width:
        columns = columns[np.linspace(0, len(columns) - 1, width).round().astype(np.int64)]
    low, high = float(columns.min()), float(columns.max())
    scale = (height * STEPS - 1) / (high - low) if high > low else 0.0
    steps = 1 + np.round((columns - low) * scale).astype(np.int64)
    rows = []
    for row in range(height - 1, -1, -1):
        fill = np.clip(steps - row * STEPS, 0, STEPS)
        rows.append("".join(BLOCKS[step] for step in fill.tolist()))
    return rows
