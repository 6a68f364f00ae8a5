"""How a size came to lots, step by step, with the numbers that counted at the moment of the decision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from qkt.core.numbers import plain, to_decimal
from qkt.lang.looking import LookedSize
from qkt.lang.lots import RISKS, UnusableError, money
from qkt.strategy import Context, EnterSignal, ExitForm, ExitPrice, SteppedExit, TighteningExit, TrailingExit

SHARES = {
    "equity": "of the equity",
    "balance": "of the balance",
    "risk": "of the equity",
    "risk_percent": "of the equity",
    "book": "of the book",
    "book_percent": "of the book",
}
PERCENT = frozenset({"equity", "balance", "risk_percent", "book_percent"})
DIGITS = 8
"""Of a number that is shown; money has two decimals."""


@dataclass(frozen=True, slots=True)
class Sizing:
    """A size as it stood when its rule fired: the money it may cost or risk (account currency, None for lots and for what
    could not be told), what that is a share of, the units of one lot and the rate of the quote currency."""

    size: LookedSize
    money: float | None
    whole: float | None
    contract_size: Decimal
    rate: float

    @classmethod
    def at(cls, context: Context, size: LookedSize) -> Sizing:
        """The size now."""
        budget = whole = None
        if size.amount is not None and size.form not in ("units", "position"):
            try:
                budget = money(context, size.form, size.amount)
                whole = _whole(context, size.form)
            except UnusableError:
                budget = None
        return cls(size, budget, whole, context.instrument(size.symbol).contract_size, context.fx(size.symbol))

    def steps(self, signal: EnterSignal | None) -> Iterator[str]:
        """The arithmetic in words. `signal` is what it became, None for an order that only reduces."""
        size = self.size
        if size.amount is None:
            yield f"the size ({size.form}) was not defined"
            return
        if size.form in ("units", "position"):
            yield f"{_number(abs(size.amount))} lots asked for"
            return
        yield from self._budget(size.amount)
        if signal is None or signal.reference is None or self.money is None:
            return
        lot = float(self.contract_size) * self.rate
        if size.form in RISKS:
            distance = stop_distance(signal)
            if not distance:
                return
            loss = distance * lot
            yield f"its stop is {_number(distance)} away: one lot loses {_product(distance, self)} = {_money(loss)}"
        else:
            loss = float(signal.reference) * lot
            yield f"one lot is worth {_product(float(signal.reference), self)} = {_money(loss)}"
        yield f"{_money(self.money)} / {_money(loss)} = {_number(self.money / loss)} lots asked for"

    def _budget(self, amount: float) -> Iterator[str]:
        form = self.size.form
        verb = "risks" if form in RISKS else "is worth"
        if self.money is None:
            yield f"it {verb} a share of a book, and there was none"
        elif form in SHARES and self.whole is not None:
            share = f"{_number(amount)} %" if form in PERCENT else f"{_number(amount * 100)} %"
            yield f"it {verb} {share} {SHARES[form]}: {_money(self.whole)} gives {_money(self.money)}"
        else:
            yield f"it {verb} {_money(self.money)}"


def stop_distance(signal: EnterSignal) -> float | None:
    """How far the first stop of an entry lies from the price that it is expected to get; None without a stop."""
    stop = None if signal.bracket is None else signal.bracket.stop_loss
    if stop is None or signal.reference is None:
        return None
    expected = float(signal.reference)
    match stop:
        case TrailingExit(trail=trail):
            return expected * float(trail.value) / 100.0 if trail.form is ExitForm.PCT else float(trail.value)
        case SteppedExit(distance=distance) | TighteningExit(distance=distance):
            return float(distance)
        case ExitPrice(form=ExitForm.AT, value=level):
            return abs(expected - float(level))
        case ExitPrice(form=form, value=value):
            return expected * float(value) / 100.0 if form is ExitForm.PCT else float(value)


def _whole(context: Context, form: str) -> float | None:
    match form:
        case "balance":
            return context.account.balance
        case "book" | "book_percent":
            return context.book
        case _:
            return context.account.equity


def _product(price: float, sizing: Sizing) -> str:
    rate = "" if sizing.rate == 1.0 else f" * {_number(sizing.rate)}"
    return f"{_number(price)} * {plain(sizing.contract_size)}{rate}"


def _number(value: float) -> str:
    return plain(to_decimal(float(f"{value:.{DIGITS}g}")).normalize())


def _money(value: float) -> str:
    return f"{value:,.2f}"
