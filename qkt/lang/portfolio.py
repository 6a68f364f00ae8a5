"""A compiled portfolio: its children, what lets them trade, and how capital is divided between them.

The supervisor runs it: it feeds `gates` the closed candles of the portfolio's own streams, asks which children may trade
and in which regime the book is, and hosts each child's strategy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from qkt.core.events import Candle
from qkt.core.numbers import exact, q8
from qkt.lang.compiled import CompiledStrategy
from qkt.lang.diagnostics import Diagnostic
from qkt.lang.program import CheckedPortfolio
from qkt.strategy import Context, StreamSpec


@dataclass(frozen=True, slots=True)
class Child:
    """An imported strategy ready to run. `id` owns its orders and state, `params` are the values used of its PARAMs.

    With `hold` its positions and resting exits stay when its gate closes. `weight` is its share of the capital, None where
    the portfolio gives none; `balance` is what that share starts with, 8 decimals.
    """

    alias: str
    id: str
    path: Path
    source: str
    hold: bool
    weight: Decimal | None
    balance: Decimal | None
    strategy: CompiledStrategy
    params: Mapping[str, Decimal | bool | str]


@dataclass(frozen=True, slots=True)
class Allocation:
    """ALLOCATE: the method, how often it is computed anew (None where the file does not say), and for REGIME_WEIGHTED the
    share of each child in each state; a child that a state leaves out has none."""

    method: str
    rebalance_ms: int | None
    shares: Mapping[str, Mapping[str, Decimal]]


class Gates:
    """The conditions of RUN and STATE, evaluated on every closed candle of a portfolio stream. They are levels, no edges;
    Undefined is FALSE. Before the first candle only unconditional children are active and there is no regime."""

    def __init__(self, program: CheckedPortfolio) -> None:
        self._program = program
        self._conditions = CompiledStrategy(program.gates)
        self._truth = [False] * program.conditions
        self._evaluated = False

    @property
    def streams(self) -> Sequence[StreamSpec]:
        return self._conditions.streams

    @property
    def source_code(self) -> str:
        """The Python that the conditions are compiled to."""
        return self._conditions.source_code

    def on_start(self, context: Context) -> None:
        self._truth[:] = [False] * len(self._truth)
        self._evaluated = False
        self._conditions.on_start(context)

    def on_candle(self, candle: Candle) -> None:
        """Evaluate every condition; `candle.stream` is one of the portfolio's aliases."""
        self._conditions.on_candle(candle)
        first = self._program.first_rule[candle.stream]
        # A rule without actions keeps in its flag whether its condition was TRUE when it was last evaluated.
        self._truth[:] = self._conditions.memory.fired[first : first + len(self._truth)]
        self._evaluated = True

    def active(self) -> frozenset[str]:
        """The children that may trade now."""
        return frozenset(
            alias
            for alias, conditions in self._program.runs.items()
            if any(condition is None or self._truth[condition] for condition in conditions)
        )

    def regime(self) -> str | None:
        """The first STATE whose condition is TRUE, else the DEFAULT one; None before the first candle or without REGIMES."""
        if not self._evaluated:
            return None
        states = self._program.states
        for name, condition in states:
            if condition is not None and self._truth[condition]:
                return name
        return next((name for name, condition in states if condition is None), None)


@dataclass(frozen=True, slots=True)
class CompiledPortfolio:
    """Everything the supervisor needs. `params` holds the values used of the portfolio's own PARAMs, `warnings` what is
    doubtful about the portfolio's file (that of a child stands with the child's check)."""

    name: str
    version: int
    capital: Decimal | None
    children: tuple[Child, ...]
    gates: Gates
    allocation: Allocation | None
    params: Mapping[str, Decimal | bool | str]
    warnings: tuple[Diagnostic, ...]

    def share(self, alias: str) -> Decimal:
        """What the current regime leaves of the quantity of a child's new risk: 1 without ALLOCATE and before the first
        evaluation, 0 for a child that the state does not name."""
        regime = self.gates.regime()
        if self.allocation is None or regime is None:
            return Decimal(1)
        return self.allocation.shares.get(regime, {}).get(alias, Decimal(0))


def starting_balance(capital: Decimal | None, weight: Decimal | None) -> Decimal | None:
    """capital * weight with 8 decimals."""
    return None if capital is None or weight is None else q8(exact(capital, weight))
