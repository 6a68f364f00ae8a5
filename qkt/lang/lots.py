"""How many lots a form of SIZING comes to when an order is built, and why an action cannot be sent."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TypeAlias

from qkt.core.numbers import ZERO, to_decimal
from qkt.strategy import Context

Amount: TypeAlias = float | None
Leg: TypeAlias = tuple[str, Amount]


class UnusableError(Exception):
    """An action that cannot be sent. `suppressed` keeps its rule armed; `sort` is what the text says without its numbers."""

    def __init__(self, text: str, *, suppressed: bool, sort: str | None = None) -> None:
        super().__init__(text)
        self.suppressed = suppressed
        self.sort = sort or text


def defined(value: Amount, complaint: str) -> float:
    if value is None or not math.isfinite(value):
        raise UnusableError(complaint, suppressed=False)
    return value


def positive_price(value: Amount, what: str) -> float:
    price = defined(value, f"{what} is not defined")
    if price <= 0.0:
        raise UnusableError(f"{what} is not positive", suppressed=True)
    return price


def lots(context: Context, symbol: str, size: Leg, expected: float, distance: float | None) -> Decimal:
    """The quantity of an order that is expected to fill at `expected` with its stop `distance` away. Beside the forms of SIZING
    there is `share`, a member's part of the money of a basket, which is in the quote currency.

    Raises UnusableError for a size that is not defined or not positive, and for a risk without a distance.
    """
    quantity = target(context, symbol, size, expected, distance)
    if quantity <= ZERO:
        raise UnusableError("its size is not positive", suppressed=True)
    return quantity


def target(context: Context, symbol: str, size: Leg, expected: float, distance: float | None) -> Decimal:
    """The same where nothing at all is a size too. Raises UnusableError."""
    form, amount = size
    if amount is None or not math.isfinite(amount):
        raise UnusableError("its size is not defined", suppressed=True)
    quantity = abs(amount) if form == "position" else amount
    if form not in ("units", "position"):
        quantity = money(context, form, amount) / money_per_lot(context, form, symbol, expected, distance)
    return to_decimal(quantity) if math.isfinite(quantity) else ZERO


RISKS = frozenset({"risk", "risk_percent", "risk_money", "book", "book_percent"})


def money(context: Context, form: str, amount: float) -> float:
    """What the order may cost or risk, in account currency."""
    match form:
        case "equity":
            return context.account.equity * (amount / 100.0)
        case "balance":
            return context.account.balance * (amount / 100.0)
        case "risk":
            return context.account.equity * amount
        case "risk_percent":
            return context.account.equity * (amount / 100.0)
        case "book":
            return book_value(context) * amount
        case "book_percent":
            return book_value(context) * (amount / 100.0)
        case _:
            return amount


def book_value(context: Context) -> float:
    book = context.book
    if book is None:
        raise UnusableError("its risk is a share of a book, and there is none", suppressed=True)
    return book


def money_per_lot(context: Context, form: str, symbol: str, expected: float, distance: float | None) -> float:
    """The value of one lot, or the loss of one lot at the stop."""
    per_unit = expected
    if form == "share":
        return expected * float(context.instrument(symbol).contract_size)
    if form in RISKS:
        if not distance:
            raise UnusableError("its stop has no distance from the entry", suppressed=True)
        per_unit = distance
    return per_unit * float(context.instrument(symbol).contract_size) * context.fx(symbol)
