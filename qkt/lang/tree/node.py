"""What every node has: its place in the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Span(NamedTuple):
    """Where a piece of text stands: 1-based lines and columns, the end exclusive. Every character is one column."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Node:
    span: Span


@dataclass(frozen=True, slots=True)
class Ident(Node):
    """A name in a declaring or referring place."""

    text: str
