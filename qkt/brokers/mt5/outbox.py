"""What a session asks of its venue: requests with tokens of their own, and which of them nobody has answered yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from qkt.brokers.dispatch import Act, Request, VenueRequest
from qkt.brokers.mt5.tickets import Ticket
from qkt.brokers.mt5.tokens import token
from qkt.core.bus import Scope
from qkt.core.numbers import ZERO
from qkt.core.terms import OrderKind
from qkt.orders import Order

KEPT = 4_096
"""Requests that are done and still known, so that a late fill finds its order."""


@dataclass(slots=True, eq=False)
class Part:
    """One request of an order that trades. It was asked for at `at` (epoch ms), `filled` lots of it are done, `ticket` is the
    venue's number once it is known."""

    order: Order
    request: Request
    reference: Decimal
    at: int
    filled: Decimal = ZERO
    ticket: int = 0

    @property
    def done(self) -> bool:
        return self.filled >= self.request.quantity


@dataclass(slots=True)
class Parts:
    """Requests that trade, by token: those that are not done, and `all`, which has the latest that are done too."""

    all: dict[str, Part] = field(default_factory=dict)
    active: dict[str, Part] = field(default_factory=dict)

    def add(self, part: Part) -> None:
        self.all[part.request.token] = self.active[part.request.token] = part
        if len(self.all) > KEPT + len(self.active):
            del self.all[next(token for token in self.all if token not in self.active)]

    def of(self, order: Order) -> Part | None:
        """The part of an order that is under way, one that is executed and has not ended last; None when there is none."""
        found = [part for part in self.active.values() if part.order is order]
        return min(found, key=lambda part: part.done, default=None)

    def closing(self) -> dict[int, Decimal]:
        """Lots by position that are being closed."""
        busy: dict[int, Decimal] = {}
        for part in self.active.values():
            if part.request.act is Act.CLOSE:
                number = part.request.position
                busy[number] = busy.get(number, ZERO) + part.request.quantity - part.filled
        return busy


class Outbox:
    """Numbers requests and publishes them. `owner` begins every token."""

    def __init__(self, scope: Scope, owner: str) -> None:
        self._scope = scope
        self._owner = owner
        self._number = 0
        self.outstanding: dict[str, Request] = {}

    def trade(self, order: Order, act: Act, quantity: Decimal, **more: object) -> Request:
        """A request of an order; it is not emitted yet."""
        pending = act in (Act.PLACE, Act.MOVE)
        return Request(
            self._token(),
            act,
            order.id,
            order.symbol,
            order.side,
            quantity,
            order.venue_kind if pending else OrderKind.MARKET,
            order.tif,
            order.limit if pending else None,
            order.stop if pending else None,
            expires_at=order.expires_at if pending else None,
            **more,  # type: ignore[arg-type]
        )

    def protect(self, ticket: Ticket) -> str:
        """Ask for both levels of a position as they shall be now; one left out would be taken away. Returns the token."""
        return self.emit(
            Request(
                self._token(),
                Act.PROTECT,
                ticket.entry,
                ticket.symbol,
                ticket.side,
                ticket.volume,
                sl=ticket.sl,
                tp=ticket.tp,
                position=ticket.number,
            )
        )

    def levels_of(self, position: int) -> tuple[Decimal | None, Decimal | None] | None:
        """The levels that were asked for last and are not answered, None when all are."""
        asked = [one for one in self.outstanding.values() if one.act is Act.PROTECT and one.position == position]
        return (asked[-1].sl, asked[-1].tp) if asked else None

    def close_by(self, ticket: Ticket, other: Ticket) -> str:
        """Ask that one position closes another. Returns the token."""
        return self.emit(
            Request(
                self._token(),
                Act.CLOSE_BY,
                other.entry,
                ticket.symbol,
                other.side,
                position=ticket.number,
                other=other.number,
            )
        )

    def emit(self, request: Request) -> str:
        self.outstanding[request.token] = request
        self._scope.publish(VenueRequest(request))
        return request.token

    def answered(self, token: str) -> Request | None:
        """The request that was answered, None when it was before."""
        return self.outstanding.pop(token, None)

    def _token(self) -> str:
        self._number += 1
        return token(self._owner, self._number)
