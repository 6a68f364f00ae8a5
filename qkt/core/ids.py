"""Order ids, the same in every run of the same strategy on the same ticks."""

from __future__ import annotations


class OrderIds:
    """Numbers orders. A plain market signal takes `ORD-<n>` of one counter for the run; every other order of a strategy
    takes `dsl-<strategy>--<n>`. The ORD counter moves with every signal that makes an order, whichever id it gets."""

    def __init__(self) -> None:
        self._signals = 0
        self._by_strategy: dict[str, int] = {}

    def signal(self) -> str:
        """Count one order-making signal and return the plain id it would take."""
        number = self._signals
        self._signals += 1
        return f"ORD-{number}"

    def named(self, strategy: str) -> str:
        number = self._by_strategy.get(strategy, 0)
        self._by_strategy[strategy] = number + 1
        return f"dsl-{strategy}--{number}"
