"""A firing rule: its actions are evaluated against one state, turned into signals and sent together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from qkt.core.events import LatchBroken, PositionExited
from qkt.core.numbers import ZERO, exact, floor_to, plain, q8, to_decimal
from qkt.core.terms import LegRole, Purpose
from qkt.lang.breaking import LatchTicket, break_signal
from qkt.lang.lots import Amount, Leg, UnusableError, defined, lots, positive_price, target
from qkt.lang.tickets import Ticket, entry_signal
from qkt.strategy import (
    CancelSignal,
    CloseSignal,
    Confirmation,
    Context,
    EnterSignal,
    LatchSignal,
    LegSize,
    OcoEntrySignal,
    Signal,
)

RESIZE_SHARE = Decimal("0.05")


class Desk:
    """What the firings of one running strategy share. A complaint about an action is logged once of each sort. `hooks` and
    `latches` are the functions that answer an exit, by the number of the hooks and its reason, and the break of a latch, by its
    number."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.hooks: dict[tuple[int, Purpose], Callable[[int, PositionExited], bool]] = {}
        self.latches: dict[int, Callable[[int, LatchBroken], bool]] = {}
        self._said: set[tuple[int | None, int, str]] = set()

    def complain(self, rule: int | None, action: int, sort: str, text: str) -> None:
        if (rule, action, sort) not in self._said:
            self._said.add((rule, action, sort))
            self.context.log("WARN", text if rule is None else f"rule {rule + 1}: {text}")


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

    def enter(self, action: int, ticket: Ticket) -> None:
        """BUY or SELL."""
        try:
            self._signals.append(entry_signal(self._context, self._rule, ticket))
        except UnusableError as problem:
            self._drop(action, f"{ticket.side} {ticket.symbol} is not sent: {problem}", problem)

    def enter_one(self, action: int, first: Ticket, second: Ticket) -> None:
        """OCO_ENTRY: both or none are sent."""
        try:
            one = entry_signal(self._context, self._rule, first)
            other = entry_signal(self._context, self._rule, second)
        except UnusableError as problem:
            self._drop(action, f"OCO_ENTRY on {first.symbol} is not sent: {problem}", problem)
            return
        self._signals.append(OcoEntrySignal(self._context.strategy, first.symbol, self._rule, one, other))

    def enter_each(self, action: int, tickets: Sequence[Ticket]) -> None:
        """BUY or SELL of a basket: every member is an order of its own, all or none are sent."""
        try:
            self._signals.extend([entry_signal(self._context, self._rule, ticket) for ticket in tickets])
        except UnusableError as problem:
            self._drop(action, f"the basket is not sent: {problem}", problem)

    def arm(
        self,
        action: int,
        symbol: str,
        latch: int,
        stream: str,
        reference: Amount,
        offset: Amount,
        arm_ms: int,
        confirm: Confirmation | None,
    ) -> None:
        """LATCH: wires `offset` above and below the reference."""
        try:
            middle = to_decimal(positive_price(reference, "its reference"))
            reach = to_decimal(defined(offset, "its OFFSET is not defined"))
        except UnusableError as problem:
            self._drop(action, f"LATCH {symbol} is not armed: {problem}", problem)
            return
        up, down = q8(middle + reach), q8(middle - reach)
        strategy = self._context.strategy
        self._signals.append(LatchSignal(strategy, symbol, self._rule, latch, stream, up, down, arm_ms, confirm))

    def follow(self, action: int, broken: LatchBroken, ticket: LatchTicket) -> None:
        """One ENTER of a latch that committed."""
        try:
            self._signals.append(break_signal(self._context, self._rule, broken, ticket))
        except UnusableError as problem:
            self._drop(action, f"the latch's entry on {ticket.symbol} is not sent: {problem}", problem)

    def resize(self, action: int, symbol: str, close: Amount, size: Leg, min_step: Amount = None) -> None:
        """Bring the primary leg to a size, unless the difference is too small to be worth it."""
        primary = next((leg for leg in self._context.legs(symbol) if leg.role is LegRole.PRIMARY), None)
        if primary is None:
            return
        try:
            self._resize(symbol, primary, defined(close, "the stream has no candle yet"), size, min_step)
        except UnusableError as problem:
            self._drop(action, f"RESIZE {symbol} is not sent: {problem}", problem)

    def _resize(self, symbol: str, primary: LegSize, close: float, size: Leg, min_step: Amount) -> None:
        instrument = self._context.instrument(symbol)
        wanted = max(ZERO, target(self._context, symbol, size, close, None))
        change = wanted - primary.quantity
        given = min_step is not None and math.isfinite(min_step)
        step = to_decimal(min_step) if given and min_step is not None else exact(wanted, RESIZE_SHARE)
        if change == ZERO or abs(change) < max(step, instrument.volume_min):
            return
        quantity = primary.quantity if wanted == ZERO else floor_to(abs(change), instrument.volume_step)
        if quantity <= ZERO or (wanted > ZERO and quantity < instrument.volume_min):
            raise UnusableError(f"a change of {quantity:f} lots cannot be traded", suppressed=True, sort="its change")
        strategy, reference = self._context.strategy, q8(to_decimal(close))
        if change > ZERO:
            grown = EnterSignal(strategy, symbol, self._rule, primary.side, quantity, reference, plain=True)
            self._signals.append(grown)
        else:
            part = primary._replace(quantity=quantity)
            self._signals.append(self._closing(symbol, (part,), close))

    def close(self, symbol: str, close: Amount) -> None:
        """Cancel the symbol's working orders and close every leg. `close` is the price the strategy saw."""
        self._signals.append(self._cancel(symbol))
        legs = self._context.legs(symbol)
        if legs:
            self._signals.append(self._closing(symbol, legs, close))

    def close_each(self, members: Sequence[tuple[str, Amount]]) -> None:
        """CLOSE of a basket, member by member."""
        for symbol, close in members:
            self.close(symbol, close)

    def reduce(self, action: int, symbol: str, close: Amount, size: Leg) -> None:
        """Close a part of the net position, oldest legs first."""
        legs = self._context.legs(symbol)
        if not legs:
            return
        try:
            expected = defined(close, "the stream has no candle yet")
            quantity = lots(self._context, symbol, size, expected, None)
        except UnusableError as problem:
            self._drop(action, f"CLOSE {symbol} is not sent: {problem}", problem)
            return
        parts = _oldest(legs, quantity)
        if parts:
            self._signals.append(self._closing(symbol, parts, close))

    def close_all(self, declared: Sequence[str]) -> None:
        self.cancel(declared, False)
        for symbol in self._context.open_symbols():
            self._signals.append(self._closing(symbol, self._context.legs(symbol), None))

    def cancel(self, symbols: Sequence[str], including_protection: bool) -> None:
        self._signals.extend(self._cancel(symbol, including_protection) for symbol in symbols)

    def log(self, level: str, text: str, fields: Mapping[str, float | bool | str | None]) -> None:
        """Write at once. Fields that the text does not place are added at its end."""
        for name, value in fields.items():
            placeholder, shown = "{" + name + "}", _shown(value)
            text = text.replace(placeholder, shown) if placeholder in text else f"{text} {name}={shown}"
        self._context.log(level, text)

    def _cancel(self, symbol: str, including_protection: bool = False) -> CancelSignal:
        return CancelSignal(self._context.strategy, symbol, self._rule, including_protection)

    def _closing(self, symbol: str, legs: tuple[LegSize, ...], close: Amount) -> CloseSignal:
        seen = close is not None and math.isfinite(close)
        reference = q8(to_decimal(close)) if seen and close is not None else None
        return CloseSignal(self._context.strategy, symbol, self._rule, legs, reference)

    def _drop(self, action: int, text: str, problem: UnusableError) -> None:
        self._suppressed += problem.suppressed
        self._desk.complain(self._rule, action, problem.sort, text)


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
