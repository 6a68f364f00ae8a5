"""Runs and counts: how long or how often something has held."""

from __future__ import annotations

from collections import deque

from qkt.indicators.inputs import ConditionFed, NumberFed
from qkt.indicators.ties import difference


class RunLength(NumberFed):
    """Length of the run of changes in one direction: positive rising, negative falling, 0 on an unchanged value.

    An opposite change restarts it at +1 or -1. Ready on input 2.
    """

    __slots__ = ("_previous", "value")

    def __init__(self) -> None:
        self._previous: float | None = None
        self.value: float | None = None

    def update(self, x: float) -> float | None:
        """Feed one number; returns the value."""
        previous = self._previous
        self._previous = x
        if previous is not None:
            change = difference(x, previous)
            run = self.value or 0.0
            if change == 0.0:
                self.value = 0.0
            elif change > 0.0:
                self.value = max(run, 0.0) + 1.0
            else:
                self.value = min(run, 0.0) - 1.0
        return self.value


class RunLengthWhere(ConditionFed):
    """For how many inputs in a row the condition has been true. Ready on input 1."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float | None = None

    def update(self, flag: bool) -> float | None:
        """Feed one truth value; returns the value."""
        self.value = (self.value or 0.0) + 1.0 if flag else 0.0
        return self.value


class Count(ConditionFed):
    """How many of the last n inputs were true. Ready on input n."""

    __slots__ = ("_n", "_true", "_window", "value")

    def __init__(self, n: int) -> None:
        self._n = n
        self._window: deque[bool] = deque()
        self._true = 0
        self.value: float | None = None

    def update(self, flag: bool) -> float | None:
        """Feed one truth value; returns the value."""
        window = self._window
        window.append(flag)
        self._true += flag
        if len(window) > self._n:
            self._true -= window.popleft()
        if len(window) == self._n:
            self.value = float(self._true)
        return self.value
