"""What a component waits for, stated so that a replay can jump to it.

A live engine calls the component with every tick and needs none of this. A replay over columns looks up the first row on
which the wait can end and calls the very same code there; calling it on other rows as well must change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Watch:
    """The first tick of `symbol` whose ask (`on_ask`) or bid reaches `level`, coming `below` (<=) or above it (>=), or
    whose time reaches `deadline`. Without quotes the tick's price stands for both sides.

    `row` is scratch space of the replay: the merged row found, -1 when it has to be looked up again.
    """

    symbol: str
    on_ask: bool
    below: bool
    level: float
    deadline: int | None = None
    row: int = -1
