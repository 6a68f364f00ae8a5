"""Which comment belongs to what, for a formatter that lays out the rest anew."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from qkt.lang.keywords import RESUMING
from qkt.lang.lexing import Lexed, Token
from qkt.lang.tree import Node

_Point = tuple[int, int]


@dataclass(slots=True)
class Notes:
    """What stands around a node: lines above the word that opens its block, lines directly above it (empty ones where the
    source has them), comments behind it on its last line, and those below it, which the header of a file has."""

    above_block: list[str] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Unit:
    node: Node
    start: _Point
    end: _Point

    def holds(self, other: _Unit) -> bool:
        return other is not self and self.start <= other.start and other.end <= self.end


class Comments:
    """Gives every comment to one of `nodes`, the things that begin on lines of their own; `tail` has those behind the last."""

    def __init__(self, source: str, lexed: Lexed, nodes: Iterable[Node]) -> None:
        self.tail: list[str] = []
        self._lines = source.split("\n")
        self._starts = [_start(token) for token in lexed.tokens]
        self._tokens = lexed.tokens
        self._notes: defaultdict[int, Notes] = defaultdict(Notes)
        units = (_Unit(n, self._beginning(n), (n.span.end_line, n.span.end_column)) for n in nodes)
        self._units = sorted(units, key=lambda unit: (unit.start, -unit.end[0], -unit.end[1]))
        self._units[0] = replace(self._units[0], start=self._starts[0])  # the header, whose node is the name in it
        for comment in lexed.comments:
            self._give(comment)
        for unit in self._units:
            if self._blank_above(unit.start[0]) and self._leads_its_line(unit):
                self._notes[id(unit.node)].above.append("")

    def of(self, node: Node) -> Notes:
        return self._notes[id(node)]

    def _give(self, comment: Token) -> None:
        at = _start(comment)
        around = next((unit for unit in reversed(self._units) if unit.start < at < unit.end), None)
        inside = [unit for unit in self._units if around is None or around.holds(unit)]
        before = max((unit for unit in inside if unit.end <= at), key=lambda unit: unit.end, default=None)
        after = next((unit for unit in inside if unit.start > at), None)
        if before is not None and before.end[0] == at[0] and (after is None or after.start[0] > at[0]):
            self._notes[id(before.node)].behind.append(comment.text)
            return
        if before is self._units[0] and self._below_the_header(comment):
            self._notes[id(before.node)].below.append(comment.text)
            return
        lines = [*([""] if self._blank_above(at[0]) else []), comment.text]
        if after is None and around is None:
            self.tail += lines
        elif after is None:
            assert around is not None
            self._notes[id(around.node)].above += lines
        elif self._opened_behind(at, after):
            self._notes[id(after.node)].above_block += lines
        else:
            self._notes[id(after.node)].above += lines

    def _below_the_header(self, comment: Token) -> bool:
        """Whether a comment directly follows the header's last number, and an empty line parts it from what comes next."""
        index = bisect_left(self._starts, _start(comment))
        last, following = self._tokens[index - 1], self._tokens[index]
        between = self._lines[last.span.end_line : comment.span.line - 1]
        until_next = self._lines[comment.span.end_line : following.span.line - 1]
        return last.kind == "NUMBER" and all(map(str.strip, between)) and not all(map(str.strip, until_next))

    def _beginning(self, node: Node) -> _Point:
        """Where the part begins: a clause of DEFAULTS, whose node is its value, with its key, the first LET with its word."""
        index = bisect_left(self._starts, (node.span.line, node.span.column))
        before = self._tokens[index - 1].kind if index else ""
        return self._starts[index - {"=": 2, "LET": 1}.get(before, 0)]

    def _opened_behind(self, at: _Point, unit: _Unit) -> bool:
        """Whether the word that opens the unit's block stands between a comment and the unit."""
        index = bisect_right(self._starts, unit.start) - 2
        return index >= 0 and self._tokens[index].kind in RESUMING and self._starts[index] > at

    def _blank_above(self, line: int) -> bool:
        return line >= 2 and not self._lines[line - 2].strip()

    def _leads_its_line(self, unit: _Unit) -> bool:
        return not self._lines[unit.start[0] - 1][: unit.start[1] - 1].strip()


def _start(token: Token) -> _Point:
    return token.span.line, token.span.column
