"""Invented quotes, for examples and tests. No price here was ever quoted anywhere.

A latent middle moves second by second through stretches that either drift or are pulled back to where they began; quotes
come at random times around it, more of them by day than by night, none while the market is closed. The same seed gives the
same bytes, and a symbol's days do not depend on which other symbols are made.
"""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from qkt.core.calendars import calendar_for
from qkt.core.errors import InstrumentError, UsageError
from qkt.core.instruments import InstrumentRegistry, bare
from qkt.core.timeframe import DAY_MS, HOUR_MS, SECOND_MS
from qkt.data.rows import Columns
from qkt.data.tables import Floats, Ints

FIRST_DAY = dt.date(2024, 1, 8)
SECONDS = DAY_MS // SECOND_MS
# Relative activity of the 24 UTC hours: quiet late in New York, busy when London and New York overlap.
ACTIVITY = (3, 3, 3, 3, 3, 4, 6, 9, 10, 9, 8, 8, 9, 11, 12, 12, 11, 9, 7, 6, 5, 3, 2, 2)


@dataclass(frozen=True, slots=True)
class Market:
    """How a symbol moves: first price, decimals, usual spread in points, and a day's typical move as a share of price."""

    price: float
    digits: int
    spread: int
    daily_move: float


MARKETS = {
    "EURUSD": Market(1.095, 5, 8, 0.006),
    "GBPUSD": Market(1.27, 5, 11, 0.007),
    "USDJPY": Market(145.0, 3, 9, 0.007),
    "AUDUSD": Market(0.67, 5, 9, 0.008),
    "USDCHF": Market(0.855, 5, 11, 0.006),
    "XAUUSD": Market(2040.0, 2, 18, 0.010),
    "XAGUSD": Market(23.2, 3, 16, 0.016),
    "BTCUSDT": Market(44_000.0, 2, 40, 0.030),
    "ETHUSDT": Market(2_300.0, 2, 12, 0.035),
}


def synthesize(
    symbol: str,
    days: int,
    seed: int,
    *,
    start: dt.date = FIRST_DAY,
    ticks_per_day: int = 20_000,
    price: float | None = None,
) -> Iterator[Columns]:
    """Quotes of a symbol, one block for each of `days` trading days from `start` on.

    Columns are ts, bid, ask, bid_volume and ask_volume. `price` is the first middle; it must be given for symbols that are
    not in MARKETS. Raises UsageError without it, or for counts that are not positive.
    """
    if days < 1 or ticks_per_day < 1:
        raise UsageError("a number of days and of ticks a day must be positive", where=symbol)
    market = market_of(symbol, price)
    middle, made, day = market.price, 0, start
    while made < days:
        midnight = (day - dt.date(1970, 1, 1)).days * DAY_MS
        rng = np.random.default_rng([seed, zlib.crc32(bare(symbol).encode()), day.toordinal()])
        seconds = _walk(rng, middle, market.daily_move)
        ts = _times(rng, symbol, midnight, ticks_per_day)
        # A stub such as the two hours of a Sunday belongs to the data, but is no trading day of its own.
        made += len(ts) > ticks_per_day // 4
        quoted = seconds[(ts - midnight) // SECOND_MS]
        middle = float(seconds[-1]) if len(ts) else middle
        del seconds  # whoever reads the day may take hours for it
        if len(ts):
            yield _quotes(rng, market, ts, quoted)
        day += dt.timedelta(days=1)


def market_of(symbol: str, price: float | None) -> Market:
    """How an invented symbol moves. Raises UsageError when it is not in MARKETS and has no price."""
    known = MARKETS.get(bare(symbol).upper())
    if known is not None:
        return Market(price or known.price, known.digits, known.spread, known.daily_move)
    if price is None or not price > 0.0:
        raise UsageError(
            f"no first price is known for {symbol}",
            expected=f"one of {', '.join(MARKETS)}, or a price",
            remedy=f"give one with --price {symbol}=VALUE",
        )
    try:
        digits = min(InstrumentRegistry.standard().resolve(symbol).digits, 5)
    except InstrumentError:
        digits = 5
    return Market(price, digits, max(1, round(price * 10**digits * 1e-4)), 0.01)


def _walk(rng: np.random.Generator, middle: float, daily_move: float) -> Floats:
    """The latent middle of each second of a day. Plain additions and products only: the same on every machine."""
    step = daily_move * middle / SECONDS**0.5
    noise = rng.standard_normal(SECONDS) * step
    path = np.empty(SECONDS)
    second = 0
    while second < SECONDS:
        length = int(rng.integers(1_800, 9_000))
        anchor = middle
        if rng.random() < 0.5:
            drift, pull = float(rng.choice((-1.0, 1.0))) * step * float(rng.uniform(0.01, 0.03)), 0.0
        else:
            drift, pull = 0.0, 1.0 / float(rng.uniform(200.0, 900.0))
        stretch = slice(second, second + length)
        steps = noise[stretch].tolist()  # a day of them at once takes 3 MB, and every session invents its own days
        for at, by in enumerate(steps):
            middle += drift + pull * (anchor - middle) + by
            steps[at] = middle
        path[stretch] = steps
        second += length
    return path


def _times(rng: np.random.Generator, symbol: str, midnight: int, ticks: int) -> Ints:
    """Sorted, distinct times of quotes on one day while the market is open."""
    share = np.array(ACTIVITY) / sum(ACTIVITY)
    counts = rng.poisson(share * ticks)
    hours = [hour * HOUR_MS + rng.integers(0, HOUR_MS, count) for hour, count in enumerate(counts.tolist())]
    ts: Ints = np.unique(np.concatenate(hours)) + midnight
    calendar = calendar_for(symbol)
    opened = np.array([calendar.is_open(midnight + minute * 60_000) for minute in range(24 * 60)])
    trading: Ints = ts[opened[(ts - midnight) // 60_000]]
    return trading


def _quotes(rng: np.random.Generator, market: Market, ts: Ints, middle: Floats) -> Columns:
    rows, scale = len(ts), 10**market.digits
    spread = np.maximum(1, rng.poisson(market.spread, rows))
    bid = np.maximum(1, np.floor(middle * scale - spread / 2.0))
    sizes = rng.integers(1, 60, (2, rows)) / 10.0
    return {"ts": ts, "bid": bid / scale, "ask": (bid + spread) / scale, "bid_volume": sizes[0], "ask_volume": sizes[1]}


def first_prices(texts: Mapping[str, str]) -> dict[str, float]:
    """Prices given as text, by symbol. Raises UsageError for what is no positive number."""
    prices = {}
    for symbol, text in texts.items():
        try:
            prices[symbol] = float(text)
        except ValueError:
            prices[symbol] = 0.0
        if not 0.0 < prices[symbol] < float("inf"):
            raise UsageError(f"'{text}' is no price of {symbol}", expected="a positive number")
    return prices
