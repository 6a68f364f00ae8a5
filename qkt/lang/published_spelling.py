"""Spellings that the published parser does not read although the tree does not show them: the order of blocks, words as names,
and clauses without the word in front."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from qkt.lang import tree
from qkt.lang.codes import Problems
from qkt.lang.keywords import AGGREGATES, CONTEXTUAL, RESERVED
from qkt.lang.lexing import Token
from qkt.lang.tree import Node, Span
from qkt.lang.walk import walk

_OUR_WORDS = frozenset("INFO OVER TIME_EXIT TRAILING_STOP INCLUDING PROTECTION ORDERTYPE STOPLOSS TAKEPROFIT".split())  # noqa: SIM905
_NEVER_RESERVED = frozenset({"BOOK", "BREAKEVEN", "ENTRY", "T"})
WORDS = (RESERVED | CONTEXTUAL | AGGREGATES | {"ARROW"}) - _OUR_WORDS - _NEVER_RESERVED

_STRATEGY = ("DEFAULTS", "SYMBOLS", "PARAM", "LET", "SCHEDULE", "SEQUENCE", "RULES")
_PORTFOLIO = ("SYMBOLS", "IMPORT", "REGIMES", "ALLOCATE", "RULES")
_REPEATED = frozenset({"PARAM", "SEQUENCE", "IMPORT"})
_SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def spellings(file: tree.File, tokens: list[Token], problems: Problems) -> None:
    """Report every spelling of a sound file, read from these tokens, that is only ours."""
    known = _Known(tokens)
    for span, what in (*_order(file, tokens), *_signs(tokens), *_names(file), *known.clauses(file)):
        problems.error("QKT0602", span, f"the published parser does not read {what}")


def _order(file: tree.File, tokens: list[Token]) -> Iterator[tuple[Span, str]]:
    blocks = _STRATEGY if isinstance(file, tree.Strategy) else _PORTFOLIO
    last, seen = -1, set()
    for index, token in enumerate(tokens):
        kind = token.kind
        if kind == "FOR" and "RULES" not in seen:
            yield token.span, "FOR EACH outside RULES"
        if kind in ("LET", "PARAM") and kind not in blocks:
            yield token.span, f"{kind} in a portfolio"
        if kind not in blocks or (kind == "SEQUENCE" and tokens[index + 1].kind == "."):
            continue
        if blocks.index(kind) < last:
            yield token.span, f"{kind} behind {blocks[last]}"
        elif kind in seen and kind not in _REPEATED:
            yield token.span, f"a second {kind}"
        seen.add(kind)
        last = max(last, blocks.index(kind))


def _signs(tokens: list[Token]) -> Iterator[tuple[Span, str]]:
    depth = 0  # how many brackets are open, that of DEFAULTS included
    for before, token, after in zip([tokens[0], *tokens], tokens, [*tokens[1:], tokens[-1]], strict=False):
        word = token.text.upper()
        if token.kind in "({[":
            depth += 1 if depth or before.kind == "DEFAULTS" else 0
        elif token.kind in ")}]":
            depth -= 1 if depth else 0
        elif token.kind == "," and depth == 1:
            yield token.span, "commas in DEFAULTS"
        elif word == "INFO" and before.text.upper() == "LOG" and after.kind == "STRING":
            yield token.span, "the level INFO"
        elif word in ("STOPLOSS", "TAKEPROFIT", "ORDERTYPE") and after.kind == "=" and depth == 1:
            yield token.span, f"the key {token.text}"
        elif token.kind in ("CLOSE_ALL", "FLATTEN") and after.kind in ("IDENT", "WORD"):
            yield after.span, f"a stream behind {word}"
        elif token.kind == "DURATION" and token.text.endswith("w"):
            yield token.span, "weeks"


def _names(file: tree.File) -> Iterator[tuple[Span, str]]:
    for node in walk(file):
        for ident in _declared(node):
            if ident.text.upper() in WORDS:
                yield ident.span, f"'{ident.text}' as a name"
        if isinstance(node, tree.Stream):
            odd = next(
                (part for part in (node.prefix, node.symbol) if not _SYMBOL.fullmatch(part) or part.upper() in WORDS), None
            )
            if odd is not None:
                yield node.span, f"'{odd}' in a symbol"
        if isinstance(node, tree.Stream | tree.Basket | tree.EquitySeries) and node.timeframe.text.endswith("w"):
            yield node.timeframe.span, "weeks"
        if isinstance(node, tree.Let) and any(isinstance(inner, tree.Crosses) for inner in walk(node.value)):
            yield node.span, "CROSSES in a LET"


def _declared(node: Node) -> Iterator[tree.Ident]:
    match node:
        case tree.Stream(alias=name) | tree.Basket(alias=name) | tree.EquitySeries(alias=name) | tree.Import(alias=name):
            yield name
        case tree.Let(name=name) | tree.Param(name=name) | tree.Sequence(name=name) | tree.Stage(name=name):
            yield name
        case tree.Portfolio(name=name) | tree.RegimeState(name=name) | tree.ForEach(variable=name):
            yield name
        case tree.Log(fields=fields):
            yield from (name for name, _ in fields)
        case _:
            pass


class _Known:
    """Asks of nodes which words stand at and before their beginning."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._starts = [(token.span.line, token.span.column) for token in tokens]

    def _at(self, node: Node, back: int = 0) -> str:
        index = bisect_left(self._starts, (node.span.line, node.span.column)) - back
        return self._tokens[index].text.upper() if index >= 0 else ""

    def clauses(self, file: tree.File) -> Iterator[tuple[Span, str]]:
        for node in walk(file):
            match node:
                case tree.Entry(order_type=tree.OrderType() as order) if self._at(order, 1) != "=":
                    yield order.span, "an order type without ORDER_TYPE ="
                case tree.ForEach(aliases=(first, *_)) if self._at(first, 1) != "[":
                    yield first.span, "a list of FOR EACH without brackets"
                case tree.Sizing(form="units", value=tree.Arithmetic()) if self._at(node) == "POSITION":
                    yield node.span, "arithmetic that begins with POSITION in SIZING"
                case tree.Defaults():
                    yield from self._distances(node)
                case _:
                    pass
            if isinstance(node, tree.Entry) and node.bracket is not None and self._at(node.bracket, 1) not in ("{", ","):
                yield node.bracket.span, "protection outside of BRACKET"

    def _distances(self, node: tree.Defaults) -> Iterator[tuple[Span, str]]:
        for exit_price in (node.stop_loss, node.take_profit):
            if isinstance(exit_price, tree.Exit) and self._at(exit_price) not in ("AT", "BY", "PCT", "RR"):
                yield exit_price.span, "a distance without BY"
