"""Going through a syntax tree, whatever its nodes are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from functools import cache
from typing import Any

from qkt.lang import tree
from qkt.lang.tree import Node


def walk(item: object) -> Iterator[Node]:
    """The node and everything below it, in the order of the text as far as the fields follow it."""
    todo: list[object] = [item]
    while todo:
        current = todo.pop()
        if isinstance(current, Node):
            yield current
            kind: Any = type(current)
            todo.extend([getattr(current, name) for name in _children(kind)])
        elif isinstance(current, tuple):
            todo.extend(reversed(current))


def same(first: object, second: object) -> bool:
    """Whether two trees are alike but for their places in a text and for clauses that a later one of their kind overrules."""
    todo = [(first, second)]
    while todo:
        a, b = todo.pop()
        if type(a) is not type(b):
            return False
        if isinstance(a, Node):
            names = [field.name for field in fields(a) if field.name not in ("span", "duplicates")]
            todo.extend((getattr(a, name), getattr(b, name)) for name in names)
        elif isinstance(a, tuple) and isinstance(b, tuple):
            if len(a) != len(b):
                return False
            todo.extend(zip(a, b, strict=True))
        elif a != b:
            return False
    return True


@cache
def _children(kind: type[Node]) -> tuple[str, ...]:
    """The fields of a kind of node that may hold nodes, the last one first."""
    return tuple(field.name for field in reversed(fields(kind)) if field.name != "span")


def streams_mentioned(item: object) -> Iterator[tree.Ident]:
    """Every name that stands where a stream's alias stands, except bare names and state accessors other than POSITION."""
    for node in walk(item):
        alias = _stream_at(node)
        if alias is not None:
            yield alias


def _stream_at(node: Node) -> tree.Ident | None:
    match node:
        case tree.Field(owner=alias) | tree.Position(alias=alias):
            return alias
        case tree.Entry() | tree.Close() | tree.Resize() | tree.Cancel() | tree.Latch():
            return node.alias
        case _:
            return None


def names_used(item: object) -> Iterator[str]:
    """Every name that may refer to a LET, a PARAM or a stream, wherever it stands."""
    for node in walk(item):
        alias = _stream_at(node)
        if alias is not None:
            yield alias.text
            continue
        match node:
            case tree.Name(name=name):
                yield name
            case tree.Snapshot(name=ident) | tree.OpenOrders(alias=ident) | tree.Sequence(alias=ident):
                yield ident.text
            case tree.LatchEntry(on=tree.Ident(text=name)) | tree.Rule(anchor=tree.Ident(text=name)):
                yield name
            case tree.ForEach(aliases=many) | tree.Basket(members=many) | tree.Synchronize(members=many):
                yield from (ident.text for ident in many)
            case _:
                pass


def operands(node: tree.Expr) -> Iterable[tree.Expr]:
    """The expressions that one is directly made of, in the order of the text."""
    match node:
        case tree.LookBack() | tree.Negate() | tree.Not() | tree.IsNull() | tree.Over() | tree.Since():
            return (node.value,)
        case tree.Arithmetic() | tree.Logic() | tree.Compare() | tree.Crosses():
            return (node.left, node.right)
        case tree.Between():
            return (node.value, node.low, node.high)
        case tree.In():
            return (node.value, *node.members)
        case tree.Case():
            branches = [part for branch in node.branches for part in branch]
            return branches if node.otherwise is None else [*branches, node.otherwise]
        case tree.Call():
            return node.args
        case _:
            return ()
