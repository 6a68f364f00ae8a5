"""Half the spread that is paid where the data has no quotes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from qkt.brokers.quotes import QuoteBoard
from qkt.core.errors import UsageError
from qkt.core.instruments import Instrument
from qkt.core.numbers import ZERO, exact, to_decimal
from qkt.core.timeframe import DAY_MS, MINUTE_MS

HALF = Decimal("0.5")


class SpreadModel(Protocol):
    def half(self, symbol: str, ts: int, instrument: Instrument) -> Decimal:
        """Price units that a market order pays on top of the price at `ts` (epoch ms)."""
        ...


class InstrumentSpread:
    """The instrument's `spread_points`."""

    def half(self, symbol: str, ts: int, instrument: Instrument) -> Decimal:  # noqa: ARG002
        return exact(instrument.spread_points, instrument.point_size, HALF)


class DailySpread:
    """Points by time of day. An entry (minutes after midnight UTC, points) holds until the next, the last over midnight."""

    def __init__(self, table: Sequence[tuple[int, Decimal]]) -> None:
        self._minutes = [minute for minute, _ in table]
        self._points = [points for _, points in table]

    def half(self, symbol: str, ts: int, instrument: Instrument) -> Decimal:  # noqa: ARG002
        minute = ts % DAY_MS // MINUTE_MS
        points = self._points[bisect_right(self._minutes, minute) - 1]
        return exact(points, instrument.point_size, HALF)


class ObservedSpread:
    """The last spread that the data quoted for the symbol, the instrument's until there was one."""

    def __init__(self, board: QuoteBoard) -> None:
        self._board = board
        self._otherwise = InstrumentSpread()

    def half(self, symbol: str, ts: int, instrument: Instrument) -> Decimal:
        spread = self._board.spread(symbol)
        if spread is None:
            return self._otherwise.half(symbol, ts, instrument)
        return exact(to_decimal(spread), HALF)


def spread_model(text: str, board: QuoteBoard) -> SpreadModel:
    """The model that a text names; see `parse_spread`."""
    table = parse_spread(text)
    if table is not None:
        return DailySpread(table)
    return ObservedSpread(board) if text == "observed" else InstrumentSpread()


def parse_spread(text: str) -> list[tuple[int, Decimal]] | None:
    """Minutes after midnight and points of `00:00=30,07:00=12` or of one number for the whole day; None for the models
    `instrument` and `observed`. Raises UsageError for anything else."""
    if text in ("instrument", "observed"):
        return None
    table = []
    for entry in text.split(","):
        clock, equals, points = entry.rpartition("=")
        table.append((_minute(clock, text) if equals else 0, _points(points, text)))
    minutes = [minute for minute, _ in table]
    if minutes != sorted(set(minutes)):
        raise _unknown(text)
    return table


def _minute(clock: str, text: str) -> int:
    hours, colon, minutes = clock.strip().partition(":")
    if not (colon and hours.isdigit() and minutes.isdigit() and int(hours) < 24 and int(minutes) < 60):
        raise _unknown(text)
    return int(hours) * 60 + int(minutes)


def _points(points: str, text: str) -> Decimal:
    try:
        value = Decimal(points.strip())
    except ArithmeticError:
        raise _unknown(text) from None
    if not value.is_finite() or value < ZERO:
        raise _unknown(text)
    return value


def _unknown(text: str) -> UsageError:
    return UsageError(
        f"the spread '{text}' cannot be understood",
        expected="instrument, observed, a number of points, or points by time of day (UTC, rising) such as 00:00=30,07:00=12",
    )
