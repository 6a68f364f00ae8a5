"""What the parser could have gone on with, in words."""

from __future__ import annotations

from collections.abc import Iterable

from qkt.lang.keywords import CONTEXTUAL, RESERVED
from qkt.lang.tables import END

_WORDS = RESERVED | CONTEXTUAL
_NAMED = {
    "IDENT": "a name",
    "FIELD": "a name",
    "NUMBER": "a number",
    "DURATION": "a duration such as 15m",
    "STRING": "a text in quotes",
    "VENUE_SYMBOL": "a symbol",
    "_PERCENT_OF": "% OF",
    "AGGREGATE": "a function",
    END: "the end of the file",
}
_VALUES = """
    ( - NOT CASE TRUE FALSE NULL IDENT NUMBER DURATION STRING AGGREGATE ACCOUNT STREAK TRADES COOLDOWN POSITION
    POSITION_AVG_PRICE OPEN_ORDERS SEQUENCE NOW SYMBOL ENTRY_QTY EXIT
"""
_ACTIONS = "BUY SELL CLOSE CLOSE_ALL FLATTEN RESIZE CANCEL CANCEL_ALL LOG OCO_ENTRY LATCH"
_CLAUSES = """
    SIZING ORDER_TYPE LIMIT STOP TRAILING TIF BRACKET STOP_LOSS TAKE TAKE_PROFIT TRAILING_STOP OCO STACK STACK_AT
    ON_FILL ON_STOP ON_TP ON_CLOSE TIME_EXIT
"""
_ARITHMETIC = "+ - * / %"
_OPERATORS = _ARITHMETIC + " = == != <> < > <= >= AND OR NOT IN IS BETWEEN CROSSES"
_BLOCKS = f"DEFAULTS SYMBOLS LET PARAM SCHEDULE SEQUENCE RULES FOR IMPORT REGIMES ALLOCATE {END}"

# A group stands for all of its terminals as soon as its sign is among them.
_GROUPS = tuple(
    (sign, frozenset(terminals.split()), text)
    for sign, terminals, text in (
        ("CASE", _VALUES, "an expression"),
        ("OCO_ENTRY", _ACTIONS, "an action (BUY, SELL, CLOSE, …)"),
        ("ON_FILL", _CLAUSES, "another clause of the entry"),
        ("TAKE_PROFIT", "STOP STOP_LOSS TAKE TAKE_PROFIT TRAILING_STOP", "STOP LOSS, TAKE PROFIT"),
        (
            "SYDNEY",
            "UTC NY LONDON TOKYO SYDNEY CHICAGO BROKER",
            "a time zone (UTC, NY, LONDON, TOKYO, SYDNEY, CHICAGO, BROKER)",
        ),
        ("CROSSES", _OPERATORS, "an operator"),
        ("*", _ARITHMETIC, "an operator"),
        ("LET", _BLOCKS, "the next block"),
    )
)
_MOST = 7


def words_of(expected: Iterable[str]) -> list[str]:
    """The words of the language among the terminals."""
    return sorted(terminal for terminal in expected if terminal in _WORDS)


def describe(expected: Iterable[str]) -> str:
    """`THEN or an operator`."""
    left = set(expected)
    shown: list[str] = []
    for sign, group, text in _GROUPS:
        if sign in left:
            left -= group
            shown.append(text)
    single = [_NAMED.get(t, t if t in _WORDS else f"'{t}'") for t in sorted(left, key=_order)]
    shown = [*dict.fromkeys(single), *dict.fromkeys(shown)]
    if len(shown) > _MOST:
        shown = [*shown[: _MOST - 1], "…"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def _order(terminal: str) -> tuple[bool, str]:
    """Words first, then punctuation and kinds of values."""
    return terminal not in _WORDS, terminal
