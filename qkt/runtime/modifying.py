"""An operator's hand on what is open: exits moved or attached, a part closed, a working order moved.

Everything here follows from the session and the command on its tape, so that a replay does the same again.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from qkt.brokers import QuoteBoard
from qkt.core.numbers import ZERO, to_decimal
from qkt.core.terms import OrderKind, Purpose, Side
from qkt.engine import Session
from qkt.ledger.legs import Leg
from qkt.orders import GuardedLeg, Order
from qkt.runtime.inputs import CommandInput


class _CannotError(Exception):
    """Why nothing is modified, in words."""


def modify(session: Session, board: QuoteBoard, item: CommandInput, number: int) -> str | None:
    """Do what the command says, or nothing of it; returns why nothing. `number` tells apart the orders that it makes."""
    asked = item.arguments
    try:
        if (asked.get("leg") is None) == (asked.get("order") is None):
            raise _CannotError("either a leg or an order is to be named")
        if asked.get("order") is not None:
            _move_order(session, board, asked)
        else:
            _guard_leg(session, board, item, number)
    except _CannotError as problem:
        return str(problem)
    return None


# ------------------------------------------------------------------------ legs


def _guard_leg(session: Session, board: QuoteBoard, item: CommandInput, number: int) -> None:
    asked = item.arguments
    leg, strategy = _leg(session, asked["leg"])
    stop, target, part = (_price(asked, name) for name in ("stop", "target", "close"))
    if asked.get("level") is not None:
        raise _CannotError("a leg has no level of its own: name its stop or its target")
    if asked.get("break_even"):
        if stop is not None:
            raise _CannotError("the stop is given twice")
        stop = leg.entry
    if stop is None and target is None and part is None:
        raise _CannotError("nothing to change is named: a stop, a target, break-even, or lots to close")
    quote = board.quote(leg.symbol)
    if quote is None:
        raise _CannotError(f"there is no price of {leg.symbol}")
    way_out = to_decimal(quote.sell if leg.side is Side.BUY else quote.buy)
    if stop is not None and (way_out - stop) * leg.sign <= 0:
        raise _CannotError(f"a stop at {stop:f} is not behind the price {way_out:f}")
    if target is not None and (target - way_out) * leg.sign <= 0:
        raise _CannotError(f"a target at {target:f} is not ahead of the price {way_out:f}")
    if part is not None and part > leg.quantity:
        raise _CannotError(f"leg {leg.id} has {leg.quantity:f} lots and {part:f} are to be closed")
    guarded = GuardedLeg(leg.id, strategy, leg.symbol, leg.side, leg.quantity, leg.entry)
    reason = f"moved by {item.author}"
    if stop is not None:
        session.orders.guard(guarded, Purpose.STOP_LOSS, stop, item.ts, reason)
    if target is not None:
        session.orders.guard(guarded, Purpose.TAKE_PROFIT, target, item.ts, reason)
    if part is not None:
        session.close_all(f"part{number}", Purpose.CLOSE, leg=leg.id, quantity=part)


def _leg(session: Session, name: str) -> tuple[Leg, str]:
    """A leg by its number, and whose it is."""
    for book in session.books.strategies.values():
        for legs in book.open_books():
            for leg in legs:
                if str(leg.id) == name:
                    return leg, book.strategy
    raise _CannotError(f"there is no open leg {name}")


# ---------------------------------------------------------------------- orders


def _move_order(session: Session, board: QuoteBoard, asked: dict[str, Any]) -> None:
    order = next((one for one in session.orders.live_orders() if one.id == asked["order"]), None)
    if order is None:
        raise _CannotError(f"there is no working order {asked['order']}")
    level = _price(asked, "level")
    if level is None or any(asked.get(name) is not None for name in ("stop", "target", "close", "break_even")):
        raise _CannotError("of an order only its level can be moved")
    if order.motion is not None:
        raise _CannotError(f"the level of {order.id} moves by itself; of a position, give its leg another stop")
    if order.cancel_reason is not None:
        raise _CannotError(f"{order.id} is being cancelled")
    if order.stop is None and order.limit is None:
        raise _CannotError(f"{order.id} waits for no level")
    quote = board.quote(order.symbol)
    if quote is not None and not _waits(order, level, to_decimal(quote.buy if order.side is Side.BUY else quote.sell)):
        raise _CannotError(f"at {level:f} the market has reached {order.id} already")
    session.orders.move(order, level)


def _waits(order: Order, level: Decimal, price: Decimal) -> bool:
    """Whether the order has still to wait at this level."""
    better = order.stop is None or order.kind is OrderKind.IF_TOUCHED
    ahead = (price - level) * order.side.sign
    return ahead > 0 if better else ahead < 0


def _price(asked: dict[str, Any], name: str) -> Decimal | None:
    """A positive number that the command may have."""
    text = asked.get(name)
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = ZERO
    if not value.is_finite() or value <= 0:
        raise _CannotError(f"{name} is {text}, which is no positive number")
    return value
