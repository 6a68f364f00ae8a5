"""The market of the demo: the same quotes every time, from the same instant on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

from qkt.core.events import Tick
from qkt.core.instruments import bare
from qkt.data.feeds import ReplayFeed
from qkt.data.feeds.synthetic import SyntheticTicks
from qkt.data.synthetic import FIRST_DAY
from qkt.data.tape import merge
from qkt.data.ticks import ticks_of

SYMBOLS = ("EURUSD", "XAUUSD", "BTCUSDT")
INSTRUMENTS = {
    "instruments": [{"symbol": "BTCUSDT", "contract_size": 1, "digits": 2, "volume_min": "0.01", "volume_step": "0.01"}]
}
"""Of symbols that no table of ours knows: as exchanges have them, in the form of an instrument file."""
SPEED = 120.0
"""Seconds of the invented market in one of ours."""
SEED = 11
BEGIN = int(dt.datetime(2024, 1, 8, 9, 0, tzinfo=dt.UTC).timestamp() * 1000)
"""Where the market is when the demo begins (epoch ms): London is awake."""
DAYS = 400
TICKS_PER_DAY = 40_000
WARM_MS = 45 * 60_000
"""History that a strategy is warmed up with."""
ROWS = 20_000


class DemoMarket:
    """Makes the feed and the history before a moment of it."""

    def __init__(self, speed: float = SPEED) -> None:
        self._speed = speed

    def feed(self) -> ReplayFeed:
        return ReplayFeed(self._sources(SYMBOLS), start=BEGIN, speed=self._speed)

    def history(self, symbols: Sequence[str], until: int | None) -> Iterator[Tick]:
        """Ticks of these market ids shortly before `until` (epoch ms), the beginning where nothing has run yet."""
        end = BEGIN if until is None else until
        names = {bare(symbol).upper(): symbol for symbol in symbols}
        known = [name for name in SYMBOLS if name in names]
        chunks = merge([self._sources([name])[name] for name in known], end - WARM_MS, end, ROWS)
        return ticks_of(chunks, tuple(names[name] for name in known))

    def _sources(self, symbols: Sequence[str]) -> dict[str, SyntheticTicks]:
        return {symbol: SyntheticTicks(symbol, SEED, DAYS, FIRST_DAY, TICKS_PER_DAY, None) for symbol in symbols}


def strategy_folder() -> Path:
    """Where the strategies of the demo are."""
    return Path(__file__).parent / "strategies"
