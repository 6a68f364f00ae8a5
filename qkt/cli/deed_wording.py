"""Checked actions as sentences, DEFAULTS applied."""

from __future__ import annotations

from decimal import Decimal
from typing import assert_never

from qkt.backtest.phrases import duration
from qkt.cli.wording import PRODUCT, literal_words, words
from qkt.core.formula import Formula
from qkt.core.numbers import plain
from qkt.core.terms import OrderKind, Purpose, TimeInForce
from qkt.lang import values as v
from qkt.lang.deeds import (
    ArmLatch,
    CancelOrders,
    CloseEverything,
    CloseOne,
    Deed,
    Enter,
    EnterBasket,
    EnterOne,
    LatchEnter,
    Layer,
    Order,
    Parts,
    Protection,
    ResizePosition,
    Size,
    StopLoss,
    TakeProfit,
    Trailing,
    WriteLog,
)
from qkt.strategy import Confirmation, ExitForm, SteppedExit, Tier, TighteningExit, TrailingExit

REASONS = {Purpose.STOP_LOSS: "its stop", Purpose.TAKE_PROFIT: "its target", Purpose.CLOSE: "anything else"}
LIVES = {
    TimeInForce.IOC: "fill at once what is possible, cancel the rest",
    TimeInForce.FOK: "fill whole at once or cancel",
    TimeInForce.DAY: "good for the session",
}


def deed_words(deed: Deed) -> list[str]:
    """An action, and what belongs to it, line by line."""
    match deed:
        case Enter():
            return _entry(deed)
        case EnterOne(first, second):
            return ["enter one of two, the first fill cancels the other:", *_below(_entry(first)), *_below(_entry(second))]
        case EnterBasket(side, basket, members, money):
            worth = f"{words(money, PRODUCT)} USD in equal parts"
            return [f"{side.value.lower()} the basket {basket} ({', '.join(members)}): {worth}, at market"]
        case ArmLatch():
            return _latch(deed)
        case CloseOne(alias, size):
            return [f"close {alias}" if size is None else f"close a part of {alias}: {_size(size)}"]
        case CloseEverything():
            return ["close every position"]
        case ResizePosition(alias, size, min_step):
            least = "5 % of that" if min_step is None else f"{words(min_step, PRODUCT)} lots"
            return [f"resize {alias} to {_size(size)} when it differs by {least} or more"]
        case CancelOrders(alias, including_protection):
            whose = "of all streams" if alias is None else f"of {alias}"
            return [f"cancel the working orders {whose}" + (", protective exits too" if including_protection else "")]
        case WriteLog(level, text, fields):
            told = "".join(f", {name} = {words(value)}" for name, value in fields)
            return [f"log '{text}'{told} ({level})"]
        case _:
            assert_never(deed)


