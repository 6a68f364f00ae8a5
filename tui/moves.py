"""What an operator changes about a position or an order."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Move:
    """What shall change; None stays as it is."""

    stop: Decimal | None = None
    target: Decimal | None = None
    break_even: bool = False
    close: Decimal | None = None
    level: Decimal | None = None
