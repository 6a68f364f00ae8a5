"""Everything a reader or an editor may want to know of a call: the catalogue's signatures joined with their notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from qkt.indicators.functions import FUNCTIONS, FunctionSpec
from qkt.indicators.notes import NUMBER_NOTES
from qkt.indicators.notes_candles import CANDLE_NOTES
from qkt.indicators.registry import REGISTRY
from qkt.indicators.spec import Feed, IndicatorSpec

# Rolling extremes have a spelling of their own.
WRITTEN = {"MIN_OVER": "min(number) OVER n BARS", "MAX_OVER": "max(number) OVER n BARS"}
ALIASES = {"SMA": ("avg",)}
SERIES = {
    Feed.NUMBER: "number",
    Feed.PAIR: "two numbers",
    Feed.MULTI: "two or more numbers",
    Feed.CANDLE: "candle",
    Feed.TICK: "tick",
    Feed.CONDITION: "condition",
}
FUNCTION_NOTES: dict[str, tuple[str, str]] = {
    "ABS": ("abs(x)", "magnitude"),
    "SQRT": ("sqrt(x)", "square root; Undefined below 0"),
    "LOG": ("log(x)", "natural logarithm; Undefined at 0 and below"),
    "EXP": ("exp(x)", "e to the x; Undefined beyond the range of floats"),
    "POW": ("pow(x, y)", "x to the y; Undefined where there is no finite real result"),
    "MOD": ("mod(a, b)", "remainder with the sign of b, as in `a % b`; decimal: mod(0.3, 0.1) is 0; Undefined for b = 0"),
    "ROUND_TO": ("round_to(x, step)", "nearest multiple of the step, halves to the even multiple; Undefined for a step of 0"),
    "FLOOR": ("floor(x)", "the whole number at or below x"),
    "CEIL": ("ceil(x)", "the whole number at or above x"),
    "ROUND": ("round(x)", "the nearest whole number, halves to the even one"),
    "MIN": ("min(a, b, …)", "the smallest of two or more"),
    "MAX": ("max(a, b, …)", "the largest of two or more"),
    "RANK_OF": ("rank_of(v, w, …)", "1 and how many of the others are greater than v"),
    "NORMALIZE": (
        "normalize(v, w, …)",
        "where v stands between the smallest (0) and the largest (1) of all; 0 if all are equal",
    ),
    "SOFTMAX": ("softmax(v, w, …)", "e^v over the sum of e^… of all: a share of 1"),
    "CLAMP": ("clamp(x, lo, hi)", "x kept between lo and hi; Undefined for lo > hi"),
    "SIGN": ("sign(x)", "-1, 0 or 1"),
}


@dataclass(frozen=True, slots=True)
class CallReference:
    """One call of the language. Functions have no series, no constants and are ready at once (`ready` is empty).

    `signature` is how it is written, `meaning` and `formula` are one line each. `ready` tells the input that gives the first
    value, `warmup` the bars of the stream that rules wait for; both are expressions over the constants, or words where a
    clock decides. `elsewhere` tells how other libraries differ.
    """

    name: str
    kind: Literal["indicator", "function"]
    signature: str
    meaning: str
    formula: str = ""
    series: str = ""
    constants: tuple[str, ...] = ()
    ready: str = ""
    warmup: str = ""
    source: str = ""
    elsewhere: str = ""
    aliases: tuple[str, ...] = ()
    needs_volume: bool = False

    @property
    def hover(self) -> str:
        """What an editor shows beside the call, in a few lines of plain text."""
        lines = [self.signature, self.meaning]
        if self.formula:
            lines.append(self.formula)
        if self.ready:
            lines.append(f"first value: {self.ready_words}; warm-up: {self.warmup_words}")
        return "\n".join(lines)

    @property
    def ready_words(self) -> str:
        """Which input gives the first value."""
        return self.ready if self.ready.startswith("the ") else f"input {self.ready}"

    @property
    def warmup_words(self) -> str:
        """How many bars rules wait for."""
        return self.warmup if self.warmup.startswith("the ") else f"{self.warmup} {'bar' if self.warmup == '1' else 'bars'}"


def _indicator(spec: IndicatorSpec) -> CallReference:
    note = NUMBER_NOTES.get(spec.name) or CANDLE_NOTES[spec.name]
    return CallReference(
        name=spec.name,
        kind="indicator",
        signature=WRITTEN.get(spec.name, spec.signature),
        meaning=note.meaning,
        formula=note.formula,
        series=SERIES[spec.feed],
        constants=tuple(constant.range for constant in spec.constants),
        ready=note.ready,
        warmup=note.warmup or note.ready,
        source=note.source,
        elsewhere=note.elsewhere,
        aliases=ALIASES.get(spec.name, ()),
        needs_volume=spec.needs_volume,
    )


def _function(spec: FunctionSpec) -> CallReference:
    signature, meaning = FUNCTION_NOTES[spec.name]
    return CallReference(spec.name, "function", signature, meaning)


INDICATOR_REFERENCE: Mapping[str, CallReference] = MappingProxyType({name: _indicator(s) for name, s in REGISTRY.items()})
FUNCTION_REFERENCE: Mapping[str, CallReference] = MappingProxyType({name: _function(s) for name, s in FUNCTIONS.items()})
