"""Going through a syntax tree, whatever its nodes are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from functools import cache
from operator import attrgetter
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
            children = _children(kind)
            if children is not None:
                todo.extend(children(current))
        elif type(current) is tuple:
            todo.extend(current[::-1])


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


_PLAIN = frozenset({"str", "int", "bool", "Decimal", "Literal", "Side", "Span"})


@cache
def _children(kind: type[Node]) -> Callable[[Node], Iterable[object]] | None:
    """Takes out of a kind of node what may hold nodes, the last field first; None where nothing may."""
    names = [field.name for field in reversed(fields(kind)) if re.split(r"\W", str(field.type))[0] not in _PLAIN]
    if len(names) == 1:
        only = attrgetter(names[0])
        return lambda node: (only(node),)
    return attrgetter(*names) if names else None


def streams_mentioned(item: object) -> Iterator[tree.Ident]:
    """Every name that stands where a stream's alias stands, except bare names and state accessors other than POSITION."""
    for node in walk(item):
        alias = _STREAM_AT.get(type(node))
        if alias is not None:
            yield alias(node)


_STREAM_AT: dict[type[Node], Callable[[Any], tree.Ident]] = {
    tree.Field: attrgetter("owner"),
    **dict.fromkeys((tree.Position, tree.Entry, tree.Close, tree.Resize, tree.Cancel, tree.Latch), attrgetter("alias")),
}


def names_used(item: object) -> Iterator[str]:
    """Every name that may refer to a LET, a PARAM or a stream, wherever it stands."""
    for node in walk(item):
        held = _NAMES_IN.get(type(node))
        if held is not None:
            for name in held(node):
                if isinstance(name, tree.Ident):
                    yield name.text
                elif isinstance(name, str):
                    yield name


def _only(attribute: str) -> Callable[[Any], Iterable[object]]:
    get = attrgetter(attribute)
    return lambda node: (get(node),)


_NAMES_IN: dict[type[Node], Callable[[Any], Iterable[object]]] = {
    **dict.fromkeys(_STREAM_AT, _only("alias")),
    **dict.fromkeys((tree.Name, tree.Snapshot), _only("name")),
    **dict.fromkeys((tree.OpenOrders, tree.Sequence), _only("alias")),
    tree.Field: _only("owner"),
    tree.LatchEntry: _only("on"),
    tree.Rule: _only("anchor"),
    tree.ForEach: attrgetter("aliases"),
    **dict.fromkeys((tree.Basket, tree.Synchronize), attrgetter("members")),
}


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
