"""Checked expressions and actions as sentences: LETs and PARAMs are put in, DEFAULTS applied, FOR EACH taken apart."""

from __future__ import annotations

from typing import TypeAlias, assert_never

from qkt.backtest.phrases import duration
from qkt.core.terms import OrderKind
from qkt.lang import values as v
from qkt.lang.fields import STATE_FIELDS
from qkt.lang.program import CancelOrders, CloseEverything, CloseOne, Deed, Enter, Protection, Size, WriteLog
from qkt.strategy import ExitForm

# How tightly a form binds; what binds less than its surroundings needs goes into brackets.
OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, ATOM = range(8)

STATES = {attribute: f"{group}.{name}" for group, names in STATE_FIELDS.items() for name, attribute in names.items()}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def words(value: v.Expression, needed: int = OR) -> str:
    """The expression as text, in brackets when it binds less than `needed`."""
    text, binding = _words(value)
    return f"({text})" if binding < needed else text


def _words(value: v.Expression) -> tuple[str, int]:
    match value:
        case v.Both(left, right):
            return f"{words(left, AND)} and {words(right, AND)}", AND
        case v.Either(left, right):
            return f"{words(left, OR)} or {words(right, OR)}", OR
        case v.Opposite(inner):
            return f"not {words(inner, ATOM)}", NOT
        case v.Comparison(op, left, right):
            return f"{words(left, SUM)} {op} {words(right, SUM)}", COMPARISON
        case v.Cross(above, left, right):
            return f"{words(left, SUM)} crosses {'above' if above else 'below'} {words(right, SUM)}", COMPARISON
        case v.Within(inner, low, high):
            return f"{words(inner, SUM)} is between {words(low, SUM)} and {words(high, SUM)}", COMPARISON
        case v.Member(inner, members):
            return f"{words(inner, SUM)} is one of {', '.join(words(member, SUM) for member in members)}", COMPARISON
        case v.Missing(inner):
            return f"{words(inner, SUM)} is undefined", COMPARISON
        case v.ClockWindow():
            return _window(value), COMPARISON
        case v.Math(op, left, right):
            binding = SUM if op in "+-" else PRODUCT
            return f"{words(left, binding)} {op} {words(right, binding + 1)}", binding
        case v.Negative(inner):
            return f"-{words(inner, SIGN)}", SIGN
        case v.Choice(branches, otherwise):
            cases = ", ".join(f"{words(then)} if {words(when)}" for when, then in branches)
            return f"({cases}, else {words(otherwise)})", ATOM
        case v.AsNumber(inner) | v.AsFlag(inner):
            return _words(inner)
        case _:
            return _name(value), ATOM


Named: TypeAlias = (
    v.Const
    | v.Broken
    | v.Stream
    | v.Read
    | v.InstrumentRead
    | v.Indicator
    | v.Past
    | v.Apply
    | v.PositionRead
    | v.AccountRead
    | v.OrdersRead
    | v.Clock
)


def _name(value: Named) -> str:
    match value:
        case v.Const(literal):
            return _literal(literal)
        case v.Stream(alias, kind):
            return alias if kind == "candle" else f"{alias}.{kind}"
        case v.Read(alias, field) | v.InstrumentRead(alias, field):
            return f"{alias}.{field}"
        case v.Indicator(name, series, constants, alias):
            inputs = [words(one) for one in series] or [alias]
            if name.endswith("_OVER"):
                return f"{name.removesuffix('_OVER').lower()}({inputs[0]}) over {_literal(constants[0])} bars"
            return f"{name.lower()}({', '.join([*inputs, *(_literal(one) for one in constants)])})"
        case v.Apply(name, args):
            return f"{name.lower()}({', '.join(words(arg) for arg in args)})"
        case v.Past(inner, bars):
            return f"{words(inner, ATOM)}[{bars}]"
        case v.PositionRead(alias, field):
            return f"POSITION.{alias}" if field == "quantity" else f"POSITION.{alias}.{field}"
        case v.AccountRead(attribute):
            return STATES.get(attribute, f"ACCOUNT.{attribute}")
        case v.OrdersRead(alias):
            return f"OPEN_ORDERS.{alias}"
        case v.Clock(field):
            return "NOW" if field == "epoch_ms" else f"NOW.{field}"
        case v.Broken():
            return "?"
        case _:
            assert_never(value)


def _literal(value: float | bool | str | None) -> str:
    match value:
        case None:
            return "undefined"
        case bool():
            return "true" if value else "false"
        case str():
            return f"'{value}'"
        case _:
            return f"{value:.12g}"


def _window(window: v.ClockWindow) -> str:
    if window.kind == "last_trading_day":
        return "it is the month's last trading day"
    if window.kind == "session":
        first, last = (f"{minute // 60:02d}:{minute % 60:02d}" for minute in (window.first, window.last))
        return f"the time is between {first} and {last} UTC"
    first, last = (f"{day % 100} {MONTHS[day // 100 - 1]}" for day in (window.first, window.last))
    return f"the day is between {first} and {last}"


def deed_words(deed: Deed) -> list[str]:
    """An action, and what belongs to it, line by line."""
    match deed:
        case Enter():
            return _entry(deed)
        case CloseOne(alias, size):
            return [f"close {alias}" if size is None else f"close a part of {alias}: {_size(size)}"]
        case CloseEverything():
            return ["close every position"]
        case CancelOrders(alias, including_protection):
            whose = "of all streams" if alias is None else f"of {alias}"
            return [f"cancel the working orders {whose}" + (", protective exits too" if including_protection else "")]
        case WriteLog(level, text, fields):
            told = "".join(f", {name} = {words(value)}" for name, value in fields)
            return [f"log '{text}'{told} ({level})"]
        case _:
            assert_never(deed)


def _entry(deed: Enter) -> list[str]:
    lines = [f"{deed.side.value.lower()} {deed.alias}: {_size(deed.size)}, {_order(deed)}"]
    if deed.until is not None:
        lines.append(_expiry(deed.until))
    if deed.stop_loss is not None:
        lines.append(f"stop loss {_protection(deed.stop_loss)}")
    if deed.take_profit is not None:
        lines.append(f"take profit {_protection(deed.take_profit)}")
    return lines


def _expiry(until: v.Expression) -> str:
    match until:
        case v.Math("+", v.Clock("epoch_ms"), v.Const(float() as ms)):
            return f"good for {duration(ms / 1000)}"
        case _:
            return f"good until {words(until)} (epoch ms)"


def _order(deed: Enter) -> str:
    price = "" if deed.price is None else words(deed.price)
    match deed.kind:
        case OrderKind.MARKET:
            return "at market"
        case OrderKind.LIMIT:
            return f"limit at {price}"
        case OrderKind.STOP:
            return f"stop at {price}"
        case OrderKind.STOP_LIMIT:
            return f"stop at {price} with a limit at {'' if deed.limit is None else words(deed.limit)}"
        case _:
            return f"{deed.kind.value} at {price}"


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
        case "risk":
            if isinstance(size.value, v.Const) and isinstance(size.value.value, float):
                return f"risking {_literal(size.value.value * 100)} % of equity"
            return f"risking {value} times the equity"
        case "risk_percent":
            return f"risking {value} % of equity"
        case "risk_money":
            return f"risking {value} of account currency"
        case _:
            assert_never(size.form)
