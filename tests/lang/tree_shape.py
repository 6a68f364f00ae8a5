"""A syntax tree without its places, for comparing, and the law that its places obey."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from qkt.lang.tree import Node


def shape(item: object) -> Any:
    """Nodes as (class name, field values …), without spans."""
    if isinstance(item, Node):
        return (type(item).__name__, *(shape(getattr(item, field.name)) for field in fields(item) if field.name != "span"))
    if isinstance(item, tuple):
        return tuple(shape(part) for part in item)
    return item


def assert_nested(node: Node, source: str) -> None:
    """Every span lies in the text and in the span of its parent."""
    lines = source.split("\n")
    todo = [node]
    while todo:
        parent = todo.pop()
        for child in _children(parent):
            outer, inner = parent.span, child.span
            assert (outer.line, outer.column) <= (inner.line, inner.column) <= (inner.end_line, inner.end_column), child
            assert (inner.end_line, inner.end_column) <= (outer.end_line, outer.end_column), child
            assert inner.end_column <= len(lines[inner.end_line - 1]) + 1, child
            todo.append(child)


def _children(item: object) -> Iterator[Node]:
    parts = (getattr(item, field.name) for field in fields(item)) if isinstance(item, Node) else item
    for part in parts:  # type: ignore[attr-defined]
        if isinstance(part, Node):
            yield part
        elif isinstance(part, tuple):
            yield from _children(part)
