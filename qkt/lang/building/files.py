"""Rules, loops and whole files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, TypeVar

from qkt.lang import tree
from qkt.lang.building.place import Block, Place, cover, ident
from qkt.lang.lexing import Token
from qkt.lang.tree import Action, Expr, Ident, Node
from qkt.lang.walk import names_used

N = TypeVar("N", bound=Node)

# ------------------------------------------------------------------------------------------------------------------- rules


@dataclass(frozen=True, slots=True)
class _Loop(Node):
    """A FOR EACH as written. Without braces (`open`) it may also own some of the rules behind it."""

    node: tree.ForEach
    open: bool


def rule(at: Place, anchor: Token | None, condition: Expr, actions: tuple[tuple[Action, ...], bool]) -> tree.Rule:
    return tree.Rule(at.span, ident(anchor) if anchor else None, condition, *actions)


def loop(_at: Place, variable: Token, *aliases: Token) -> tuple[Ident, tuple[Ident, ...]]:
    return ident(variable), tuple(ident(alias) for alias in aliases)


def for_each(at: Place, head: tuple[Ident, tuple[Ident, ...]], rule: tree.Rule) -> _Loop:
    return _Loop(at.span, tree.ForEach(at.span, *head, (rule,)), open=True)


def for_each_braced(at: Place, head: tuple[Ident, tuple[Ident, ...]], *parts: Any) -> _Loop:
    *rules, end = parts
    if not rules:
        at.error("QKT0157", end.span, "a loop without a rule", "write WHEN … THEN … between the braces")
    return _Loop(at.span, tree.ForEach(at.span, *head, tuple(rules)), open=False)


def rules(at: Place, *items: tree.Rule | _Loop) -> Block:
    return Block("RULES", at.first.span, items)


def _with_their_rules(items: Iterable[Node], taken: set[str]) -> Iterator[tree.Rule | tree.ForEach]:
    """Gives every loop without braces the rules behind it that name its variable, unless that is the name of something else."""
    owner: tree.ForEach | None = None
    for item in items:
        if isinstance(item, tree.Rule) and owner is not None and owner.variable.text in names_used(item):
            owner = replace(owner, span=cover((owner.span, item.span)), rules=(*owner.rules, item))
            continue
        if owner is not None:
            yield owner
        owner = None
        match item:
            case _Loop(node=node, open=True) if node.variable.text not in taken:
                owner = node
            case _Loop(node=node):
                yield node
            case tree.Rule():
                yield item
            case _:
                pass
    if owner is not None:
        yield owner


# ------------------------------------------------------------------------------------------------------------------- files


def strategy(at: Place, header: tuple[Ident, int], *blocks: Block) -> tree.Strategy:
    _once(at, blocks, "DEFAULTS", "SYMBOLS")
    _first(at, blocks, before="DEFAULTS")
    declarations, lets, params = _declarations(blocks), _all(blocks, tree.Let), _all(blocks, tree.Param)
    taken = {d.alias.text for d in declarations} | {let.name.text for let in lets} | {param.name.text for param in params}
    return tree.Strategy(
        at.span,
        *header,
        defaults=_last(_all(blocks, tree.Defaults)),
        declarations=declarations,
        syncs=_all(blocks, tree.Synchronize),
        params=params,
        lets=lets,
        schedules=_all(blocks, tree.ScheduleClause),
        sequences=_all(blocks, tree.Sequence),
        rules=tuple(rule for block in blocks if block.word == "RULES" for rule in _with_their_rules(block.nodes, taken)),
    )


def portfolio(at: Place, header: tuple[Ident, int, Decimal | None], *blocks: Block) -> tree.Portfolio:
    _once(at, blocks, "SYMBOLS", "REGIMES", "ALLOCATE")
    _first(at, blocks)
    return tree.Portfolio(
        at.span,
        *header,
        declarations=_declarations(blocks),
        syncs=_all(blocks, tree.Synchronize),
        imports=_all(blocks, tree.Import),
        params=_all(blocks, tree.Param),
        lets=_all(blocks, tree.Let),
        regimes=_last(_all(blocks, tree.Regimes)),
        allocate=_last(_all(blocks, tree.Allocate)),
        runs=_all(blocks, tree.Run),
    )


def _all(blocks: Iterable[Block], kind: type[N]) -> tuple[N, ...]:
    return tuple(node for block in blocks for node in block.nodes if isinstance(node, kind))


def _declarations(blocks: Iterable[Block]) -> tuple[tree.Declaration, ...]:
    kinds = tree.Stream | tree.Basket | tree.EquitySeries
    return tuple(node for block in blocks for node in block.nodes if isinstance(node, kinds))


def _last(nodes: tuple[N, ...]) -> N | None:
    return nodes[-1] if nodes else None


def _once(at: Place, blocks: tuple[Block, ...], *words: str) -> None:
    seen: set[str] = set()
    for block in blocks:
        if block.word in words and block.word in seen:
            at.error("QKT0102", block.span, f"a second {block.word}", f"a file has one {block.word} block: put both together")
        seen.add(block.word)


def _first(at: Place, blocks: tuple[Block, ...], before: str = "") -> None:
    """SYMBOLS stands before everything else, except what a file may say before it."""
    earlier = ""
    for block in blocks:
        if block.word == "SYMBOLS":
            if earlier:
                at.error(
                    "QKT0103", block.span, f"SYMBOLS after {earlier}", "SYMBOLS comes before the blocks that use its streams"
                )
            return
        if block.word != before:
            earlier = block.word
