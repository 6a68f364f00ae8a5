"""What a latch enters when it commits: prices are distances from the wire that broke, in the direction of the break."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from qkt.core.events import LatchBroken
from qkt.core.numbers import ONE, ZERO, q8, to_decimal
from qkt.core.terms import OrderKind, Side, TimeInForce
from qkt.lang.lots import Leg, UnusableError, lots
from qkt.strategy import BracketSpec, Context, EnterSignal, ExitForm, ExitPrice


@dataclass(frozen=True, slots=True)
class LatchTicket:
    """One ENTER. Offsets are price units from the start, positive in the direction of the break; the start is the wire, or
    `elsewhere` the latest price of the market that is traded. `size` None is one lot."""

    symbol: str
    kind: OrderKind
    price: Decimal
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    size: Leg | None = None
    expire_ms: int | None = None
    elsewhere: bool = False


def break_signal(context: Context, rule: int | None, broken: LatchBroken, ticket: LatchTicket) -> EnterSignal:
    """The entry. Raises UnusableError when there is no price to start from, or an exit would be on the wrong side."""
    start = _start(context, broken, ticket)
    price = _from(start, broken, ticket.price)
    if ticket.stop_loss is not None and ticket.stop_loss >= ticket.price:
        raise UnusableError("its stop is on the wrong side of the entry", suppressed=False)
    distance = None if ticket.stop_loss is None else float(ticket.price - ticket.stop_loss)
    quantity = ONE if ticket.size is None else lots(context, ticket.symbol, ticket.size, float(price), distance)
    waits = ticket.kind is not OrderKind.MARKET
    expires = broken.time + ticket.expire_ms if waits and ticket.expire_ms is not None else None
    bracket = BracketSpec(_exit(start, broken, ticket.stop_loss), _exit(start, broken, ticket.take_profit))
    guarded = bracket.stop_loss is not None or bracket.take_profit is not None
    return EnterSignal(
        strategy=context.strategy,
        symbol=ticket.symbol,
        rule=rule,
        side=Side.BUY if broken.direction > 0 else Side.SELL,
        quantity=quantity,
        reference=price,
        kind=ticket.kind,
        limit=price if ticket.kind is OrderKind.LIMIT else None,
        stop=price if ticket.kind is OrderKind.STOP else None,
        tif=TimeInForce.GTC if expires is None else TimeInForce.GTD,
        expires_at=expires,
        bracket=bracket if guarded else None,
        plain=not waits and not guarded,
    )


def _start(context: Context, broken: LatchBroken, ticket: LatchTicket) -> Decimal:
    if not ticket.elsewhere:
        return broken.level
    last = context.last(ticket.symbol)
    if last is None:
        raise UnusableError("its market has no price yet", suppressed=False)
    return q8(to_decimal(last))


def _from(start: Decimal, broken: LatchBroken, offset: Decimal) -> Decimal:
    price = q8(start + broken.direction * offset)
    if price <= ZERO:
        raise UnusableError("a price of it is not positive", suppressed=True)
    return price


def _exit(start: Decimal, broken: LatchBroken, offset: Decimal | None) -> ExitPrice | None:
    return None if offset is None else ExitPrice(ExitForm.AT, _from(start, broken, offset))
