"""The bars that a session has seen close: what a chart shows, and the bar that a rule looked at last."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from qkt.core.bus import Scope
from qkt.core.events import Candle
from qkt.core.timeframe import DAY_MS

KEPT = 3_000
"""Bars kept of each stream, at least."""
SPARE = 500
"""So many more before the oldest go, all at once."""
FIELDS = 7


class CandleBook:
    """Closed bars by stream, the latest of them; `last` is the latest one as it was published."""

    def __init__(self, scope: Scope) -> None:
        self.last: dict[str, Candle] = {}
        # How many have closed.
        self.count = 0
        self._bars: dict[str, array[float]] = {}
        # The day of a stream's last bar, and the price that its changes are measured from.
        self._days: dict[str, tuple[int, float]] = {}
        scope.subscribe(Candle, self._on_candle)

    def bars(self, stream: str, limit: int) -> Iterator[tuple[float, ...]]:
        """Start, end (epoch ms), open, high, low, close, volume of the latest bars, oldest first."""
        kept = self._bars.get(stream, array("d"))
        first = max(len(kept) - limit * FIELDS, 0)
        for at in range(first, len(kept), FIELDS):
            yield tuple(kept[at : at + FIELDS])

    def reference(self, stream: str, midnight: int) -> float | None:
        """The last close before a day's beginning (epoch ms), or its first price where no earlier is known."""
        day, known = midnight // DAY_MS, self._days.get(stream)
        if known is None or day < known[0]:
            return None
        return known[1] if day == known[0] else self.last[stream].close

    def _on_candle(self, candle: Candle) -> None:
        stream = candle.stream
        self.count += 1
        day, known = candle.start // DAY_MS, self._days.get(stream)
        if known is None or day > known[0]:
            self._days[stream] = day, candle.open if known is None else self.last[stream].close
        self.last[stream] = candle
        kept = self._bars.get(stream)
        if kept is None:
            kept = self._bars[stream] = array("d")
        kept.extend((candle.start, candle.end, candle.open, candle.high, candle.low, candle.close, candle.volume))
        if len(kept) > (KEPT + SPARE) * FIELDS:
            del kept[: SPARE * FIELDS]
