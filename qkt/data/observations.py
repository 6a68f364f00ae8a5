"""Published statistics to candles: every observation is a candle of its own, closed at once.

It starts at its observation and is as long as its timeframe; open, high, low and close are the value, which may be zero or
negative.
"""

from __future__ import annotations

import numpy as np

from qkt.core.timeframe import Timeframe
from qkt.data.candles import Bar
from qkt.data.folding import ClosedBars
from qkt.data.tables import TickTable


class ObservationBuilder:
    """One observation at a time, as `CandleBuilder` takes ticks."""

    unfinished = None

    def __init__(self, timeframe: Timeframe) -> None:
        self._ms = timeframe.ms

    def update(self, ts: int, price: float, bid: float | None, ask: float | None, volume: float | None) -> Bar:  # noqa: ARG002
        """The candle of this observation; it has neither quotes nor volume."""
        return Bar(ts, ts + self._ms, price, price, price, price, 0.0, None, None)


class ObservationFolder:
    """A table of observations at once, as `CandleFolder` takes ticks."""

    unfinished = None
    carried: None = None

    def __init__(self, timeframe: Timeframe) -> None:
        self._ms = timeframe.ms

    @property
    def terms(self) -> tuple[str, int]:
        """See `CandleFolder.terms`."""
        return "observations", self._ms

    def fold(self, table: TickTable) -> ClosedBars:
        """The candles of the observations, each at its own row."""
        nothing = np.full(len(table), np.nan)
        value = table.price
        return ClosedBars(
            row=np.arange(len(table)),
            start=table.ts,
            end=table.ts + self._ms,
            open=value,
            high=value,
            low=value,
            close=value,
            volume=np.zeros(len(table)),
            bid=nothing,
            ask=nothing,
        )
