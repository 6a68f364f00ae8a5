"""How far the market must come for a resting limit to be filled."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from qkt.brokers.paper.book import Resting
from qkt.core.draws import unit
from qkt.core.errors import UsageError
from qkt.core.instruments import Instrument
from qkt.core.terms import Side

if TYPE_CHECKING:
    from qkt.brokers.paper.settings import ExecutionSettings


@dataclass(frozen=True, slots=True)
class LimitRule:
    """`points` beyond the limit: None is satisfied with a touch, 0 with any price beyond it."""

    points: int | None

    @classmethod
    def parse(cls, text: str) -> LimitRule:
        """The rule that `touch`, `through` or `through:n` names. Raises UsageError for anything else."""
        kind, colon, points = text.partition(":")
        if not colon and kind in ("touch", "through"):
            return cls(None if kind == "touch" else 0)
        if kind == "through" and points.isdecimal() and int(points) > 0:
            return cls(int(points))
        raise UsageError(f"the rule for limits is '{text}'", expected="touch, through, or through:N points")

    def level(self, limit: Decimal, *, buys: bool, instrument: Instrument) -> float:
        """The quote that fills the limit."""
        if self.points is None:
            return float(limit)
        if self.points == 0:
            return math.nextafter(float(limit), -math.inf if buys else math.inf)
        margin = self.points * instrument.point_size
        return float(limit - margin if buys else limit + margin)


THROUGH = LimitRule(0)


class LimitFills:
    """The quote that fills a resting limit: by the rule, and for those that stand at the end of the queue beyond the limit."""

    def __init__(self, settings: ExecutionSettings, instruments: Callable[[str], Instrument]) -> None:
        rule = LimitRule.parse(settings.limits)
        self._first, self._last = rule, rule if rule.points is not None else THROUGH
        self._chance = settings.limit_chance
        self._seed = settings.seed
        self._instruments = instruments

    def level(self, resting: Resting) -> float:
        order = resting.order
        assert order.limit is not None
        rule = self._first if self._chance >= 1 or unit(self._seed, "limit", resting.key) < self._chance else self._last
        return rule.level(order.limit, buys=order.side is Side.BUY, instrument=self._instruments(order.symbol))
