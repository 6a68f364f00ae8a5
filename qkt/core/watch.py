"""What a component waits for, stated so that a replay can jump to it.

A live engine calls the component with every tick and needs none of this. A replay over columns looks up the first row on
which the wait can end and calls the very same code there; calling it on other rows as well must change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

NEVER = 1 << 62
"""A due time that never comes (epoch ms)."""


class Reads(StrEnum):
    """Which number of a tick is compared: its price, its bid or its ask. Without quotes the price stands for both."""

    PRICE = "price"
    BID = "bid"
    ASK = "ask"


@dataclass(slots=True)
class Watch:
    """The first tick of `symbol` whose number reaches `level`, coming `below` (<=) or above it (>=), or whose time reaches
    `deadline`.

    `row` is scratch space of the replay: the merged row found, -1 when it has to be looked up again.
    """

    symbol: str
    reads: Reads
    below: bool
    level: float
    deadline: int | None = None
    row: int = -1


class Waiting(Protocol):
    """A component that waits for the market or the clock."""

    @property
    def due(self) -> int:
        """When its next timer is due (epoch ms), NEVER without one. The first tick at or after it is visited."""
        ...

    def watches(self) -> Iterable[Watch]:
        """What it waits for at the market now."""
        ...


class Waits:
    """Everything in one session that waits. Whoever begins or stops to wait says `changed()`."""

    __slots__ = ("_components", "revision")

    def __init__(self) -> None:
        self._components: list[Waiting] = []
        self.revision = 0

    def add(self, component: Waiting) -> None:
        self._components.append(component)
        self.revision += 1

    def changed(self) -> None:
        self.revision += 1

    @property
    def due(self) -> int:
        """The earliest timer."""
        return min((component.due for component in self._components), default=NEVER)

    def watches(self) -> Iterator[Watch]:
        for component in self._components:
            yield from component.watches()
