"""What a return code of `order_send` means for the request that got it."""

from __future__ import annotations

from enum import StrEnum

from qkt.brokers.mt5.constants import Code


class Meaning(StrEnum):
    DONE = "done"
    REPRICE = "reprice"  # the market moved: ask for the price and send again, a few times
    WAIT = "wait"  # not now: send the same again later
    CLOSED = "closed"  # no market now: an exit waits for it, an entry is refused
    FILLING = "filling"  # another way of filling, once
    VOLUME = "volume"  # more than the position has: read it again
    GONE = "gone"  # what the request is about has ended
    REFUSED = "refused"
    BARRED = "barred"  # refused, and nothing will be taken until somebody allows trading again
    UNKNOWN = "unknown"  # it may or may not have been done: ask, never send again before


_MEANING = {
    Code.PLACED: Meaning.DONE,
    Code.DONE: Meaning.DONE,
    Code.DONE_PARTIAL: Meaning.DONE,
    Code.NO_CHANGES: Meaning.DONE,
    Code.REQUOTE: Meaning.REPRICE,
    Code.PRICE_CHANGED: Meaning.REPRICE,
    Code.PRICE_OFF: Meaning.REPRICE,
    Code.TOO_MANY_REQUESTS: Meaning.WAIT,
    Code.LOCKED: Meaning.WAIT,
    Code.FROZEN: Meaning.WAIT,
    Code.CLOSE_ORDER_EXIST: Meaning.WAIT,
    Code.MARKET_CLOSED: Meaning.CLOSED,
    Code.INVALID_FILL: Meaning.FILLING,
    Code.INVALID_CLOSE_VOLUME: Meaning.VOLUME,
    Code.POSITION_CLOSED: Meaning.GONE,
    Code.ORDER_CHANGED: Meaning.GONE,
    Code.SERVER_DISABLES_AT: Meaning.BARRED,
    Code.CLIENT_DISABLES_AT: Meaning.BARRED,
    Code.TIMEOUT: Meaning.UNKNOWN,
    Code.CONNECTION: Meaning.UNKNOWN,
    Code.ERROR: Meaning.UNKNOWN,
    **dict.fromkeys(
        (
            Code.REJECT,
            Code.CANCEL,
            Code.INVALID,
            Code.INVALID_VOLUME,
            Code.INVALID_PRICE,
            Code.INVALID_STOPS,
            Code.TRADE_DISABLED,
            Code.NO_MONEY,
            Code.INVALID_EXPIRATION,
            Code.ONLY_REAL,
            Code.LIMIT_ORDERS,
            Code.LIMIT_VOLUME,
            Code.INVALID_ORDER,
            Code.LIMIT_POSITIONS,
            Code.REJECT_CANCEL,
            Code.LONG_ONLY,
            Code.SHORT_ONLY,
            Code.CLOSE_ONLY,
            Code.FIFO_CLOSE,
            Code.HEDGE_PROHIBITED,
        ),
        Meaning.REFUSED,
    ),
}

_WORDS = {
    Code.REJECT: "the broker rejected it",
    Code.CANCEL: "it was cancelled by hand",
    Code.INVALID: "the request is invalid",
    Code.INVALID_VOLUME: "the volume is invalid",
    Code.INVALID_PRICE: "the price is on the wrong side of the market, or too near",
    Code.INVALID_STOPS: "a stop or target is on the wrong side of the price, or too near",
    Code.TRADE_DISABLED: "trading the symbol is disabled",
    Code.MARKET_CLOSED: "the market is closed",
    Code.NO_MONEY: "the margin does not suffice",
    Code.PRICE_OFF: "there are no quotes",
    Code.INVALID_EXPIRATION: "the expiry is invalid",
    Code.SERVER_DISABLES_AT: "the server does not allow automatic trading",
    Code.CLIENT_DISABLES_AT: "the terminal does not allow automatic trading (switch Algo Trading on)",
    Code.INVALID_FILL: "no way of filling is allowed",
    Code.ONLY_REAL: "only real accounts may do this",
    Code.LIMIT_ORDERS: "the account may have no more pending orders",
    Code.LIMIT_VOLUME: "the symbol's limit of volume is reached",
    Code.INVALID_ORDER: "the symbol does not take this kind of order",
    Code.POSITION_CLOSED: "the position is closed already",
    Code.LIMIT_POSITIONS: "the account may have no more positions",
    Code.LONG_ONLY: "the symbol may only be bought",
    Code.SHORT_ONLY: "the symbol may only be sold",
    Code.CLOSE_ONLY: "positions of the symbol may only be closed",
    Code.FIFO_CLOSE: "the oldest position must be closed first",
    Code.HEDGE_PROHIBITED: "the account may not hold opposite positions",
}


def meaning(code: int) -> Meaning:
    """A code that nobody wrote down says nothing about what happened."""
    try:
        return _MEANING[Code(code)]
    except (ValueError, KeyError):
        return Meaning.UNKNOWN


def words(code: int, comment: str = "") -> str:
    """A refusal for people: what the code says, the number, and what the server added."""
    try:
        known = Code(code)
        text = _WORDS.get(known, known.name.lower().replace("_", " "))
    except ValueError:
        text = "an answer that is not known"
    return f"{text} ({code}{f', {comment}' if comment else ''})"
