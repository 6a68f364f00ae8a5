"""The drawdown ladder: the deeper the book is below its peak, the less new risk it takes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from qkt.core.numbers import ONE, ZERO, exact, quotient
from qkt.portfolio.settings import Rung


class DrawdownLadder:
    """`factor` is what is left of new risk after the last sample. `peak` starts at the capital."""

    def __init__(self, capital: Decimal, rungs: Sequence[Rung]) -> None:
        self._rungs = sorted(rungs, key=lambda rung: rung.drawdown)
        self._cooldown = 0
        self.peak = capital
        self.equity = capital
        self.factor = ONE

    @property
    def drawdown(self) -> Decimal:
        """Fraction of the peak."""
        return quotient(self.peak - self.equity, self.peak)

    def sample(self, equity: Decimal) -> None:
        """The book is worth `equity` (account currency). The deepest rung that is reached gives the factor; one of 0 holds for
        its cool-down, counted in samples, after the book has come back above it."""
        self.equity = equity
        self.peak = max(self.peak, equity)
        reached = [rung for rung in self._rungs if self.peak - equity >= exact(rung.drawdown, self.peak)]
        self.factor = reached[-1].factor if reached else ONE
        if reached and self.factor == ZERO:
            self._cooldown = reached[-1].cooldown_bars
        elif self._cooldown > 0:
            self._cooldown -= 1
            self.factor = ZERO
