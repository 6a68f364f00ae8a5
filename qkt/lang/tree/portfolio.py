"""What a portfolio consists of: its children, regimes and weights; and what a file may hold."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from qkt.lang.tree.declarations import Declaration, Let, Literal_, Param, Strategy, Synchronize
from qkt.lang.tree.expressions import Expr, Text
from qkt.lang.tree.node import Ident, Node


@dataclass(frozen=True, slots=True)
class Import(Node):
    path: Text
    alias: Ident
    hold: bool


@dataclass(frozen=True, slots=True)
class RegimeState(Node):
    """`condition` None is DEFAULT."""

    name: Ident
    condition: Expr | None


@dataclass(frozen=True, slots=True)
class Regimes(Node):
    name: Ident
    states: tuple[RegimeState, ...]


@dataclass(frozen=True, slots=True)
class Share(Node):
    """`target` is an imported alias or CASH in any case."""

    target: Ident
    weight: Decimal


@dataclass(frozen=True, slots=True)
class AllocateEntry(Node):
    state: Ident
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Allocate(Node):
    method: Ident
    rebalance_ms: int | None
    entries: tuple[AllocateEntry, ...]


@dataclass(frozen=True, slots=True)
class Override(Node):
    name: Ident
    value: Literal_


@dataclass(frozen=True, slots=True)
class Run(Node):
    """`[WHEN condition] RUN alias [WEIGHT w] [OVERRIDE { … }]`; `overrides` None when no clause was written."""

    condition: Expr | None
    alias: Ident
    weight: Decimal | None
    overrides: tuple[Override, ...] | None


@dataclass(frozen=True, slots=True)
class Portfolio(Node):
    name: Ident
    version: int
    capital: Decimal | None
    declarations: tuple[Declaration, ...]
    syncs: tuple[Synchronize, ...]
    imports: tuple[Import, ...]
    params: tuple[Param, ...]
    lets: tuple[Let, ...]
    regimes: Regimes | None
    allocate: Allocate | None
    runs: tuple[Run, ...]


File: TypeAlias = Strategy | Portfolio
