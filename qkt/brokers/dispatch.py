"""What passes between a session and a venue outside it: requests out, once their intent is durable, and reports in.

Both are plain values that can be written down, so that a session can be done again without the venue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

from qkt.core.events import Event
from qkt.core.numbers import ZERO
from qkt.core.terms import OrderKind, Side, TimeInForce


class Act(StrEnum):
    """What a venue is asked to do."""

    OPEN = "open"  # a market order that opens, grows or, on a netting account, reduces
    CLOSE = "close"  # a market order that reduces one position
    PLACE = "place"  # a pending order
    REMOVE = "remove"  # a pending order goes
    MOVE = "move"  # a pending order waits for other prices, as they shall be
    PROTECT = "protect"  # both native levels of a position, as they shall be
    CLOSE_BY = "close_by"  # one position against an opposite one


class What(StrEnum):
    """What a venue says."""

    OPENED = "opened"  # the terms of the account that the session trades on
    TAKEN = "taken"  # a request is done or works: `order` is its ticket, `quantity` what of it was executed at once
    REFUSED = "refused"  # a request is not done and will not be
    DEAL = "deal"  # an execution
    ENDED = "ended"  # a pending order left the venue's book; all its deals have been told
    MARGIN = "margin"  # how the account stands: the margin level in `quantity` (percent, 0 without positions), its `equity` and
    # `balance`; a `reason` when it could not be read
    NOTE = "note"  # something that an operator should know


class Plain:
    """A dataclass that becomes JSON and back; values that are the default are left out, decimals are texts."""

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if value != field.default:
                found[field.name] = f"{value:f}" if isinstance(value, Decimal) else value
        return found

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(**{name: _READ[name](one) if name in _READ else one for name, one in value.items()})


@dataclass(frozen=True, slots=True)
class Request(Plain):
    """One thing to do at a venue. `token` is used once and never again; the venue keeps it with the order where it can.

    `order_id` is the session's order, `symbol` its market id. Quantities are lots, prices quote currency, times epoch ms UTC.
    `kind` and `limit`, `stop`, `expires_at` are of pending orders, `sl` and `tp` the native levels (None for none).
    `position` and `ticket` are the venue's numbers; `other` is the position that closes `position`.
    """

    token: str
    act: Act
    order_id: str
    symbol: str
    side: Side = Side.BUY
    quantity: Decimal = ZERO
    kind: OrderKind = OrderKind.MARKET
    tif: TimeInForce = TimeInForce.GTC
    limit: Decimal | None = None
    stop: Decimal | None = None
    sl: Decimal | None = None
    tp: Decimal | None = None
    expires_at: int | None = None
    position: int = 0
    ticket: int = 0
    other: int = 0

    @property
    def enters(self) -> bool:
        """Whether it can open or grow a position."""
        return self.act in (Act.OPEN, Act.PLACE)


@dataclass(frozen=True, slots=True)
class Report(Plain):
    """One thing that a venue says. `token` is that of the request it answers or that led to it, empty when there is none.

    A deal has its number in `deal`, `order` and `position`, `entry` (`in`, `out`, `inout`, `out_by`), the venue's `reason`
    (`sl`, `tp`, `stop_out`, else empty), the `profit` that it realized before costs (None where nobody knows) and its costs in
    account currency, charges positive. `hedging` is of OPENED; of
    ENDED `quantity` is what the order had executed. `text` is for people, `ts` the venue's time in epoch ms UTC.
    """

    what: What
    ts: int = 0
    token: str = ""
    symbol: str = ""
    order: int = 0
    position: int = 0
    deal: int = 0
    side: Side = Side.BUY
    entry: str = ""
    reason: str = ""
    quantity: Decimal = ZERO
    price: Decimal = ZERO
    commission: Decimal = ZERO
    swap: Decimal = ZERO
    fee: Decimal = ZERO
    hedging: bool = False
    level: str = ""
    text: str = ""
    equity: Decimal | None = None
    balance: Decimal | None = None
    profit: Decimal | None = None


_READ: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(
        ("quantity", "limit", "stop", "sl", "tp", "price", "commission", "swap", "fee", "equity", "balance", "profit"), Decimal
    ),
    "act": Act,
    "what": What,
    "side": Side,
    "kind": OrderKind,
    "tif": TimeInForce,
}


@dataclass(slots=True)
class VenueRequest(Event):
    """To whoever takes requests to the venue, after the commit that holds it."""

    request: Request


@dataclass(slots=True)
class VenueReport(Event):
    """The venue speaks: to the broker of the session."""

    report: Report