def _below(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _ms(ms: int) -> str:
    return duration(ms / 1000)


# ---------------------------------------------------------------- entries


def _entry(deed: Enter) -> list[str]:
    lines = [f"{deed.side.value.lower()} {deed.alias}: {_size(deed.size)}, {_order(deed.order)}"]
    if deed.order.until is not None:
        lines.append(_expiry(deed.order.until))
    elif deed.order.tif in LIVES:
        lines.append(LIVES[deed.order.tif])
    if deed.stop_loss is not None:
        lines.append(f"stop loss {_stop(deed.stop_loss)}")
    if deed.take_profit is not None:
        lines.append(f"take profit {_target(deed.take_profit)}")
    if deed.time_exit_ms is not None:
        lines.append(f"close it {_ms(deed.time_exit_ms)} after its fill")
    if deed.layers is not None:
        exits = "" if deed.stop_loss is None and deed.take_profit is None else ", each layer with exits of its own"
        lines.append(f"add to it within {_ms(deed.layers.within_ms)} of the fill{exits}:")
        lines.extend(f"  {_layer(layer)}" for layer in deed.layers.layers)
    lines.extend(_tier(tier) for tier in deed.tiers)
    if deed.on_fill:
        lines.append("when it is filled:")
        lines.extend(line for child in deed.on_fill for line in _below(_entry(child)))
    if deed.hooks is not None:
        for reason, deeds in deed.hooks.deeds:
            lines.append(f"when it is closed by {REASONS[reason]}:")
            lines.extend(line for child in deeds for line in _below(deed_words(child)))
    return lines


def _expiry(until: v.Expression) -> str:
    match until:
        case v.Math("+", v.Clock("epoch_ms"), v.Const(float() as ms)):
            return f"good for {duration(ms / 1000)}"
        case _:
            return f"good until {words(until)} (epoch ms)"


def _order(order: Order) -> str:
    price = "" if order.price is None else words(order.price)
    match order.kind:
        case OrderKind.MARKET:
            return "at market"
        case OrderKind.LIMIT:
            return f"limit at {price}"
        case OrderKind.STOP:
            return f"stop at {price}"
        case OrderKind.STOP_LIMIT:
            return f"stop at {price} with a limit at {'' if order.limit is None else words(order.limit)}"
        case OrderKind.IF_TOUCHED:
            return f"when {price} is touched"
        case _:
            return f"when the price turns {price}{' %' if order.trail is ExitForm.PCT else ''} from its best since then"


def _stop(stop: StopLoss) -> str:
    match stop:
        case Protection():
            return _protection(stop)
        case Trailing(form, value):
            return f"{words(value, PRODUCT)}{' %' if form is ExitForm.PCT else ''} behind the best price since the fill"
        case TrailingExit(trail, arm_after):
            return f"{plain(trail.value)} behind the best price once it has moved {plain(arm_after)} in favour"
        case SteppedExit(distance, steps):
            moves = ", ".join(f"to the fill + {plain(s.offset)} after a gain of {plain(s.threshold)}" for s in steps)
            return f"{plain(distance)} away from the fill, moved {moves}"
        case TighteningExit(distance, by, interval_ms, floor):
            return f"{plain(distance)} away from the fill, {plain(by)} nearer every {_ms(interval_ms)} down to {plain(floor)}"
        case _:
            assert_never(stop)


def _target(target: TakeProfit) -> str:
    match target:
        case Protection():
            return _protection(target)
        case Parts(parts):
            return ", ".join(f"{plain((share * 100).normalize())} % {_protection(leg)}" for share, leg in parts)
        case _:
            assert_never(target)


def _protection(leg: Protection) -> str:
    value = words(leg.value)
    match leg.form:
        case ExitForm.AT:
            return f"at {value}"
        case ExitForm.BY:
            return f"{words(leg.value, PRODUCT)} away from the fill"
        case ExitForm.PCT:
            return f"{words(leg.value, PRODUCT)} % away from the fill"
        case ExitForm.RR:
            return f"at {words(leg.value, PRODUCT)} times the stop's distance"
        case _:
            assert_never(leg.form)


def _layer(layer: Layer) -> str:
    size = "the same size" if layer.size is None else _size(layer.size)
    price = "" if layer.price is None else _formula(layer.price, "the fill")
    match layer.kind:
        case OrderKind.LIMIT:
            return f"{size}, limit at {price}"
        case OrderKind.STOP_LIMIT:
            return f"{size}, stop at {price} with a limit at {'' if layer.limit is None else _formula(layer.limit, 'the fill')}"
        case OrderKind.STOP:
            return f"{size}, stop at {price}"
        case _:
            return f"{size}, when {price} is touched"


def _tier(tier: Tier) -> str:
    if tier.recover is None:
        when = f"a gain of {plain(tier.threshold)}"
    else:
        when = f"a loss of {plain(tier.threshold)} and a recovery of {plain(tier.recover)}"
    size = f"{_formula(tier.quantity, 'the filled quantity')} lots"
    exits = f"stop loss {plain(tier.stop_distance)}, take profit {plain(tier.target_distance)} away"
    return f"after {when} within {_ms(tier.within_ms)} add {size}, {exits}"


def _formula(formula: Formula, unknown: str) -> str:
    """The arithmetic in its usual form, with brackets around every part that is a sum or product itself."""
    stack: list[tuple[str, bool]] = []
    for item in formula.code:
        if isinstance(item, Decimal):
            stack.append((plain(item), False))
        elif item == "x":
            stack.append((unknown, False))
        elif item == "neg":
            stack.append((f"-{_bracketed(*stack.pop())}", False))
        else:
            right, left = stack.pop(), stack.pop()
            stack.append((f"{_bracketed(*left)} {item} {_bracketed(*right)}", True))
    return stack[0][0]


def _bracketed(text: str, compound: bool) -> str:
    return f"({text})" if compound else text


# ---------------------------------------------------------------- latches and sizes


def _latch(deed: ArmLatch) -> list[str]:
    middle = f"{deed.alias}.close" if deed.reference is None else words(deed.reference)
    head = f"watch {deed.alias} for {_ms(deed.arm_ms)}: {words(deed.offset, PRODUCT)} above and below {middle}"
    return [f"{head}; when it breaks{_confirmed(deed.confirm)}:", *(f"  {_latch_entry(entry)}" for entry in deed.entries)]


def _confirmed(confirm: Confirmation | None) -> str:
    if confirm is None:
        return ""
    match confirm.kind:
        case "CLOSE_BEYOND":
            return " and a bar closes beyond"
        case "TIME_IN_BREACH":
            return f" and stays beyond for {_ms(confirm.ms)}"
        case "RETEST_HOLD":
            return f" and within {_ms(confirm.ms)} holds a retest {plain(confirm.distance)} wide"
        case _:
            assert_never(confirm.kind)


def _latch_entry(entry: LatchEnter) -> str:
    start = "its latest price" if entry.elsewhere else "the wire"
    size = "1 lot" if entry.size is None else _size(entry.size)
    order = "at market" if entry.kind is OrderKind.MARKET else f"{entry.kind.value.lower()} {_offset(entry.price, start)}"
    parts = [f"enter {entry.on} with the break: {size}, {order}"]
    if entry.stop_loss is not None:
        parts.append(f"stop loss {_offset(entry.stop_loss, start)}")
    if entry.take_profit is not None:
        parts.append(f"take profit {_offset(entry.take_profit, start)}")
    if entry.expire_ms is not None and entry.kind is not OrderKind.MARKET:
        parts.append(f"good for {_ms(entry.expire_ms)}")
    return ", ".join(parts)


def _offset(offset: Decimal, start: str) -> str:
    return f"{plain(abs(offset))} {'beyond' if offset >= 0 else 'behind'} {start}"


def _size(size: Size) -> str:
    value = words(size.value, PRODUCT)
    match size.form:
        case "units":
            return f"{value} lots"
        case "position":
            return f"as many lots as {value}"
        case "money":
            return f"worth {value} USD"
        case "equity" | "balance":
            return f"worth {value} % of {size.form}"
        case "risk" | "book":
            whose = "equity" if size.form == "risk" else "the book"
            if isinstance(size.value, v.Const) and isinstance(size.value.value, float):
                return f"risking {literal_words(size.value.value * 100)} % of {whose}"
            return f"risking {value} times {'the equity' if size.form == 'risk' else whose}"
        case "risk_percent" | "book_percent":
            return f"risking {value} % of {'equity' if size.form == 'risk_percent' else 'the book'}"
        case "risk_money":
            return f"risking {value} of account currency"
        case _:
            assert_never(size.form)
