"""The caps that always hold. Unset caps do not bind; the others have defaults, so that not configured never means no limit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class OrderLimits:
    """Caps of one order: lots, notional in account currency, and percent between an explicit price and the last one.

    `max_position` caps what one strategy may come to hold on one side of a symbol (lots), working entries included,
    `max_account_position` what all strategies together may.
    """

    max_quantity: Decimal = Decimal(100)
    max_notional: Decimal = Decimal(250_000)
    price_collar_pct: Decimal = Decimal(25)
    max_position: Decimal | None = None
    max_account_position: Decimal | None = None
