"""`qkt fmt`: a file in its canonical form. The same tree, one spelling, comments kept.

Blocks come in the order of the published language, all LETs in one of them; a rule is a WHEN line and a THEN line; what does
not fit into a line goes on below, indented. Comments stay with what they stand before or behind; one from the middle of a
rule moves above it. Blank lines between the parts of a block stay, one at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

from qkt.core.errors import StrategyError
from qkt.lang import spelling, tree
from qkt.lang.comments import Comments
from qkt.lang.diagnostics import Diagnostic, LanguageError
from qkt.lang.layout import INDENT, Lines, action_lines, condition_lines, indented, rule_lines
from qkt.lang.lexing import Token
from qkt.lang.parser import parse
from qkt.lang.spelling import expression
from qkt.lang.tree import Node
from qkt.lang.walk import names_used, same

N = TypeVar("N", bound=Node)


def format_source(source: str, path: str = "<text>") -> str:
    """The canonical form of a text, which has the same tree and the same comments.

    Raises LanguageError for a text with errors of grammar, StrategyError if the canonical form would mean something else.
    """
    source = source.replace("\r\n", "\n")
    result = parse(source, path)
    if result.file is None or any(p.severity == "error" for p in result.problems):
        raise LanguageError(path, source, result.problems)
    try:
        text = _Formatter(result.file, Comments(source, result.lexed, _parts(result.file))).run()
    except RecursionError:
        deep = Diagnostic("QKT0310", "error", result.file.name.span, "this file is nested too deeply to be formatted")
        raise LanguageError(path, source, [deep]) from None
    again = parse(text)
    if not (same(again.file, result.file) and _texts(again.lexed.comments) == _texts(result.lexed.comments)):
        raise StrategyError("is left as it is, since its canonical form would mean something else", where=path)
    return text


def _texts(comments: Sequence[Token]) -> list[str]:
    return sorted(comment.text for comment in comments)


class _Formatter:
    def __init__(self, file: tree.File, comments: Comments) -> None:
        self._file = file
        self._comments = comments
        rules = file.rules if isinstance(file, tree.Strategy) else ()
        # without braces, a rule behind a loop that names its variable would become a part of it
        self._needs_braces = {
            id(loop)
            for loop, rule in pairwise(rules)
            if isinstance(loop, tree.ForEach) and isinstance(rule, tree.Rule) and loop.variable.text in names_used(rule)
        }

    def run(self) -> str:
        blocks = self._strategy(self._file) if isinstance(self._file, tree.Strategy) else self._portfolio(self._file)
        shown = ["\n".join(_squeezed(block)) for block in (*blocks, self._comments.tail)]
        return "\n\n".join(block for block in shown if block) + "\n"

    # ----------------------------------------------------------------------------------------------------- kinds of files

    def _strategy(self, file: tree.Strategy) -> Iterator[Lines]:
        yield self._part(file.name, [f"STRATEGY {file.name.text} VERSION {file.version}"])
        if file.defaults is not None:
            yield self._part(file.defaults, ["DEFAULTS {", *self._defaults(file.defaults), "}"])
        yield from self._declared(file)
        yield self._block("SCHEDULE", file.schedules, _scheduled)
        for sequence in file.sequences:
            head = f"SEQUENCE {sequence.name.text} ON {sequence.alias.text} {{"
            yield self._part(sequence, [head, *self._inner(sequence.stages, _stage), "}"])
        yield self._block("RULES", file.rules, self._rule)

    def _portfolio(self, file: tree.Portfolio) -> Iterator[Lines]:
        capital = f" CAPITAL {spelling.decimal(file.capital)}" if file.capital is not None else ""
        yield self._part(file.name, [f"PORTFOLIO {file.name.text} VERSION {file.version}{capital}"])
        yield from self._declared(file)
        if file.regimes is not None:
            states = self._inner(file.regimes.states, _state)
            yield self._part(file.regimes, ["REGIMES", f"{INDENT}NAME {file.regimes.name.text}", *states])
        if file.allocate is not None:
            entries = self._inner(file.allocate.entries, _allocation)
            yield self._part(file.allocate, ["ALLOCATE", INDENT + _method(file.allocate), *entries])
        yield self._block("RULES", file.runs, lambda run: [spelling.run(run)])

    def _declared(self, file: tree.File) -> Iterator[Lines]:
        yield self._block("SYMBOLS", [*file.declarations, *file.syncs], _market)
        if isinstance(file, tree.Portfolio):
            yield self._all(file.imports, _import)
        yield self._all(file.params, lambda param: [f"PARAM {param.name.text} = {expression(param.value)}"])
        yield self._lets(file.lets)

    # -------------------------------------------------------------------------------------------------------------- parts

    def _part(self, node: Node, lines: Lines) -> Lines:
        """A part of the file with what stands above and behind it."""
        notes = self._comments.of(node)
        return [*notes.above_block, *notes.above, *lines[:-1], "  ".join([lines[-1], *notes.behind]), *notes.below]

    def _all(self, nodes: Sequence[N], spelled: Callable[[N], Lines]) -> Lines:
        return [line for node in nodes for line in self._part(node, spelled(node))]

    def _inner(self, nodes: Sequence[N], spelled: Callable[[N], Lines]) -> Lines:
        return indented(_squeezed(self._all(nodes, spelled)))

    def _block(self, word: str, nodes: Sequence[N], spelled: Callable[[N], Lines]) -> Lines:
        if not nodes:
            return []
        first = self._comments.of(nodes[0])
        opening, first.above_block = first.above_block, []
        return [*opening, word, *self._inner(nodes, spelled)]

    def _lets(self, lets: Sequence[tree.Let]) -> Lines:
        lines: Lines = []
        for let in lets:
            comma = "," if let is not lets[-1] else ""
            part = self._part(let, [f"{let.name.text} = {expression(let.value)}{comma}"])
            lines += [*part[:-1], f"LET {part[-1]}"] if let is lets[0] else indented(part)
        return lines

    def _defaults(self, node: tree.Defaults) -> Lines:
        lines: Lines = []
        for word, value in _keys(node):
            part = self._part(value, [f"{word} = {_default(value)}"])
            lines += part
        return indented(_squeezed(lines))

    def _rule(self, node: tree.Rule | tree.ForEach) -> Lines:
        if isinstance(node, tree.Rule):
            return rule_lines(node)
        head = f"FOR EACH {node.variable.text} IN [{spelling.names(node.aliases)}] DO"
        rules = self._inner(node.rules, rule_lines)
        # a comment behind the closing brace would join the one behind the rule
        crowded = self._comments.of(node).behind and self._comments.of(node.rules[-1]).behind
        if len(node.rules) == 1 and id(node) not in self._needs_braces and not crowded:
            return [head, *rules]
        return [f"{head} {{", *rules, "}"]


def _squeezed(lines: Lines) -> Lines:
    """Without blank lines at the beginning, and never two in a row."""
    return [line for before, line in pairwise(["", *lines]) if line or before]


def _parts(file: tree.File) -> Iterator[Node]:
    """Everything that begins on a line of its own in the canonical form."""
    yield file.name
    yield from (*file.declarations, *file.syncs, *file.params, *file.lets)
    if isinstance(file, tree.Strategy):
        if file.defaults is not None:
            yield file.defaults
            yield from (value for _, value in _keys(file.defaults))
        yield from file.schedules
        for sequence in file.sequences:
            yield from (sequence, *sequence.stages)
        for rule in file.rules:
            yield from (rule, *rule.rules) if isinstance(rule, tree.ForEach) else (rule,)
        return
    yield from (*file.imports, *file.runs)
    if file.regimes is not None:
        yield from (file.regimes, *file.regimes.states)
    if file.allocate is not None:
        yield from (file.allocate, *file.allocate.entries)


# ------------------------------------------------------------------------------------------------------- the lines of a part

_Default = tree.Sizing | tree.OrderType | tree.Tif | tree.StopLoss | tree.TakeProfit


def _keys(node: tree.Defaults) -> list[tuple[str, _Default]]:
    keys: list[tuple[str, _Default | None]] = [
        ("SIZING", node.sizing),
        ("ORDER_TYPE", node.order_type),
        ("TRAILING", node.trailing),
        ("TIF", node.tif),
        ("STOP_LOSS", node.stop_loss),
        ("TAKE_PROFIT", node.take_profit),
    ]
    return [(word, value) for word, value in keys if value is not None]


def _default(node: _Default) -> str:
    match node:
        case tree.Sizing():
            return spelling.sizing(node)
        case tree.OrderType():
            return spelling.order_type(node)
        case tree.Tif():
            return spelling.tif(node)
        case _:
            return spelling.protective(node)


def _market(node: tree.Declaration | tree.Synchronize) -> Lines:
    return [spelling.synchronize(node) if isinstance(node, tree.Synchronize) else spelling.declaration(node)]


def _scheduled(node: tree.ScheduleClause) -> Lines:
    head, *rest = action_lines(node.action)
    return [f"{spelling.schedule_times(node)} THEN {head}", *rest]


def _stage(node: tree.Stage) -> Lines:
    return condition_lines(f"STAGE {node.name.text}{spelling.within(node.within_ms)}: ", node.condition)


def _import(node: tree.Import) -> Lines:
    return [f"IMPORT {spelling.quoted(node.path.value)} AS {node.alias.text}{' HOLD' if node.hold else ''}"]


def _state(node: tree.RegimeState) -> Lines:
    if node.condition is None:
        return [f"STATE {node.name.text} DEFAULT"]
    return condition_lines(f"STATE {node.name.text} WHEN ", node.condition)


def _method(node: tree.Allocate) -> str:
    rebalance = f" REBALANCE EVERY {spelling.duration(node.rebalance_ms)}" if node.rebalance_ms is not None else ""
    return f"METHOD {node.method.text}{rebalance}"


def _allocation(node: tree.AllocateEntry) -> Lines:
    shares = ", ".join(f"{share.target.text} {spelling.decimal(share.weight)}" for share in node.shares)
    return [f"{node.state.text} -> {shares}"]
