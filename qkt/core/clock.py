"""Clocks. Everything that asks for the time asks one of these, in epoch milliseconds UTC."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> int:
        """Epoch milliseconds, UTC."""
        ...


class EventClock:
    """Stands at the instant of the event being processed. The driver sets it before each tick or timer."""

    __slots__ = ("time",)

    def __init__(self, start: int = 0) -> None:
        self.time = start

    def now(self) -> int:
        return self.time


class SystemClock:
    """The machine's clock, for live venues."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000
