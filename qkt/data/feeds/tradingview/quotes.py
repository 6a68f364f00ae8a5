"""Quotes that tell only what has changed, made whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import isfinite

from qkt.core.events import Tick
from qkt.core.timeframe import MINUTE_MS

FIELDS = ("lp", "lp_time", "bid", "ask", "volume")
PRICES = ("lp", "bid", "ask")
REFINED_MS = 2_000
AHEAD_MS = 5 * MINUTE_MS  # a clock that is off is told as such, a time beyond that is no time


class QuoteBook:
    """The fields known of each symbol. `left_out` counts by reason what made no tick."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        self._fields: dict[str, dict[str, float]] = {}
        self._volumes: dict[str, float] = {}  # cumulative, as of the last tick
        self._times: dict[str, int] = {}

    def clear(self) -> None:
        """Forget all fields, so that those of two connections do not mix. Time still does not go back."""
        self._fields.clear()
        self._volumes.clear()

    def forget(self, symbol: str) -> None:
        self._fields.pop(symbol, None)
        self._volumes.pop(symbol, None)

    def update(self, symbol: str, changes: Mapping[object, object], arrived: int) -> Tick | None:
        """Take in what has changed; the tick that comes of it, None when no price was told or none is known yet.

        `arrived` is the local time (epoch ms). A tick's price is the last one, its volume what the session's has grown by
        since the tick before. Venue time comes in whole seconds: where the local clock agrees within two seconds it gives
        the rest.
        """
        fields = self._fields.setdefault(symbol, {})
        told = {name: value for name in FIELDS if (value := finite(changes.get(name))) is not None}
        if "lp_time" in told and not 0.0 < told["lp_time"] * 1000.0 < arrived + AHEAD_MS:
            del told["lp_time"]
            self.left_out["impossible times"] += 1
        fields.update(told)
        if not any(name in told for name in PRICES):
            self.left_out["no price"] += 1
            return None
        price, bid, ask = (fields.get(name) for name in PRICES)
        if price is None:
            self.left_out["last price unknown"] += 1
            return None
        if min(value for value in (price, bid, ask) if value is not None) <= 0.0:
            self.left_out["not positive"] += 1
            return None
        if bid is None or ask is None:
            bid = ask = None
        elif bid > ask:
            self.left_out["crossed"] += 1
            return None
        return Tick(symbol, self._time(symbol, arrived), price, bid, ask, self._traded(symbol))

    def _time(self, symbol: str, arrived: int) -> int:
        seconds = self._fields[symbol].get("lp_time")
        ts = arrived if seconds is None else round(seconds * 1000.0)
        if abs(arrived - ts) < REFINED_MS:
            ts = arrived
        self._times[symbol] = ts = max(ts, self._times.get(symbol, 0))
        return ts

    def _traded(self, symbol: str) -> float | None:
        total = self._fields[symbol].get("volume")
        if total is None:
            return None
        before = self._volumes.get(symbol)
        self._volumes[symbol] = total
        return total - before if before is not None and total > before else None


def finite(value: object) -> float | None:
    """A finite number, None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None
