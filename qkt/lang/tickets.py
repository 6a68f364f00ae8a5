"""Entries on their way out: the numbers of a ticket become the exact prices and quantities of a signal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from qkt.core.formula import Formula
from qkt.core.numbers import ZERO, q8, to_decimal
from qkt.core.terms import OrderKind, Side, TimeInForce
from qkt.lang.lots import Amount, Leg, UnusableError, defined, lots, positive_price
from qkt.lang.ranges import LEAST_PERCENT, STOP_PERCENT_LIMIT, TRAIL_PERCENT_LIMIT
from qkt.strategy import (
    BracketSpec,
    Context,
    EnterSignal,
    ExitForm,
    ExitHooks,
    ExitPrice,
    ScaleOut,
    ScaleOutPart,
    StackLayer,
    StackPlan,
    SteppedExit,
    Tier,
    TighteningExit,
    Trail,
    TrailingExit,
)

Managed: TypeAlias = TrailingExit | SteppedExit | TighteningExit

# A leg that follows the best price: how its distance is given.
TRAILS: dict[str, ExitForm] = {"TRAIL BY": ExitForm.BY, "TRAIL PCT": ExitForm.PCT}


@dataclass(frozen=True, slots=True)
class LayerTicket:
    """A layer of a pyramid after the seed, whose quantity it repeats without a size of its own."""

    size: Leg | None
    kind: OrderKind
    price: Formula
    limit: Formula | None = None


@dataclass(slots=True)
class Ticket:
    """What an entry asks for, as far as it is computed: None is Undefined. `close` is the latest close of its stream, `size` a
    form of SIZING and its number. `price` is the level of a limit or stop order and the distance of a trailing one. A target is
    one leg or `parts`."""

    side: Side
    symbol: str
    close: Amount
    size: Leg
    kind: OrderKind = OrderKind.MARKET
    price: Amount = None
    limit: Amount = None
    trail: ExitForm | None = None
    tif: TimeInForce = TimeInForce.GTC
    until: Amount = None
    stop_loss: Leg | Managed | None = None
    take_profit: Leg | None = None
    parts: tuple[tuple[Decimal, Leg], ...] = ()
    layers: tuple[LayerTicket, ...] = ()
    within_ms: int = 0
    tiers: tuple[Tier, ...] = ()
    on_fill: tuple[Ticket, ...] = ()
    hooks: ExitHooks | None = None
    time_exit_ms: int | None = None


def entry_signal(context: Context, rule: int | None, ticket: Ticket) -> EnterSignal:
    """The entry with what hangs on it. Raises UnusableError when any price or size of it cannot be used."""
    kind = ticket.kind
    at_market = kind is OrderKind.MARKET or kind is OrderKind.TRAILING_STOP
    expected = positive_price(ticket.close if at_market else ticket.price, "its price")
    if kind is OrderKind.IF_TOUCHED:
        kind = _side_of_market(ticket.side, expected, positive_price(ticket.close, "the market's price"))
    distance = _check_exits(ticket, expected)
    quantity = lots(context, ticket.symbol, ticket.size, expected, distance)
    stop, target = _stop(ticket.stop_loss), _target(ticket)
    bracket = None if stop is None and target is None else BracketSpec(stop, target)
    level = q8(to_decimal(expected))
    return EnterSignal(
        strategy=context.strategy,
        symbol=ticket.symbol,
        rule=rule,
        side=ticket.side,
        quantity=quantity,
        reference=level,
        kind=kind,
        limit=level if kind is OrderKind.LIMIT else _second(ticket),
        stop=level if kind in (OrderKind.STOP, OrderKind.STOP_LIMIT, OrderKind.IF_TOUCHED) else None,
        trail=_trail(ticket),
        tif=ticket.tif,
        expires_at=_instant(ticket.until) if ticket.tif is TimeInForce.GTD else None,
        bracket=bracket,
        stack=_stack(context, ticket, expected, quantity),
        tiers=ticket.tiers,
        on_fill=tuple(entry_signal(context, rule, child) for child in ticket.on_fill),
        hooks=ticket.hooks,
        time_exit_ms=ticket.time_exit_ms,
        plain=kind is OrderKind.MARKET and bracket is None and ticket.size[0] == "units" and not ticket.layers,
    )


def _side_of_market(side: Side, level: float, close: float) -> OrderKind:
    """An order that waits to be touched is a stop where the price lies ahead of the market in the trade's direction."""
    return OrderKind.STOP if (level - close) * side.sign > 0.0 else OrderKind.IF_TOUCHED


def _second(ticket: Ticket) -> Decimal | None:
    if ticket.kind is not OrderKind.STOP_LIMIT:
        return None
    return q8(to_decimal(positive_price(ticket.limit, "its limit")))


