"""What an order can come to: itself, and every further order that it brings with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from qkt.core.numbers import EXACT, ZERO
from qkt.core.terms import LegRole, Side
from qkt.orders import Order
from qkt.strategy import EnterSignal

Exposure = tuple[str, Side]
"""One side of a symbol."""


@dataclass(slots=True)
class Claim:
    """Lots that may be entered. `price` is what values them, None for the last one; `follows` tells that they are sent only
    after another order was filled. `nets` says whether they first close a primary leg of the other side."""

    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal | None
    nets: bool
    follows: bool


def claims_of(order: Order, last: Decimal | None) -> list[Claim]:
    """The order's own claim, then those of its layers, tiers and children. Prices relative to its fill are taken from its
    own price, or from the `last` one."""
    price = order.stop or order.limit
    nets = order.role is LegRole.PRIMARY
    claims = [Claim(order.symbol, order.side, order.remaining, price, nets, follows=False)]
    if order.signal is not None:
        claims += _following(order.signal, order.quantity, price or last)
    return claims


def _following(signal: EnterSignal, quantity: Decimal, anchor: Decimal | None) -> Iterator[Claim]:
    symbol, side = signal.symbol, signal.side
    for layer in signal.stack.layers if signal.stack is not None else ():
        price = None if layer.price is None or anchor is None else layer.price.at(anchor)
        yield Claim(symbol, side, layer.quantity, price, nets=True, follows=True)
    for tier in signal.tiers:
        yield Claim(symbol, side, tier.quantity.at(quantity), None, nets=False, follows=True)
    for child in signal.on_fill:
        price = child.stop or child.limit
        yield Claim(child.symbol, child.side, child.quantity, price, nets=True, follows=True)
        yield from _following(child, child.quantity, price)


def totals(claims: Iterable[Claim]) -> dict[Exposure, Decimal]:
    """Lots by side of a symbol."""
    sums: dict[Exposure, Decimal] = {}
    for claim in claims:
        key = claim.symbol, claim.side
        sums[key] = EXACT.add(sums.get(key, ZERO), claim.quantity)
    return sums


def sums(first: dict[Exposure, Decimal], second: dict[Exposure, Decimal]) -> dict[Exposure, Decimal]:
    """Of two that may both come the sum on each side."""
    return {key: EXACT.add(first.get(key, ZERO), second.get(key, ZERO)) for key in (*first, *second)}


def worst(first: dict[Exposure, Decimal], second: dict[Exposure, Decimal]) -> dict[Exposure, Decimal]:
    """Of two alternatives the larger one on each side."""
    return {key: max(first.get(key, ZERO), second.get(key, ZERO)) for key in (*first, *second)}
