"""Where a session and its venue disagree, as rows that a person can act on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from qkt.brokers.dispatch import Report, What
from qkt.brokers.mt5.broker import Mt5Broker
from qkt.brokers.mt5.names import Names
from qkt.brokers.mt5.records import Position
from qkt.brokers.mt5.sight import Sight
from qkt.brokers.mt5.tokens import found
from qkt.core.terms import Side


@dataclass(frozen=True, slots=True)
class Difference:
    """`number` is the venue's of a position or an order, `session` and `venue` what each has, `remedy` what settles it."""

    kind: str
    number: int
    symbol: str
    session: str
    venue: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.kind} {self.number} {self.symbol}: the session has {self.session}, the venue {self.venue}; {self.remedy}"


ADOPT = "set adopt = true in the profile to book it as a leg of its own, or close it by hand"
NOBODYS = "a portfolio adopts nothing, as nobody knows whose of its children it is: close it by hand"
COMPLETE = "set complete = true in the profile"
CLOSED = f"nothing in the account's history explains it: {COMPLETE} to book it as closed at the market's price"
ENDED = f"nothing in the account's history explains it: {COMPLETE} to take it for ended"
CANCEL = f"{COMPLETE} to cancel it, or do so by hand"
BY_HAND = "nothing in the account's history explains it: bring the position to what the session has, by hand"
CLOSED_AT_MARKET = -(1 << 53)
"""From here downwards are the numbers of deals that stand for positions which the venue no longer has."""


def differences(broker: Mt5Broker, sight: Sight, owner: str, names: Names) -> list[Difference]:
    """What a complete look at the account shows that the session does not know, and the other way round. What is of a request
    that is still asked about is left out."""
    standing = broker.standing()
    asked = {request.token for request in standing.outstanding}
    rows = [*_positions(broker, sight, owner, names, asked), *_orders(standing.known.working, sight, owner, names, asked)]
    return sorted(rows, key=lambda row: row.number)


def _positions(broker: Mt5Broker, sight: Sight, owner: str, names: Names, asked: set[str]) -> Iterable[Difference]:
    there = {one.ticket: one for one in sight.positions}
    for number, ticket in broker.tickets.open.items():
        mine = f"{ticket.side} {ticket.volume:f}"
        held = there.pop(number, None)
        if held is None:
            yield Difference("position", number, ticket.symbol, mine, "nothing", CLOSED)
        elif (_side(held), Decimal(repr(held.volume))) != (ticket.side, ticket.volume):
            less = _side(held) is ticket.side and Decimal(repr(held.volume)) < ticket.volume
            yield Difference(
                "position", number, ticket.symbol, mine, f"{_side(held)} {held.volume}", CLOSED if less else BY_HAND
            )
    for held in there.values():
        mark = found(held.comment, owner)
        symbol = names.ours(held.symbol)
        if mark and mark not in asked and symbol is not None:
            yield Difference("position", held.ticket, symbol, "nothing", f"{_side(held)} {held.volume}", ADOPT)


def _orders(working: set[int], sight: Sight, owner: str, names: Names, asked: set[str]) -> Iterable[Difference]:
    ended = {one.ticket for one in sight.history}
    there = {one.ticket: one for one in sight.orders}
    for number in working - set(there) - ended:
        yield Difference("order", number, "", "working", "nothing", ENDED)
    for number, order in there.items():
        mark = found(order.comment, owner)
        symbol = names.ours(order.symbol)
        if mark and mark not in asked and number not in working and symbol is not None:
            yield Difference("order", number, symbol, "nothing", f"{order.volume_initial} at {order.price_open}", CANCEL)


def adopted(row: Difference, sight: Sight, now: int) -> Report | None:
    """The report that books a position which the session does not know, None for any other difference."""
    held = next((one for one in sight.positions if one.ticket == row.number), None)
    if held is None or row.kind != "position" or row.session != "nothing":
        return None
    return Report(
        What.DEAL,
        now,
        symbol=row.symbol,
        order=max((one.ticket for one in sight.deals if one.position_id == held.ticket), default=0),
        position=held.ticket,
        deal=-held.ticket,
        side=_side(held),
        entry="in",
        reason="adopted",
        quantity=Decimal(repr(held.volume)),
        price=Decimal(repr(held.price_open)),
    )


def completed(row: Difference, broker: Mt5Broker, sight: Sight, price: Decimal | None, now: int) -> Report | None:
    """The report that takes out of the books what the venue no longer has, None for any other difference. `price` is what the
    market pays for the position now."""
    ticket = broker.tickets.find(row.number) if row.kind == "position" else None
    if ticket is not None and row.remedy == CLOSED and price is not None:
        held = next((Decimal(repr(one.volume)) for one in sight.positions if one.ticket == row.number), Decimal(0))
        return Report(
            What.DEAL,
            now,
            symbol=row.symbol,
            order=row.number,
            position=row.number,
            deal=CLOSED_AT_MARKET - row.number,
            side=ticket.side.opposite,
            entry="out",
            quantity=ticket.volume - held,
            price=price,
        )
    if row.remedy == ENDED:
        token = next((name for name, part in broker.parts.active.items() if part.ticket == row.number), "")
        return Report(What.ENDED, now, token, order=row.number, reason="canceled")
    return None


def _side(held: Position) -> Side:
    return Side.BUY if held.type == 0 else Side.SELL
