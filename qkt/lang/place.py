"""Where an expression stands, which decides what its names mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, TypeAlias

from qkt.lang import tree
from qkt.lang.values import Expression

ClauseWord: TypeAlias = Literal["entry", "ENTRY_QTY", "EXIT"]


@dataclass(frozen=True, slots=True)
class Place:
    """`kind` tells what the expression is part of. Conditions (of rules and stages) may hold snapshots and aggregates, and so
    may LETs as long as nothing has used them; actions, gates of a portfolio and what is sampled for a `snapshot` may not.

    `unit` numbers what is evaluated as a whole: one rule's condition or one rule's actions. `anchor` is the alias whose
    closes evaluate it. `loop` maps the FOR EACH variable to its alias, `symbol` is the stream of SYMBOL in DEFAULTS.
    `series` is the alias that feeds the indicator whose argument this is, and `sampled` tells that it is an aggregate
    rather than an indicator. `conditional` marks the bodies of CASE, which
    are not evaluated every time. `past` counts the bars of enclosing look-backs. `scanned` tells whether indicators here
    count for warm-up. `entry` is what the word `entry` stands for, `knows` are words that have a meaning only here.
    """

    kind: Literal["condition", "action", "let", "gate", "snapshot"]
    unit: int
    anchor: str | None
    loop: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    symbol: str | None = None
    in_defaults: bool = False
    series: str | None = None
    conditional: bool = False
    past: int = 0
    scanned: bool = True
    entry: Expression | None = None
    knows: frozenset[ClauseWord] = frozenset()
    sampled: bool = False

    def inside_let(self) -> Place:
        """The same place as seen by a LET: loop variables and SYMBOL are not visible there."""
        return replace(self, loop=MappingProxyType({}), symbol=None, in_defaults=False, entry=None, knows=frozenset())

    def knowing(self, word: ClauseWord | None) -> Place:
        """The same place inside a clause that gives the word a meaning."""
        return self if word is None else replace(self, knows=self.knows | {word})

    def inside_series(self, alias: str) -> Place:
        return replace(self, series=alias, conditional=False, sampled=False)

    def inside_aggregate(self, alias: str) -> Place:
        return replace(self, series=alias, conditional=False, sampled=True)

    def inside_snapshot(self) -> Place:
        return replace(self.inside_let(), kind="snapshot", conditional=True)

    def inside_case(self) -> Place:
        return replace(self, conditional=True)

    def further_back(self, bars: int) -> Place:
        return replace(self, past=self.past + bars)

    def alias_of(self, ident: tree.Ident) -> str:
        """The alias that a name in the place of a stream means."""
        return self.loop.get(ident.text, ident.text)
