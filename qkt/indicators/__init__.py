"""Indicators, windowed aggregates and scalar functions of the language.

Numbers, candles, ticks or conditions flow in, one by one or as whole columns; numbers (or None, for Undefined) flow out,
the same bits either way. This room must not know where its inputs come from, when they are fed, or what a strategy makes
of the values; it reads no clock and knows no symbol.
"""

from qkt.indicators.functions import FUNCTIONS, FunctionSpec
from qkt.indicators.inputs import CandleColumns, CandleLike
from qkt.indicators.reference import FUNCTION_REFERENCE, INDICATOR_REFERENCE, CallReference
from qkt.indicators.registry import REGISTRY
from qkt.indicators.spec import ConstantSpec, Feed, Indicator, IndicatorSpec
from qkt.indicators.ties import same

__all__ = [
    "FUNCTIONS",
    "FUNCTION_REFERENCE",
    "INDICATOR_REFERENCE",
    "REGISTRY",
    "CallReference",
    "CandleColumns",
    "CandleLike",
    "ConstantSpec",
    "Feed",
    "FunctionSpec",
    "Indicator",
    "IndicatorSpec",
    "same",
]
