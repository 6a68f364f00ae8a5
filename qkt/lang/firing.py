"""A firing rule: its actions are evaluated against one state, turned into signals and sent together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from qkt.core.numbers import ZERO, plain, q8, to_decimal
from qkt.core.terms import OrderKind, Side
from qkt.strategy import (
    BracketSpec,
    CancelSignal,
    CloseSignal,
    Context,
    EnterSignal,
    ExitForm,
    ExitPrice,
    LegSize,
    Signal,
)

Amount = float | None
Leg = tuple[str, Amount]

LEAST_PERCENT = 0.01
STOP_PERCENT_LIMIT = 50.0


class UnusableError(Exception):
    """An action that cannot be sent. `suppressed` keeps its rule armed."""

    def __init__(self, reason: str, *, suppressed: bool) -> None:
        super().__init__(reason)
        self.suppressed = suppressed


class Desk:
    """What the firings of one running strategy share. A complaint about an action is logged once."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._said: set[tuple[int | None, int, str]] = set()

    def complain(self, rule: int | None, action: int, reason: str) -> None:
        if (rule, action, reason) not in self._said:
            self._said.add((rule, action, reason))
            self.context.log("WARN", reason if rule is None else f"rule {rule}: {reason}")


class Firing:
    """Collects the signals of one rule, or of a clause that belongs to none."""

    def __init__(self, desk: Desk, rule: int | None) -> None:
        self._desk = desk
        self._context = desk.context
        self._rule = rule
        self._signals: list[Signal] = []
        self._suppressed = 0

    def send(self) -> bool:
        """Send what came together. True sets the rule's flag, False leaves it armed."""
        if not self._signals and not self._suppressed:
            return True
        return self._context.fire(self._rule, self._signals, self._suppressed)

    def enter(self, action: int, side: str, symbol: str, close: Amount, size: Leg, **rest: Any) -> None:
        """BUY or SELL. `close` is the latest close of the stream, `size` a form of SIZING and its number."""
        try:
            self._signals.append(self._entry(Side(side), symbol, close, size, **rest))
        except UnusableError as problem:
            self._drop(action, f"{side} {symbol} is not sent: {problem}", problem)

    def close(self, symbol: str) -> None:
        """Cancel the symbol's working orders and close what is open."""
        self._signals.append(self._cancel(symbol))
        legs = self._context.legs(symbol)
        if legs:
            self._signals.append(CloseSignal(self._context.strategy, symbol, self._rule, legs))

    def reduce(self, action: int, symbol: str, close: Amount, size: Leg) -> None:
        """Close a part of the net position, oldest legs first."""
        legs = self._context.legs(symbol)
        if not legs:
            return
        try:
            quantity = self._quantity(symbol, size, _defined(close, "the stream has no candle yet"), None)
        except UnusableError as problem:
            self._drop(action, f"CLOSE {symbol} is not sent: {problem}", problem)
            return
        parts = _oldest(legs, quantity)
        if parts:
            self._signals.append(CloseSignal(self._context.strategy, symbol, self._rule, parts))

    def close_all(self, declared: Sequence[str]) -> None:
        self.cancel(declared, False)
        for symbol in self._context.open_symbols():
            self._signals.append(CloseSignal(self._context.strategy, symbol, self._rule, self._context.legs(symbol)))

    def cancel(self, symbols: Sequence[str], including_protection: bool) -> None:
        self._signals.extend(self._cancel(symbol, including_protection) for symbol in symbols)

    def log(self, level: str, text: str, fields: Mapping[str, float | bool | str | None]) -> None:
        """Write at once. Fields that the text does not place are added at its end."""
        for name, value in fields.items():
            placeholder, shown = "{" + name + "}", _shown(value)
            text = text.replace(placeholder, shown) if placeholder in text else f"{text} {name}={shown}"
        self._context.log(level, text)

    # ------------------------------------------------------------ entries

    def _entry(
        self,
        side: Side,
        symbol: str,
        close: Amount,
        size: Leg,
        *,
        kind: str = OrderKind.MARKET.value,
        price: Amount = None,
        limit: Amount = None,
        stop_loss: Leg | None = None,
        take_profit: Leg | None = None,
        **expiry: Amount,
    ) -> EnterSignal:
        order = OrderKind(kind)
        expected = _price(close if order is OrderKind.MARKET else price, "its price")
        second = _price(limit, "its limit") if order is OrderKind.STOP_LIMIT else None
        distance = None
        if stop_loss is not None:
            stop = _level(stop_loss, expected, -side.sign, None, "its stop")
            distance = abs(expected - stop)
        if take_profit is not None:
            _level(take_profit, expected, side.sign, distance, "its target")
        _check_percent(stop_loss, STOP_PERCENT_LIMIT)
        _check_percent(take_profit, math.inf)
        quantity = self._quantity(symbol, size, expected, distance)
        bracket = None if stop_loss is None and take_profit is None else BracketSpec(_exit(stop_loss), _exit(take_profit))
        return EnterSignal(
            strategy=self._context.strategy,
            symbol=symbol,
            rule=self._rule,
            side=side,
            quantity=quantity,
            reference=q8(to_decimal(expected)),
            kind=order,
            limit=_limit(order, expected, second),
            stop=q8(to_decimal(expected)) if order in (OrderKind.STOP, OrderKind.STOP_LIMIT) else None,
            expires_at=_instant(expiry["until"]) if "until" in expiry else None,
            bracket=bracket,
            plain=order is OrderKind.MARKET and bracket is None and size[0] == "units",
        )

    def _quantity(self, symbol: str, size: Leg, expected: float, distance: float | None) -> Decimal:
        form, amount = size
        if amount is None or not math.isfinite(amount):
            raise UnusableError("its size is not defined", suppressed=True)
        quantity = abs(amount) if form == "position" else amount
        if form not in ("units", "position"):
            quantity = self._money(form, amount) / self._money_per_lot(form, symbol, expected, distance)
        lots = to_decimal(quantity) if math.isfinite(quantity) else ZERO
        if lots <= ZERO:
            raise UnusableError("its size is not positive", suppressed=True)
        return lots

    def _money(self, form: str, amount: float) -> float:
        """What the order may cost or risk, in account currency."""
        account = self._context.account
        match form:
            case "equity":
                return account.equity * (amount / 100.0)
            case "balance":
                return account.balance * (amount / 100.0)
            case "risk":
                return account.equity * amount
            case "risk_percent":
                return account.equity * (amount / 100.0)
            case _:
                return amount

    def _money_per_lot(self, form: str, symbol: str, expected: float, distance: float | None) -> float:
        """The value of one lot, or the loss of one lot at the stop."""
        risk = form.startswith("risk")
        if risk and not distance:
            raise UnusableError("its stop has no distance from the entry", suppressed=True)
        contract = float(self._context.instrument(symbol).contract_size)
        return (distance or expected if risk else expected) * contract * self._context.fx(symbol)

    def _cancel(self, symbol: str, including_protection: bool = False) -> CancelSignal:
        return CancelSignal(self._context.strategy, symbol, self._rule, including_protection)

    def _drop(self, action: int, text: str, problem: UnusableError) -> None:
        self._suppressed += problem.suppressed
        self._desk.complain(self._rule, action, text)


