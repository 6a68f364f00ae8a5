"""Expressions: one function for each rule or alias of that part of the grammar."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from qkt.lang import tree
from qkt.lang.building.place import Place, ident, milliseconds, whole
from qkt.lang.clock_windows import clock_window
from qkt.lang.fields import EXIT_FIELDS, NOW_FIELDS, POSITION_FIELDS
from qkt.lang.lexing import Token
from qkt.lang.suggest import did_you_mean
from qkt.lang.tree import Expr, Ident, Span

# ------------------------------------------------------------------------------------------------------------- operators


def either(at: Place, left: Expr, right: Expr) -> tree.Logic:
    return tree.Logic(at.span, "OR", left, right)


def both(at: Place, left: Expr, right: Expr) -> tree.Logic:
    return tree.Logic(at.span, "AND", left, right)


def negated(at: Place, value: Expr) -> tree.Not:
    return tree.Not(at.span, value)


def operator(_at: Place, token: Token) -> str:
    return {"==": "=", "<>": "!="}.get(token.text, token.text)


def compared(at: Place, left: Expr, op: Any, right: Expr) -> tree.Compare:
    return tree.Compare(at.span, op, left, right)


def between(at: Place, value: Expr, low: Expr, high: Expr) -> tree.Between:
    return tree.Between(at.span, value, low, high, negated=False)


def not_between(at: Place, value: Expr, low: Expr, high: Expr) -> tree.Between:
    return tree.Between(at.span, value, low, high, negated=True)


def members(_at: Place, *values: Expr) -> tuple[Expr, ...]:
    return values


def member(at: Place, value: Expr, of: tuple[Expr, ...]) -> tree.In:
    return tree.In(at.span, value, of, negated=False)


def not_member(at: Place, value: Expr, of: tuple[Expr, ...]) -> tree.In:
    return tree.In(at.span, value, of, negated=True)


def crosses_above(at: Place, left: Expr, right: Expr) -> tree.Crosses:
    return tree.Crosses(at.span, True, left, right)


def crosses_below(at: Place, left: Expr, right: Expr) -> tree.Crosses:
    return tree.Crosses(at.span, False, left, right)


def is_null(at: Place, value: Expr) -> tree.IsNull:
    return tree.IsNull(at.span, value, negated=False)


def is_not_null(at: Place, value: Expr) -> tree.IsNull:
    return tree.IsNull(at.span, value, negated=True)


def plus(at: Place, left: Expr, right: Expr) -> tree.Arithmetic:
    return tree.Arithmetic(at.span, "+", left, right)


def minus(at: Place, left: Expr, right: Expr) -> tree.Arithmetic:
    return tree.Arithmetic(at.span, "-", left, right)


def times(at: Place, left: Expr, right: Expr) -> tree.Arithmetic:
    return tree.Arithmetic(at.span, "*", left, right)


def divided(at: Place, left: Expr, right: Expr) -> tree.Arithmetic:
    return tree.Arithmetic(at.span, "/", left, right)


def modulo(at: Place, left: Expr, right: Expr) -> tree.Arithmetic:
    return tree.Arithmetic(at.span, "%", left, right)


def negative(at: Place, value: Expr) -> tree.Negate:
    return tree.Negate(at.span, value)


def parenthesised(_at: Place, value: Expr) -> Expr:
    return value


# ---------------------------------------------------------------------------------------------------------------- values


def number(at: Place, token: Token) -> tree.Number:
    return tree.Number(at.span, Decimal(token.value), token.text)


def duration(at: Place, token: Token) -> tree.Duration:
    return tree.Duration(at.span, milliseconds(at, token), token.text)


def text(at: Place, token: Token) -> tree.Text:
    return tree.Text(at.span, token.value)


def true(at: Place) -> tree.Bool:
    return tree.Bool(at.span, True)


def false(at: Place) -> tree.Bool:
    return tree.Bool(at.span, False)


def null(at: Place) -> tree.Null:
    return tree.Null(at.span)


def case_branch(_at: Place, condition: Expr, value: Expr) -> tuple[Expr, Expr]:
    return condition, value


def case(at: Place, *parts: Any) -> tree.Case:
    *branches, otherwise = parts
    return tree.Case(at.span, tuple(branches), otherwise)


# ----------------------------------------------------------------------------------------------------- names and the past


def name(at: Place, token: Token) -> tree.Name:
    return tree.Name(at.span, token.text)


def stream_field(at: Place, owner: Token, field: Token) -> tree.Field:
    return tree.Field(at.span, ident(owner), ident(field))


def bars_ago(at: Place, token: Token) -> int:
    if token.text.isdigit():
        return int(token.text)
    at.error("QKT0130", at.span, f"a look-back must be a whole number of bars, not {token.text}", "[0] is now, [1] one bar ago")
    return 0


def look_back(at: Place, value: Expr, bars: int) -> tree.LookBack:
    return tree.LookBack(at.span, value, bars)


def ago(at: Place, token: Token) -> int:
    return whole(at, token, "n in T-n", 1)


def since_open(at: Place, fn: Token, value: Expr) -> tree.Since:
    return tree.Since(at.span, _aggregate(fn), value, None)


def since_bars(at: Place, fn: Token, value: Expr, bars: int) -> tree.Since:
    return tree.Since(at.span, _aggregate(fn), value, bars)


def over(at: Place, fn: Token, value: Expr, count: Token) -> tree.Over:
    which = _aggregate(fn)
    if which not in ("MIN", "MAX"):
        at.error("QKT0131", fn.span, f"{fn.text} does not take OVER", f"write {_rolling(which)}(…, {count.text})")
        which = "MAX"
    return tree.Over(at.span, which, value, whole(at, count, "the number of BARS", 1))


def _aggregate(fn: Token) -> Any:
    return fn.text.upper()


def _rolling(aggregate: str) -> str:
    return "avg" if aggregate == "MEAN" else "sum"


def moment(_at: Place, token: Token) -> str:
    return token.text.upper()


def snapshot(at: Place, name: Token, when: Any) -> tree.Snapshot:
    return tree.Snapshot(at.span, ident(name), when, None)


def snapshot_ago(at: Place, name: Token, bars: int) -> tree.Snapshot:
    return tree.Snapshot(at.span, ident(name), "T", bars)


# ------------------------------------------------------------------------------------------------------- calls and windows

_WINDOW_ARGUMENTS = {
    "CALENDAR_WINDOW": "month, day, month, day, as plain whole numbers in range",
    "SESSION_WINDOW": "hour, minute, hour, minute, as plain whole numbers in range",
    "LAST_TRADING_DAY_OF_MONTH": "no arguments",
}


def call(at: Place, fn: Token, *args: Expr) -> tree.Call:
    made = tree.Call(at.span, ident(fn), args)
    takes = _WINDOW_ARGUMENTS.get(fn.text.upper())
    if takes is not None and clock_window(made) is None:
        at.error("QKT0132", fn.span, f"{fn.text} does not fit its arguments", f"it takes {takes}")
    return made


# ----------------------------------------------------------------------------------------------------------------- state


def state_group(_at: Place, token: Token) -> str:
    return token.text.upper()


def account_state(at: Place, group: Any, field: Token) -> tree.State:
    return tree.State(at.span, group, ident(field))


def exit_state(at: Place, field: Token) -> tree.State:
    _known(at, field.span, "EXIT", field.text, EXIT_FIELDS)
    return tree.State(at.span, "EXIT", ident(field))


def position(at: Place, alias: Token, field: Token | None) -> tree.Position:
    if field is not None and field.text not in POSITION_FIELDS:
        hint = did_you_mean(field.text, POSITION_FIELDS, "fields of POSITION")
        at.error("QKT0133", at.span, f"POSITION.{alias.text} has no field '{field.text}'", hint)
    return tree.Position(at.span, ident(alias), ident(field) if field else None)


def average_price(at: Place, alias: Token) -> tree.Position:
    return tree.Position(at.span, ident(alias), Ident(at.first.span, "avg_price"))


def open_orders(at: Place, alias: Token) -> tree.OpenOrders:
    return tree.OpenOrders(at.span, ident(alias))


def sequence_field(at: Place, sequence: Token, first: Token, second: Token | None) -> tree.SequenceField:
    return tree.SequenceField(at.span, ident(sequence), ident(first), ident(second) if second else None)


def now(at: Place, field: Token | None) -> tree.Now:
    if field is not None:
        _known(at, field.span, "NOW", field.text, NOW_FIELDS)
    return tree.Now(at.span, ident(field) if field else None)


def symbol_ref(at: Place, field: Token | None) -> tree.SymbolRef:
    return tree.SymbolRef(at.span, ident(field) if field else None)


def entry_qty(at: Place) -> tree.EntryQty:
    return tree.EntryQty(at.span)


def _known(at: Place, span: Span, owner: str, field: str, known: Collection[str]) -> None:
    """Fields of NOW and EXIT are read in any letter case."""
    if field.lower() not in known:
        at.error("QKT0133", span, f"{owner} has no field '{field}'", did_you_mean(field, known, f"fields of {owner}"))
