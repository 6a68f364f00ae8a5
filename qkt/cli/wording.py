"""Checked expressions as words: LETs and PARAMs are put in, FOR EACH is taken apart."""

from __future__ import annotations

from typing import TypeAlias, assert_never

from qkt.lang import values as v
from qkt.lang.fields import STATE_FIELDS

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
        case v.Math("+" | "-" as op, v.ExitRead("price"), v.Math("*", v.ExitRead("direction"), distance)):
            way = "in the direction of" if op == "+" else "against"
            return f"{words(distance, PRODUCT)} from EXIT.price {way} the exit's fill", SUM
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
    | v.BasketPosition
    | v.Captured
    | v.SinceOpen
    | v.SequenceRead
    | v.AccountRead
    | v.OrdersRead
    | v.ExitRead
    | v.Unknown
    | v.Clock
)


def _name(value: Named) -> str:
    match value:
        case v.Const(literal):
            return literal_words(literal)
        case v.Stream(alias, kind):
            return alias if kind == "candle" else f"{alias}.{kind}"
        case v.Read(alias, field) | v.InstrumentRead(alias, field):
            return f"{alias}.{field}"
        case v.Indicator(name, series, constants, alias):
            inputs = [words(one) for one in series] or [alias]
            if name.endswith("_OVER"):
                return f"{name.removesuffix('_OVER').lower()}({inputs[0]}) over {literal_words(constants[0])} bars"
            return f"{name.lower()}({', '.join([*inputs, *(literal_words(one) for one in constants)])})"
        case v.Apply(name, args):
            return f"{name.lower()}({', '.join(words(arg) for arg in args)})"
        case v.Past(inner, bars):
            return f"{words(inner, ATOM)}[{bars}]"
        case v.PositionRead(alias, field):
            return f"POSITION.{alias}" if field == "quantity" else f"POSITION.{alias}.{field}"
        case v.BasketPosition(alias):
            return f"POSITION.{alias}"
        case v.Captured(_, name, moment):
            return f"{name} at the last {'entry when flat' if moment == 'OPEN' else moment}"
        case v.SinceOpen(fn, inner):
            return f"{fn.lower()}({words(inner)}) since the position opened"
        case v.SequenceRead(sequence, field, stage):
            return f"SEQUENCE.{sequence}.{stage}.{field}" if stage else f"SEQUENCE.{sequence}.{field}"
        case v.AccountRead(attribute):
            return STATES.get(attribute, f"ACCOUNT.{attribute}")
        case v.OrdersRead(alias):
            return f"OPEN_ORDERS.{alias}"
        case v.ExitRead("direction"):
            return "the direction of the exit"
        case v.ExitRead(attribute):
            return f"EXIT.{attribute}"
        case v.Unknown(word):
            return word
        case v.Clock(field):
            return "NOW" if field == "epoch_ms" else f"NOW.{field}"
        case v.Broken():
            return "?"
        case _:
            assert_never(value)


def literal_words(value: float | bool | str | None) -> str:
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
