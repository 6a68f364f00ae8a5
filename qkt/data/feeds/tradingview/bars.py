"""Bars of the past, to warm up on."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

import numpy as np

from qkt.core.clock import Clock, SystemClock
from qkt.core.errors import DataError, UsageError
from qkt.core.timeframe import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, WEEK_MS
from qkt.data.feeds.timer import SystemTimer, Timer, within
from qkt.data.feeds.tradingview.frames import Message
from qkt.data.feeds.tradingview.quotes import finite
from qkt.data.feeds.tradingview.settings import TradingViewSettings
from qkt.data.feeds.tradingview.wire import Wire, WireError, open_wire, session_name
from qkt.data.tables import BarTable

RESOLUTIONS = {
    **{n * SECOND_MS: f"{n}S" for n in (1, 5, 15, 30)},
    **{n * MINUTE_MS: str(n) for n in (1, 5, 15, 30)},
    **{n * HOUR_MS: str(60 * n) for n in (1, 4)},
    DAY_MS: "1D",
    WEEK_MS: "1W",
}
TIME_LIMIT = 30.0
MOST = 20_000
SERIES, SYMBOL, TURN = "sds_1", "symbol_1", "s1"

# Open, high, low, close, volume (NaN where the market tells none), by start in epoch ms.
Bars = dict[int, tuple[float, float, float, float, float]]


async def fetch_bars(
    symbol: str,
    duration: int,
    start: int,
    end: int | None = None,
    *,
    settings: TradingViewSettings | None = None,
    clock: Clock | None = None,
    timer: Timer | None = None,
    seed: int | None = None,
) -> BarTable:
    """Closed bars of `duration` ms that begin in [start, end), epoch ms, as far back as TradingView has them.

    Raises UsageError for a symbol or a duration that it does not have, and for more than 20,000 bars; DataError when it
    refuses or does not answer in 30 s.
    """
    settings, clock, timer = settings or TradingViewSettings(), clock or SystemClock(), timer or SystemTimer()
    name = settings.name_of(symbol)
    if duration not in RESOLUTIONS:
        known = ", ".join(f"{known // 1000} s" for known in sorted(RESOLUTIONS))
        raise UsageError(f"TradingView has no bars of {duration / 1000:g} s", where=symbol, expected=f"one of {known}")
    if (clock.now() - start) // duration > MOST:
        raise UsageError(f"more than {MOST:,} bars are too many", where=symbol, remedy="begin later, or ask for longer bars")
    request = _Request(name, duration, start, clock.now(), session_name("cs", Random(seed)))
    try:
        await within(timer, TIME_LIMIT, lambda: request.run(settings, timer))
    except TimeoutError:
        raise DataError(f"TradingView did not send the bars within {TIME_LIMIT:g} s", where=symbol) from None
    except WireError as problem:
        raise DataError(f"TradingView did not send the bars: {problem}", where=symbol) from None
    return request.table(end)


class _Request:
    """One chart session: bars come newest first in blocks, until the range is covered or there are no older ones."""

    def __init__(self, symbol: str, duration: int, start: int, now: int, session: str) -> None:
        self.left_out: Counter[str] = Counter()
        self._symbol = symbol
        self._duration = duration
        self._start = start
        self._now = now
        self._session = session
        self._bars: Bars = {}
        self._had = 0  # bars there were when more were last asked for

    async def run(self, settings: TradingViewSettings, timer: Timer) -> None:
        async with open_wire(settings, timer) as wire:
            session = self._session
            await wire.send("chart_create_session", session, "")
            await wire.send("switch_timezone", session, "Etc/UTC")
            asked = json.dumps({"symbol": self._symbol, "adjustment": "splits"}, separators=(",", ":"))
            await wire.send("resolve_symbol", session, SYMBOL, f"={asked}")
            resolution = RESOLUTIONS[self._duration]
            await wire.send("create_series", session, SERIES, TURN, SYMBOL, resolution, self._missing(), "")
            while not await self._take(wire, await wire.receive(settings.silence)):
                pass
            await wire.send("remove_series", session, SERIES)
            await wire.send("chart_delete_session", session)

    async def _take(self, wire: Wire, messages: list[Message]) -> bool:
        """Whether everything there is has come."""
        for message in messages:
            if message.method in ("critical_error", "protocol_error"):
                raise DataError(f"TradingView calls our protocol wrong: {_reasons(message, 0)}", where=self._symbol)
            if message.text(0) != self._session:
                continue
            if message.method in ("symbol_error", "series_error"):
                raise DataError(f"TradingView has no such bars: {_reasons(message, 2)}", where=self._symbol)
            if message.method in ("timescale_update", "du") and len(message.params) > 1:
                self._collect(message.params[1])
            if message.method == "series_completed":
                if len(self._bars) == self._had or min(self._bars) <= self._start:
                    return True
                self._had = len(self._bars)
                await wire.send("request_more_data", self._session, SERIES, self._missing())
        return False

    def _missing(self) -> int:
        """Bars between the range's start and the oldest one known."""
        return max(1, -(-(min(self._bars, default=self._now) - self._start) // self._duration))

    def _collect(self, update: object) -> None:
        series = update.get(SERIES) if isinstance(update, dict) else None
        rows = series.get("s") if isinstance(series, dict) else None
        for row in rows if isinstance(rows, list) else ():
            values = row.get("v") if isinstance(row, dict) else None
            bar = _bar(values) if isinstance(values, list) else None
            if bar is None:
                self.left_out["no bar"] += 1
            elif len(self._bars) < 2 * MOST:
                self._bars[bar[0]] = bar[1:]

    def table(self, end: int | None) -> BarTable:
        """What has come of the range, without the bar that is still running."""
        closed = self._now - self._duration
        last = closed if end is None else min(closed, end - 1)
        starts = sorted(start for start in self._bars if self._start <= start <= last)
        columns = np.array([self._bars[start] for start in starts], float).reshape(-1, 5).T
        volume = columns[4] if not np.isnan(columns[4]).all() else None
        return BarTable(np.array(starts, np.int64), self._duration, columns[0], columns[1], columns[2], columns[3], volume)


def _bar(values: list[object]) -> tuple[int, float, float, float, float, float] | None:
    """Start (epoch ms), open, high, low, close and volume; None for what cannot be a bar."""
    numbers = [finite(value) for value in values[:6]]
    known = [number for number in numbers[:5] if number is not None]
    if len(known) < 5:
        return None
    start, o, h, low, c = known
    if not (0.0 < low <= min(o, c) and max(o, c) <= h and 0.0 <= start < 1e11):
        return None
    volume = numbers[5] if len(numbers) > 5 else None
    return round(start * 1000.0), o, h, low, c, float("nan") if volume is None else volume


def _reasons(message: Message, first: int) -> str:
    return " ".join(message.text(place) for place in range(first, len(message.params))) or "no reason given"
