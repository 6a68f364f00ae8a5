"""What orders may know of positions."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol


class LegView(Protocol):
    """Open legs by id, current as of the last fill."""

    def leg_quantity(self, leg_id: int) -> Decimal:
        """Lots of the leg, zero once it is closed."""
        ...

    def net_quantity(self, strategy: str, symbol: str) -> Decimal:
        """Signed net lots of the strategy on the symbol."""
        ...
