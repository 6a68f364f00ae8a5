"""Curves and candles as text: numbers in, rows of characters out. Pure, so that what is drawn can be proven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qkt.runtime.control.details import CandleRow


# Dots of a braille cell by row from the top and column.
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
ASCII_DOTS = ".-="


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from low to high over so many steps, step 0 at the bottom."""

    low: float
    high: float
    steps: int

    def step(self, value: float) -> int:
        if self.high <= self.low:
            return self.steps // 2
        return min(max(round((value - self.low) / (self.high - self.low) * (self.steps - 1)), 0), self.steps - 1)


def sampled(values: Sequence[float], count: int) -> list[float]:
    """So many of the values, evenly, the first and the last among them; fewer stay as they are."""
    if len(values) <= count or count < 2:
        return list(values[-count:]) if count < 2 else list(values)
    last = len(values) - 1
    return [values[round(i * last / (count - 1))] for i in range(count)]


def curve(values: Sequence[float], width: int, height: int, *, braille: bool) -> list[str]:
    """A line through the values, from the left edge to the right one."""
    if not values or width < 1 or height < 1:
        return [" " * max(width, 0)] * max(height, 0)
    return _braille(values, width, height) if braille else _ascii(values, width, height)


def stretched(values: Sequence[float], count: int) -> list[float]:
    """So many values along the line through those given."""
    if len(values) == 1:
        return [values[0]] * count
    if len(values) >= count:
        return sampled(values, count)
    last = len(values) - 1
    found = []
    for i in range(count):
        at = i * last / max(count - 1, 1)
        left = min(int(at), last - 1)
        found.append(values[left] + (values[left + 1] - values[left]) * (at - left))
    return found


def _braille(values: Sequence[float], width: int, height: int) -> list[str]:
    points = stretched(values, width * 2)
    scale = Scale(min(points), max(points), height * 4)
    cells = [[0] * width for _ in range(height)]
    before = scale.step(points[0])
    for x, value in enumerate(points):
        now = scale.step(value)
        low, high = (before + 1, now) if now > before else (now, max(before - 1, now))
        for step in range(min(low, high), max(low, high) + 1):
            row = height * 4 - 1 - step
            cells[row // 4][x // 2] |= DOTS[row % 4][x % 2]
        before = now
    # Empty cells are braille too: where its font is narrower than the others, the curve keeps its shape.
    return ["".join(chr(0x2800 + cell) for cell in row) for row in cells]


def _ascii(values: Sequence[float], width: int, height: int) -> list[str]:
    points = stretched(values, width)
    scale = Scale(min(points), max(points), height * len(ASCII_DOTS))
    rows = [[" "] * width for _ in range(height)]
    for x, value in enumerate(points):
        step = scale.step(value)
        rows[height - 1 - step // len(ASCII_DOTS)][x] = ASCII_DOTS[step % len(ASCII_DOTS)]
    return ["".join(row) for row in rows]


# A half of a cell is empty, wick or body. Rising bodies are thin and falling ones thick, so that colour only repeats it.
EMPTY, WICK, BODY = 0, 1, 2
RISING = {
    (0, 0): " ", (1, 0): "╵", (0, 1): "╷", (1, 1): "│", (2, 0): "╹", (0, 2): "╻", (2, 2): "┃", (1, 2): "╽", (2, 1): "╿",
}  # fmt: skip
FALLING = {
    (0, 0): " ", (1, 0): "╵", (0, 1): "╷", (1, 1): "│", (2, 0): "▀", (0, 2): "▄", (2, 2): "█", (1, 2): "▄", (2, 1): "▀",
}  # fmt: skip
PLAIN = {
    True: {half: " " if half == (0, 0) else "O" if 2 in half else "|" for half in RISING},
    False: {half: " " if half == (0, 0) else "#" if 2 in half else "|" for half in RISING},
}


def candle(bar: CandleRow, scale: Scale, height: int, *, boxes: bool) -> list[str]:
    """One bar as a column of characters from the top. `scale` has two steps for each of them."""
    rising = bar.close >= bar.open
    low, high = scale.step(bar.low), scale.step(bar.high)
    bottom, top = sorted((scale.step(bar.open), scale.step(bar.close)))
    halves = [BODY if bottom <= step <= top else WICK if low <= step <= high else EMPTY for step in range(height * 2)]
    signs = (RISING if rising else FALLING) if boxes else PLAIN[rising]
    return [signs[halves[2 * row + 1], halves[2 * row]] for row in range(height - 1, -1, -1)]
