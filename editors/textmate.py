"""Writes the TextMate grammar from the words of the language: `python editors/textmate.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qkt.indicators import FUNCTIONS, REGISTRY
from qkt.lang.clock_windows import CLOCK_WINDOWS
from qkt.lang.keywords import AGGREGATES, CONTEXTUAL, RESERVED

GRAMMAR = Path(__file__).parent / "vscode" / "syntaxes" / "qkt.tmLanguage.json"

OPERATORS = frozenset({"AND", "OR", "NOT", "IN", "IS", "BETWEEN", "CROSSES", "ABOVE", "BELOW"})
CONSTANTS = frozenset({"TRUE", "FALSE", "NULL"})
ACTIONS = frozenset(
    {"BUY", "SELL", "CLOSE", "CLOSE_ALL", "FLATTEN", "RESIZE", "CANCEL", "CANCEL_ALL", "LOG", "OCO_ENTRY", "LATCH", "ENTER"}
)
STATE = frozenset(
    {
        "ACCOUNT",
        "STREAK",
        "TRADES",
        "COOLDOWN",
        "POSITION",
        "POSITION_AVG_PRICE",
        "OPEN_ORDERS",
        "NOW",
        "EXIT",
        "SYMBOL",
        "ENTRY_QTY",
    }
)
KEYWORDS = (RESERVED | CONTEXTUAL | AGGREGATES | {"CASH"}) - OPERATORS - CONSTANTS - ACTIONS - STATE - {"T"}


def words(*several: frozenset[str] | set[str]) -> str:
    """Any of the words in any letter case, longest first, not behind a dot."""
    listed = sorted(set().union(*several), key=lambda word: (-len(word), word))
    return rf"(?i)(?<![\w.])(?:{'|'.join(listed)})\b"


def grammar() -> dict[str, Any]:
    """The grammar as data."""
    calls = frozenset({*FUNCTIONS, *REGISTRY, *CLOCK_WINDOWS}) - {"MIN_OVER", "MAX_OVER"}

    def rule(name: str, match: str) -> dict[str, str]:
        return {"name": f"{name}.qkt", "match": match}

    return {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "qkt",
        "scopeName": "source.qkt",
        "fileTypes": ["qkt"],
        "patterns": [
            rule("comment.line", r"(?:--|#).*$"),
            {"name": "comment.block.qkt", "begin": r"/\*", "end": r"\*/"},
            rule("string.quoted.double", r'"(?:[^"\\]|\\.)*"'),
            rule("string.quoted.single", r"'(?:[^'\\]|\\.)*'"),
            rule("constant.numeric.duration", r"\b[0-9]+(?:[smhd]|w(?![A-Za-z0-9_]))"),
            rule("constant.numeric", r"\b[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\b"),
            rule("entity.name.type.market", r"\b[A-Za-z_]\w*:(?:\"[^\"]*\"|[A-Za-z0-9_.][A-Za-z0-9_.-]*)"),
            rule("support.function", rf"{words(set(calls))}(?=\s*\()"),
            rule("variable.other.snapshot", r"@(?i:BUY|SELL|OPEN|T-[0-9]+)\b"),
            rule("constant.language", words(CONSTANTS)),
            rule("keyword.operator.word", words(OPERATORS)),
            rule("keyword.other.action", words(ACTIONS)),
            rule("support.variable", words(STATE)),
            rule("keyword.control", words(set(KEYWORDS))),
            rule("variable.other.property", r"(?<=\.)[A-Za-z_]\w*"),
            rule("keyword.operator", r"->|==|!=|<>|<=|>=|[=<>+*/%-]"),
        ],
    }


def text() -> str:
    return json.dumps(grammar(), indent=2) + "\n"


if __name__ == "__main__":
    GRAMMAR.write_text(text(), encoding="utf-8")
