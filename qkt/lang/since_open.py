"""Aggregates over the closes at which a position is open."""

from __future__ import annotations


class SinceOpen:
    """`fn` (MAX, MIN, MEAN or SUM) of the values since the last reset, None before the first."""

    def __init__(self, fn: str) -> None:
        self._fn = fn
        self._count = 0
        self._sum = 0.0
        self.value: float | None = None

    def reset(self) -> None:
        self._count = 0
        self._sum = 0.0
        self.value = None

    def add(self, x: float) -> None:
        self._count += 1
        self._sum += x
        match self._fn:
            case "MAX":
                self.value = x if self.value is None or x > self.value else self.value
            case "MIN":
                self.value = x if self.value is None or x < self.value else self.value
            case "SUM":
                self.value = self._sum
            case _:
                self.value = self._sum / self._count
