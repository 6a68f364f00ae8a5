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


def hanging(values: Sequence[float], width: int, height: int) -> list[str]:
    """The same from the top down, of values that are 0 or more: 0 leaves a column empty, the highest value reaches the bottom.

    A column shows the highest of its share of the samples. What hangs is told by half blocks, the only ones there are.
    """
    columns = np.asarray(values, dtype=np.float64)
    if len(columns) > width:
        edges = np.linspace(0, len(columns), width + 1).astype(np.int64)
        columns = np.maximum.reduceat(columns, edges[:-1])
    highest = float(columns.max())
    halves = np.ceil(columns / highest * 2 * height).astype(np.int64) if highest > 0 else np.zeros(len(columns), np.int64)
    rows = []
    for row in range(height):
        fill = np.clip(halves - 2 * row, 0, 2)
        rows.append("".join(" ▀█"[half] for half in fill.tolist()))
    return rows
