"""Writes docs/language/indicators.md from the catalogue: python docs/make_indicators.py

The page is committed; a test fails when it is not what this script gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from qkt.indicators.reference import FUNCTION_REFERENCE, INDICATOR_REFERENCE, CallReference

PAGE = Path(__file__).parent / "language" / "indicators.md"

INTRODUCTION = """# Indicators, windows and functions

This page is written by `docs/make_indicators.py` out of the catalogue that the engine itself uses. Do not edit it by hand.

A call is written `name(series, constants)`. Names may be written in any case; no constant has a default. The series is

- a **number**: a price field (`x.close`, `x.hlc3`), another call, or any arithmetic that mentions a stream;
- a **stream** (`x`, or `x.candle`), for indicators that read whole candles;
- **x.tick**, for indicators that every tick feeds. A strategy with one of them asks for every tick, which a back-test then
  walks one by one;
- a **condition**, such as `x.close > x.open`.

Constants are plain numbers, or a PARAM or LET that is one.

A call takes one input for each closed candle of its *first* stream, whether or not a rule reads it. Where an input is
Undefined nothing is fed and the value stays. The value is Undefined until *ready*; rules wait for the *warm-up* of all calls
on the streams that they mention, nested calls side by side. `call[n]` is the value n candles ago.

Everything is computed in 64-bit floats and not rounded. Window sums are kept exactly, so they do not drift however long a
session runs. *Flat* means that the smallest and the largest value of a window are the same number but for the noise of
floats (1e-10 of it): a market that stands still has no deviation. In the formulas `x` is an input, `o h l c v` are the fields
of a candle, Σ runs over the last n inputs with the current one included, and Wilder's average is A = A + (x - A)/n, seeded
with the mean of the first n.
"""

GROUPS: dict[str, tuple[str, ...]] = {
    "Averages": ("SMA", "EMA", "WMA", "DEMA", "TEMA", "HMA"),
    "Momentum": ("RSI", "MACD", "MACD_SIGNAL", "MACD_HIST", "ER", "LAG", "RUNLENGTH", "RUNLENGTH_WHERE"),
    "Spread and position": (
        *("STDDEV", "VARIANCE", "ZSCORE", "BOLLINGER_UPPER", "BOLLINGER_MIDDLE", "BOLLINGER_LOWER", "PERCENTILE_RANK"),
        *("REGRESSION_SLOPE", "VARIANCE_RATIO", "SKEW", "HIGHEST", "LOWEST"),
    ),
    "Several series": ("CORRELATION", "BETA", "RESID", "CONFIRM_RATIO"),
    "Windows": ("SUM", "AVG", "COUNT", "MIN_OVER", "MAX_OVER"),
    "Candles": (
        *("ATR", "KELTNER_UPPER", "KELTNER_MIDDLE", "KELTNER_LOWER", "PLUS_DI", "MINUS_DI", "ADX", "STOCH_K", "STOCH_D"),
        *("WILLIAMS_R", "CCI", "OBV", "FAILED_BREAK_HIGH", "FAILED_BREAK_LOW"),
    ),
    "Volume-weighted prices": ("VWAP", "VWAP_SESSION", "VWAP_SESSION_STDEV"),
    "The clock": (
        *("SESSION_RANGE_HIGH", "SESSION_RANGE_LOW", "PIVOT_P", "PIVOT_R1", "PIVOT_S1", "IB_DEFENDED_HIGH", "IB_DEFENDED_LOW"),
        *("SESSION_MOMENTUM", "SEASONAL_RANGE", "SEASONAL_RANGE_STDEV", "ANCHORED_RETURN"),
        *("REOPEN_GAP", "REOPEN_GAP_ORIGIN", "GAP_FILL_FRACTION"),
    ),
}
NOTES = {
    "Momentum": "The slow period of `macd` is longer than the fast one.",
    "Spread and position": "The window n of `variance_ratio` is longer than its step k.",
    "Several series": (
        "The first series decides when an input is taken; all series are evaluated together. Later ones may be constants. "
        "`resid` takes any number of regressors and an n of at least two more than there are."
    ),
    "The clock": (
        "Boundaries are in UTC and compared with the start of a candle. A session, day or bucket counts only when its first "
        "candle starts exactly on its boundary: one that began before the data did, or in a hole, is left out. "
        "The window of `session_range_…` may wrap midnight, that of `session_momentum` may not."
    ),
}


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for title, names in GROUPS.items():
        entries = [INDICATOR_REFERENCE[name] for name in names]
        parts.append("\n".join((f"## {title}", "", *_noted(title), *_indicators(entries))) + "\n")
    parts.append("\n".join(("## Where other libraries differ", "", *_elsewhere())) + "\n")
    parts.append("\n".join(("## Functions", "", FUNCTIONS, "", *_functions())) + "\n")
    return "\n".join(parts)


FUNCTIONS = """Functions have no memory. With any argument Undefined the result is; what is not finite is Undefined too.
Rounding and remainders are decimal: a number that is not whole counts as its 12 significant digits."""


def _noted(title: str) -> Iterator[str]:
    if title in NOTES:
        yield from (NOTES[title], "")


def _indicators(entries: Iterable[CallReference]) -> Iterator[str]:
    yield from _table(
        ("call", "what it tells", "formula", "constants", "ready on input", "warm-up, bars"),
        (
            (f"`{e.signature}`{_also(e)}", _what(e), e.formula, ", ".join(e.constants) or "none", e.ready, e.warmup)
            for e in entries
        ),
    )
    sources = {e.source: e.name.lower() for e in reversed(list(entries)) if e.source}
    if sources:
        yield ""
        yield "Sources: " + "; ".join(f"{source} (`{name}`)" for source, name in reversed(sources.items())) + "."


def _also(entry: CallReference) -> str:
    return "".join(f", also `{alias}`" for alias in entry.aliases)


def _what(entry: CallReference) -> str:
    return f"{entry.meaning}; needs volume" if entry.needs_volume else entry.meaning


def _elsewhere() -> Iterator[str]:
    """One row for all calls that differ in the same way."""
    rows: dict[str, list[str]] = {}
    for names in GROUPS.values():
        for name in names:
            entry = INDICATOR_REFERENCE[name]
            if entry.elsewhere:
                rows.setdefault(entry.elsewhere, []).append(f"`{name.lower()}`")
    return _table(("call", "elsewhere"), ((", ".join(names), text) for text, names in rows.items()))


def _functions() -> Iterator[str]:
    return _table(("call", "result"), ((f"`{e.signature}`", e.meaning) for e in FUNCTION_REFERENCE.values()))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _row(head)
    yield _row(("---",) * len(head))
    yield from map(_row, rows)


def _row(cells: tuple[str, ...]) -> str:
    """A bar inside a cell would end it, also between backticks."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
