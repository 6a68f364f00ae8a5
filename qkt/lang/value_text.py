"""Checked expressions as text: names resolved, LETs and PARAMs put in, what is left written as the language would."""

from __future__ import annotations

from decimal import Decimal

from qkt.core.numbers import to_decimal
from qkt.lang.values import (
    AccountRead,
    Apply,
    AsFlag,
    AsNumber,
    BasketPosition,
    Both,
    Captured,
    Choice,
    Clock,
    ClockWindow,
    Comparison,
    Const,
    Cross,
    Either,
    Expression,
    Indicator,
    InstrumentRead,
    Math,
    Member,
    Missing,
    Negative,
    Opposite,
    OrdersRead,
    Past,
    PositionRead,
    Read,
    SequenceRead,
    SinceOpen,
    Stream,
    Within,
)

LONGEST = 160
MOMENTS = {"BUY": "buy", "SELL": "sell", "OPEN": "open"}


def value_text(value: Expression) -> str:
    """The expression on one line, cut where it is very long."""
    text = _text(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _text(value: Expression) -> str:
    match value:
        case Both(left=left, right=right):
            return f"{_chained(left, Both)} AND {_chained(right, Both)}"
        case Either(left=left, right=right):
            return f"{_chained(left, Either)} OR {_chained(right, Either)}"
        case Opposite(value=inner):
            return f"NOT {_inner(inner)}"
        case Comparison(op=op, left=left, right=right) | Math(op=op, left=left, right=right):
            return f"{_inner(left)} {op} {_inner(right)}"
        case Cross(above=above, left=left, right=right):
            return f"{_inner(left)} CROSSES {'ABOVE' if above else 'BELOW'} {_inner(right)}"
        case Within(value=inner, low=low, high=high):
            return f"{_inner(inner)} BETWEEN {_inner(low)} AND {_inner(high)}"
        case Member(value=inner, members=members):
            return f"{_inner(inner)} IN [{_list(members)}]"
        case Missing(value=inner):
            return f"{_inner(inner)} IS NULL"
        case Negative(value=inner):
            return f"-{_inner(inner)}"
        case Choice(branches=branches, otherwise=otherwise):
            parts = " ".join(f"WHEN {_text(when)} THEN {_text(then)}" for when, then in branches)
            return f"CASE {parts} ELSE {_text(otherwise)} END"
        case AsNumber(value=inner) | AsFlag(value=inner):
            return _text(inner)
        case _:
            return _leaf(value)


def _leaf(value: Expression) -> str:
    match value:
        case Const(value=known):
            return shown(known) or "NULL"
        case Read(alias=alias, field=field):
            return f"{alias}.{field}"
        case Stream(alias=alias):
            return alias
        case Indicator(name=name, series=series, constants=constants, alias=alias):
            fed = [_text(one) for one in series] or [alias]
            return f"{name.lower()}({', '.join([*fed, *(shown(one) or '' for one in constants)])})"
        case Apply(name=name, args=args):
            return f"{name.lower()}({_list(args)})"
        case Past(value=inner, bars=bars):
            return f"{_inner(inner)}[{bars}]"
        case PositionRead(alias=alias, attribute=attribute):
            return f"POSITION.{alias}" + ("" if attribute == "quantity" else f".{attribute}")
        case BasketPosition(alias=alias):
            return f"POSITION.{alias}"
        case AccountRead(attribute=attribute):
            return f"ACCOUNT.{attribute}"
        case OrdersRead(alias=alias):
            return f"OPEN_ORDERS.{alias}"
        case InstrumentRead(alias=alias, attribute=attribute):
            return f"{alias}.{attribute}"
        case Captured(name=name, moment=moment):
            return f"{name}@{MOMENTS[moment]}"
        case SinceOpen(fn=fn, value=inner):
            return f"{fn}({_text(inner)}) SINCE OPEN"
        case SequenceRead(sequence=sequence, field=field, stage=stage):
            return f"SEQUENCE.{sequence}{'.' + stage if stage else ''}.{field}"
        case Clock(field=field):
            return f"NOW.{field}"
        case ClockWindow(kind=kind, first=first, last=last):
            return "LAST TRADING DAY" if kind == "last_trading_day" else f"{kind} window {first}-{last}"
        case _:
            return type(value).__name__.lower()


def _chained(value: Expression, chain: type[Both | Either]) -> str:
    """A member of a chain of ANDs or ORs."""
    return _text(value) if isinstance(value, chain | Comparison | Cross) else _inner(value)


def _inner(value: Expression) -> str:
    """In parentheses where it is made of more than one part."""
    text = _text(value)
    made = Both | Either | Comparison | Math | Cross | Within | Member | Opposite | Missing
    return f"({text})" if isinstance(value, made) else text


def _list(values: tuple[Expression, ...]) -> str:
    return ", ".join(map(_text, values))


def shown(value: float | int | bool | str | None) -> str | None:
    """A value as people read it, None where there is none."""
    match value:
        case None:
            return None
        case bool():
            return str(value).upper()
        case str():
            return value
        case _:
            exact = to_decimal(float(value)).normalize()
            return f"{exact.quantize(Decimal(1)) if exact == exact.to_integral_value() else exact:f}"
