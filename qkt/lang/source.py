"""Reading the text of a file in the language."""

from __future__ import annotations

from pathlib import Path

from qkt.core.errors import StrategyError
from qkt.lang.lexing import lex


def is_portfolio(source: str) -> bool:
    """Whether the text is a PORTFOLIO rather than a STRATEGY, by its first word."""
    return lex(source).tokens[0].kind == "PORTFOLIO"


def read_source(path: Path) -> str:
    """The text of a file. Raises StrategyError unless it is a readable file of UTF-8 text that is not empty."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as problem:
        raise StrategyError(f"cannot be read ({problem.strerror})", where=str(path), expected="a .qkt file") from None
    except UnicodeDecodeError as problem:
        raise StrategyError(f"is not UTF-8 text (byte {problem.start})", where=str(path), expected="a .qkt file") from None
    if not text.strip():
        raise StrategyError("is empty", where=str(path), expected="STRATEGY or PORTFOLIO")
    return text
