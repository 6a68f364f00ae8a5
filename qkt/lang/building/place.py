"""What the functions that build the tree share: the place they build at, and the checks on single tokens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from qkt.lang.diagnostics import Diagnostic
from qkt.lang.lexing import UNITS, Token
from qkt.lang.tree import Bracket, Ident, Node, Span

_LARGEST_WHOLE = 2**31 - 1


class Place:
    """Where a node is being made; every building function gets it first. `span` covers all tokens of the node, `first` is the
    first of them, `next` the token that follows. Valid until the function returns."""

    __slots__ = ("first", "next", "problems", "span")

    def __init__(self, token: Token) -> None:
        self.first = self.next = token
        self.span = token.span
        self.problems: list[Diagnostic] = []

    def error(self, code: str, span: Span, message: str, hint: str | None = None) -> None:
        self.problems.append(Diagnostic(code, "error", span, message, hint))

    def warning(self, code: str, span: Span, message: str, hint: str | None = None) -> None:
        self.problems.append(Diagnostic(code, "warning", span, message, hint))


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of an action that may stand in any order: `key` is its word."""

    key: str
    value: object
    span: Span


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a file: its first word, where that stands, and the nodes it declares."""

    word: str
    span: Span
    nodes: tuple[Node, ...]


def ident(token: Token) -> Ident:
    return Ident(token.span, token.text)


def cover(spans: Iterable[Span]) -> Span:
    """The smallest span around all."""
    spans = list(spans)
    first = min(spans, key=lambda s: (s.line, s.column))
    last = max(spans, key=lambda s: (s.end_line, s.end_column))
    return Span(first.line, first.column, last.end_line, last.end_column)


def make_bracket(legs: Iterable[Clause]) -> Bracket:
    """One node of the legs of a BRACKET or of bare protective clauses. Of legs of one kind the last one counts."""
    legs = tuple(legs)
    prices: dict[str, Any] = {leg.key: leg.value for leg in legs}
    span = cover(leg.span for leg in legs)
    return Bracket(span, stop_loss=prices.get("STOP LOSS"), take_profit=prices.get("TAKE PROFIT"))


def whole(at: Place, token: Token, what: str, least: int, code: str = "QKT0110") -> int:
    """A whole number of at least `least`, or an error at the token."""
    if token.text.isdigit() and least <= int(token.text) <= _LARGEST_WHOLE:
        return int(token.text)
    at.error(code, token.span, f"{what} must be a whole number, {least} or more, not {token.text}")
    return least


def milliseconds(at: Place, token: Token) -> int:
    """The value of a duration token."""
    ms = int(token.text[:-1]) * UNITS[token.text[-1]]
    if ms == 0:
        at.error("QKT0111", token.span, "a duration of zero", "durations are longer than zero, such as 15m or 2h")
    return ms
