"""Slippage: how much worse than its quote a market order or a stop is filled, in points. Limits never slip."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Protocol

from qkt.core.bus import Scope
from qkt.core.draws import integer
from qkt.core.errors import InstrumentError, UsageError
from qkt.core.events import Candle
from qkt.core.instruments import Instrument
from qkt.core.numbers import ZERO, to_decimal
from qkt.indicators.true_range import Atr

ATR_CANDLES = 14


class SlippageModel(Protocol):
    def points(self, key: str, number: int, quantity: Decimal, instrument: Instrument, symbol: str) -> Decimal:
        """Points against the order, zero or more. `key` names the order, `number` its slice from 0, `quantity` is in lots."""
        ...


class FixedSlippage:
    """The same points for every fill; None takes the instrument's `slippage_points`."""

    def __init__(self, points: Decimal | None) -> None:
        self._points = points

    def points(self, key: str, number: int, quantity: Decimal, instrument: Instrument, symbol: str) -> Decimal:  # noqa: ARG002
        return instrument.slippage_points if self._points is None else self._points


class UniformSlippage:
    """Whole points from 0 to n, each equally likely, one draw for each slice of each order."""

    def __init__(self, n: int, seed: int) -> None:
        self._n = n
        self._seed = seed

    def points(self, key: str, number: int, quantity: Decimal, instrument: Instrument, symbol: str) -> Decimal:  # noqa: ARG002
        return Decimal(integer(self._n, self._seed, "slippage", key, number))


class ImpactSlippage:
    """The square-root law: k * ATR * sqrt(quantity / ADV).

    ATR is Wilder's average true range of the last 14 closed candles of the symbol's shortest declared timeframe; until
    there are so many the instrument's `slippage_points` stand in. ADV is the instrument's `average_daily_volume` (lots).
    """

    def __init__(self, k: float, scope: Scope) -> None:
        self._k = k
        self._ranges: dict[str, tuple[int, Atr]] = {}
        scope.subscribe(Candle, self._on_candle)

    def points(self, key: str, number: int, quantity: Decimal, instrument: Instrument, symbol: str) -> Decimal:  # noqa: ARG002
        if instrument.average_daily_volume is None:
            raise InstrumentError(
                f"the volume of {symbol} is not known and slippage depends on it",
                remedy="give average_daily_volume (lots a day) in the file of --instruments, or another --slippage",
            )
        known = self._ranges.get(symbol)
        if known is None or known[1].value is None:
            return instrument.slippage_points
        share = float(quantity / instrument.average_daily_volume)
        return to_decimal(self._k * known[1].value * math.sqrt(share) / float(instrument.point_size))

    def _on_candle(self, candle: Candle) -> None:
        duration = candle.end - candle.start
        known = self._ranges.get(candle.symbol)
        if known is None or duration < known[0]:
            known = self._ranges[candle.symbol] = (duration, Atr(ATR_CANDLES))
        if duration == known[0]:
            known[1].update(candle)


def parse_slippage(text: str) -> tuple[str, Decimal]:
    """The model and its number: `instrument`, `none`, points `3`, a range `0..20`, `impact:0.5`. Raises UsageError."""
    if text in ("instrument", "none"):
        return text, ZERO
    kind, number = "fixed", text
    for prefix, name in (("impact:", "impact"), ("0..", "uniform")):
        if text.startswith(prefix):
            kind, number = name, text.removeprefix(prefix)
    try:
        value = Decimal(number)
    except ArithmeticError:
        value = Decimal(-1)
    whole = kind != "uniform" or number.isdecimal()
    if not (value.is_finite() and value >= 0 and whole):
        raise UsageError(
            f"the slippage '{text}' cannot be understood",
            expected="instrument, none, points such as 3, a range such as 0..20, or impact:K",
        )
    return kind, value


def slippage_model(text: str, seed: int, scope: Scope) -> SlippageModel:
    """The model that a text names."""
    kind, number = parse_slippage(text)
    if kind == "impact":
        return ImpactSlippage(float(number), scope)
    if kind == "uniform":
        return UniformSlippage(int(number), seed)
    return FixedSlippage(None if kind == "instrument" else number)
