"""Pieces of Python text and how they combine: operator ranks, conjunctions, names, indented blocks."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# How tightly an expression binds.
TERNARY, OR, AND, NOT, COMPARE, ADD, MUL, NEG, ATOM = range(1, 10)


@dataclass(frozen=True, slots=True)
class Code:
    """An expression. `simple` text is a name or literal, which may be repeated at no cost; `operands` are those of a chain
    of `and` or `or`, `keeps` the variable that it assigns on the way."""

    text: str
    rank: int = ATOM
    simple: bool = False
    operands: tuple[Code, ...] = ()
    keeps: str | None = None

    def at(self, rank: int) -> str:
        """The text for a place that binds with this rank."""
        return self.text if self.rank >= rank else f"({self.text})"


TRUE = Code("True", simple=True)
FALSE = Code("False", simple=True)
NONE = Code("None", simple=True)


@dataclass(frozen=True, slots=True)
class Guarded:
    """An expression that has a value only if all guards hold, which are tested before it, left to right."""

    guards: tuple[Code, ...]
    code: Code

    def or_none(self) -> Code:
        if not self.guards:
            return self.code
        return Code(f"{self.code.at(OR)} if {all_of(self.guards).at(OR)} else None", TERNARY)


def name(text: str) -> Code:
    return Code(text, simple=True)


def is_defined(text: str) -> Code:
    return Code(f"{text} is not None", COMPARE)


def all_of(codes: Iterable[Code]) -> Code:
    """Their conjunction. A test that stands already is not repeated."""
    return _chain(codes, AND, " and ", neutral=TRUE, deciding=FALSE)


def any_of(codes: Iterable[Code]) -> Code:
    return _chain(codes, OR, " or ", neutral=FALSE, deciding=TRUE)


def _chain(codes: Iterable[Code], rank: int, word: str, *, neutral: Code, deciding: Code) -> Code:
    kept: dict[str, Code] = {}
    for code in codes:
        for operand in code.operands if code.rank == rank else (code,):
            kept[operand.at(rank + 1)] = operand
    if deciding.text in kept:
        return deciding
    kept.pop(neutral.text, None)
    if len(kept) < 2:
        return next(iter(kept.values()), neutral)
    return Code(word.join(kept), rank, operands=tuple(kept.values()))


class Names:
    """Gives out Python names, each once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._numbers: dict[str, int] = {}

    def one(self, wish: str) -> str:
        """The wish made a valid name, with a number where it is taken."""
        base = re.sub(r"\W", "_", wish, flags=re.ASCII)
        base = f"_{base}" if not base or base[0].isdigit() or keyword.iskeyword(base) else base
        given, number = base, 2
        while given in self._taken:
            given, number = f"{base}_{number}", number + 1
        self._taken.add(given)
        return given

    def numbered(self, stem: str) -> str:
        """`stem_1`, `stem_2`, …"""
        number = self._numbers.get(stem, 0) + 1
        while (given := f"{stem}_{number}") in self._taken:
            number += 1
        self._numbers[stem] = number
        self._taken.add(given)
        return given


class Block:
    """Lines of a suite."""

    def __init__(self, depth: int = 0) -> None:
        self.lines: list[str] = []
        self._depth = depth

    def add(self, line: str) -> None:
        self.lines.append("    " * self._depth + line if line else "")

    def extend(self, other: Block) -> None:
        self.lines.extend(other.lines)

    @contextmanager
    def suite(self, head: str) -> Iterator[None]:
        """Lines added inside stand under the head."""
        self.add(head)
        self._depth += 1
        length = len(self.lines)
        yield
        if len(self.lines) == length:
            self.add("pass")
        self._depth -= 1
