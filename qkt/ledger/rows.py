"""What remains of a fill and of a finished position: the rows of trade files and reports."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from qkt.core.terms import Side


@dataclass(frozen=True, slots=True)
class TradeRow:
    """One fill. Money in account currency; `realized` is net of the fill's costs, 0 for an opening fill without any.

    `position_effect` describes the strategy's own position: OPEN, INCREASE, REDUCE, CLOSE with _LONG or _SHORT, or
    REVERSE_TO_LONG / REVERSE_TO_SHORT. `slippage` is the price lost against the order's reference, positive when it cost.
    """

    timestamp: int
    strategy: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    realized: Decimal
    position_effect: str
    order_type: str
    order_id: str
    purpose: str
    commission: Decimal
    slippage: Decimal
    gross: Decimal
    native_currency: str
    fx_rate: Decimal
    position_before: Decimal
    position_after: Decimal


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """The life of one leg from open to flat. Prices are volume-weighted over its fills, quantity is all that was entered.

    `gross` excludes costs, `net` is `gross - commission + swap`. `mfe` and `mae` are price distances from the entry.
    `exit_reason` is the purpose of the order that closed it.
    """

    strategy: str
    symbol: str
    side: Side
    quantity: Decimal
    entry_time: int
    entry_price: Decimal
    exit_time: int
    exit_price: Decimal
    gross: Decimal
    commission: Decimal
    swap: Decimal
    net: Decimal
    mfe: Decimal
    mae: Decimal
    exit_reason: str

    @property
    def seconds(self) -> float:
        """Holding time."""
        return (self.exit_time - self.entry_time) / 1000


def position_effect(before: Decimal, after: Decimal) -> str:
    """What a fill did to a signed position."""
    if before == 0:
        return "OPEN_LONG" if after > 0 else "OPEN_SHORT"
    name = "LONG" if before > 0 else "SHORT"
    if after == 0:
        return f"CLOSE_{name}"
    if (after > 0) != (before > 0):
        return "REVERSE_TO_LONG" if after > 0 else "REVERSE_TO_SHORT"
    return f"INCREASE_{name}" if abs(after) > abs(before) else f"REDUCE_{name}"