def _defined(value: Amount, complaint: str) -> float:
    if value is None or not math.isfinite(value):
        raise UnusableError(complaint, suppressed=False)
    return value


def _price(value: Amount, what: str) -> float:
    price = _defined(value, f"{what} is not defined")
    if price <= 0.0:
        raise UnusableError(f"{what} is not positive", suppressed=True)
    return price


def _level(leg: Leg, entry: float, direction: int, distance: float | None, what: str) -> float:
    """The price of a protective leg, as far as it can be told before the fill. `distance` is the stop's."""
    form, amount = leg
    value = _defined(amount, f"{what} is not defined")
    match form:
        case "AT":
            level = value
        case "BY":
            level = entry + direction * value
        case "PCT":
            level = entry + direction * entry * value / 100.0
        case _:
            level = entry + direction * value * (distance or 0.0)
    return _price(level, what)


def _check_percent(leg: Leg | None, limit: float) -> None:
    if leg is not None and leg[0] == "PCT" and not LEAST_PERCENT <= (leg[1] or 0.0) < limit:
        raise UnusableError(f"a protective price of {leg[1]} percent is out of range", suppressed=True)


def _exit(leg: Leg | None) -> ExitPrice | None:
    if leg is None:
        return None
    form, value = ExitForm(leg[0]), to_decimal(leg[1] or 0.0)
    return ExitPrice(form, q8(value) if form is ExitForm.AT else value)


def _limit(kind: OrderKind, price: float, second: float | None) -> Decimal | None:
    if kind is OrderKind.LIMIT:
        return q8(to_decimal(price))
    return None if second is None else q8(to_decimal(second))


def _instant(until: Amount) -> int:
    if until is None or not math.isfinite(until):
        raise UnusableError("its GTD time is not defined", suppressed=True)
    return int(until)


def _oldest(legs: Sequence[LegSize], quantity: Decimal) -> tuple[LegSize, ...]:
    """Parts of the legs on the net side that make up the quantity, or all of them."""
    net = sum((leg.quantity * leg.side.sign for leg in legs), ZERO)
    parts = []
    for leg in legs:
        if quantity > ZERO and leg.side.sign * net >= ZERO:
            part = min(quantity, leg.quantity)
            parts.append(leg._replace(quantity=part))
            quantity -= part
    return tuple(parts)


def _shown(value: float | bool | str | None) -> str:
    match value:
        case None:
            return "undefined"
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case _:
            return plain(to_decimal(value)) if math.isfinite(value) else str(value)