def _trail(ticket: Ticket) -> Trail | None:
    if ticket.trail is None:
        return None
    return _distance(ticket.trail, ticket.price, "its trail")


def _distance(form: ExitForm, amount: Amount, what: str) -> Trail:
    value = defined(amount, f"{what} is not defined")
    if value <= 0.0 or (form is ExitForm.PCT and value >= TRAIL_PERCENT_LIMIT):
        raise UnusableError(f"{what} of {value:.12g} is out of range", suppressed=True, sort=f"{what} is out of range")
    return Trail(ExitForm.PCT if form is ExitForm.PCT else ExitForm.BY, to_decimal(value))


def _instant(until: Amount) -> int:
    if until is None or not math.isfinite(until):
        raise UnusableError("its GTD time is not defined", suppressed=True)
    return int(until)


# ---------------------------------------------------------------- exits


def _check_exits(ticket: Ticket, expected: float) -> float | None:
    """The stop's distance from the price the entry is expected to get, None without a stop."""
    distance = None
    if ticket.stop_loss is not None:
        distance = abs(expected - _stop_level(ticket.stop_loss, expected, -ticket.side.sign))
    targets = [leg for _, leg in ticket.parts]
    if ticket.take_profit is not None:
        targets.append(ticket.take_profit)
    for leg in targets:
        _check_percent(leg, math.inf)
        _level(leg, expected, ticket.side.sign, distance, "its target")
    return distance


def _stop_level(stop: Leg | Managed, expected: float, direction: int) -> float:
    """Where the stop starts."""
    match stop:
        case TrailingExit(trail=trail):
            leg: Leg = (trail.form.value, float(trail.value))
        case SteppedExit(distance=distance) | TighteningExit(distance=distance):
            leg = (ExitForm.BY.value, float(distance))
        case (form, amount) if form in TRAILS:
            leg = (TRAILS[form].value, float(_distance(TRAILS[form], amount, "its stop").value))
        case _:
            leg = stop
            _check_percent(leg, STOP_PERCENT_LIMIT)
    return _level(leg, expected, direction, None, "its stop")


def _level(leg: Leg, entry: float, direction: int, distance: float | None, what: str) -> float:
    """The price of a protective leg, as far as it can be told before the fill. `distance` is the stop's."""
    form, amount = leg
    value = defined(amount, f"{what} is not defined")
    match form:
        case "AT":
            level = value
        case "BY":
            level = entry + direction * value
        case "PCT":
            level = entry + direction * entry * value / 100.0
        case _:
            level = entry + direction * value * (distance or 0.0)
    return positive_price(level, what)


def _check_percent(leg: Leg, limit: float) -> None:
    if leg[0] == "PCT" and leg[1] is not None and not LEAST_PERCENT <= leg[1] < limit:
        raise UnusableError(f"a protective price of {leg[1]:.12g} percent is out of range", suppressed=True, sort="its percent")


def _stop(stop: Leg | Managed | None) -> ExitPrice | Managed | None:
    if not isinstance(stop, tuple):
        return stop
    form, amount = stop
    return TrailingExit(_distance(TRAILS[form], amount, "its stop"), ZERO) if form in TRAILS else _exit(stop)


def _target(ticket: Ticket) -> ExitPrice | ScaleOut | None:
    if ticket.parts:
        return ScaleOut(tuple(ScaleOutPart(fraction, _exit(leg)) for fraction, leg in ticket.parts))
    return None if ticket.take_profit is None else _exit(ticket.take_profit)


def _exit(leg: Leg) -> ExitPrice:
    form, value = ExitForm(leg[0]), to_decimal(leg[1] or 0.0)
    return ExitPrice(form, q8(value) if form is ExitForm.AT else value)


# ---------------------------------------------------------------- pyramids


def _stack(context: Context, ticket: Ticket, expected: float, quantity: Decimal) -> StackPlan | None:
    """The layers after the seed, their sizes taken now: each as if the seed were filled where it is expected."""
    if not ticket.layers:
        return None
    layers = []
    for layer in ticket.layers:
        own = quantity
        if layer.size is not None:
            own = _layer_quantity(context, ticket, layer, expected)
        layers.append(StackLayer(own, layer.kind, layer.price, layer.limit))
    return StackPlan(tuple(layers), ticket.within_ms)


def _layer_quantity(context: Context, ticket: Ticket, layer: LayerTicket, seed: float) -> Decimal:
    assert layer.size is not None
    try:
        price = float(layer.price.at(to_decimal(seed)))
    except ZeroDivisionError:
        raise UnusableError("a layer's price is not defined", suppressed=False) from None
    price = positive_price(price, "a layer's price")
    return lots(context, ticket.symbol, layer.size, price, _check_exits(ticket, price))
