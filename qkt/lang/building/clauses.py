"""The clauses of actions: sizes, order types, protective prices, stacks, hooks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from qkt.lang import tree
from qkt.lang.building.place import Clause, Place, make_bracket, whole
from qkt.lang.lexing import Token
from qkt.lang.tree import Action, Exit, Expr, OrderType, Relative, Sizing

_Actions = tuple[tuple[Action, ...], bool]

# ------------------------------------------------------------------------------------------------------------------- sizes


def sizing_clause(at: Place, sizing: Sizing) -> Clause:
    return Clause("SIZING", sizing, at.span)


def units(at: Place, value: Expr) -> Sizing:
    bare = isinstance(value, tree.Position) and value.field is None and at.first.kind == "POSITION"
    return Sizing(at.span, "position" if bare else "units", value)  # in parentheses it is an expression, with its sign


def money(at: Place, value: Expr) -> Sizing:
    return Sizing(at.span, "money", value)


def base(_at: Place, token: Token) -> str:
    return token.text.lower()


def percent_of(at: Place, value: Expr, base: Any) -> Sizing:
    return Sizing(at.span, base, value)


def risk_money(at: Place, value: Expr) -> Sizing:
    return Sizing(at.span, "risk_money", value)


def of_book(_at: Place) -> bool:
    return True


def risk_share(at: Place, value: Expr, book: bool | None) -> Sizing:
    return Sizing(at.span, "risk", value, book is not None)


def risk_percent(at: Place, value: Expr, book: bool | None) -> Sizing:
    if not isinstance(value, tree.Number) or value.value <= 0:
        at.error("QKT0153", value.span, "PCT RISK needs a plain number above zero", "for a computed share write RISK share")
    return Sizing(at.span, "risk_percent", value, book is not None)


# ------------------------------------------------------------------------------------------------------- order types and TIF


def order_type_clause(at: Place, order_type: OrderType) -> Clause:
    return Clause("ORDER_TYPE", order_type, at.span)


def market(at: Place) -> OrderType:
    return OrderType(at.span, "MARKET")


def limit(at: Place, price: Expr | Relative) -> OrderType:
    return OrderType(at.span, "LIMIT", price)


def stop(at: Place, price: Expr | Relative) -> OrderType:
    return OrderType(at.span, "STOP", price)


def stop_limit(at: Place, price: Expr, limit: Expr) -> OrderType:
    return OrderType(at.span, "STOP_LIMIT", price, limit)


def trailing_by(at: Place, distance: Expr) -> OrderType:
    return OrderType(at.span, "TRAILING_BY", distance)


def trailing_percent(at: Place, percent: Expr) -> OrderType:
    return OrderType(at.span, "TRAILING_PCT", percent)


def direction(_at: Place, token: Token) -> str:
    return "WITH" if token.text.upper() == "WITH" else "AGAINST"


def relative(at: Place, direction: Any, distance: Expr) -> Relative:
    return Relative(at.span, direction, distance)


def tif_clause(at: Place, tif: tree.Tif) -> Clause:
    return Clause("TIF", tif, at.span)


def tif_kind(_at: Place, token: Token) -> str:
    return token.text.upper()


def tif(at: Place, kind: Any) -> tree.Tif:
    return tree.Tif(at.span, kind)


def good_till(at: Place, until: Expr) -> tree.Tif:
    return tree.Tif(at.span, "GTD", until)


# -------------------------------------------------------------------------------------------------------- protective prices


def stop_clause(at: Place, price: object) -> Clause:
    return Clause("STOP LOSS", price, at.span)


def target_clause(at: Place, price: object) -> Clause:
    return Clause("TAKE PROFIT", price, at.span)


def bracket(_at: Place, *legs: Clause) -> tuple[Clause, ...]:
    return legs


def bracket_clause(at: Place, legs: tuple[Clause, ...]) -> Clause:
    return Clause("BRACKET", legs, at.span)


def at(at: Place, value: Expr) -> Exit:
    return Exit(at.span, "AT", value)


def by(at: Place, value: Expr) -> Exit:
    return Exit(at.span, "BY", value)


def percent(at: Place, value: Expr) -> Exit:
    return Exit(at.span, "PCT", value)


def multiple(at: Place, value: Expr) -> Exit:
    return Exit(at.span, "RR", value)


def armed_trail(at: Place, distance: Expr, threshold: Expr) -> tree.ArmedTrail:
    return tree.ArmedTrail(at.span, distance, threshold)


def trailing_stop_by(at: Place, distance: Expr) -> tree.TrailingStop:
    return tree.TrailingStop(at.span, "BY", distance)


def trailing_stop_percent(at: Place, percent: Expr) -> tree.TrailingStop:
    return tree.TrailingStop(at.span, "PCT", percent)


def step(at: Place, offset: Expr | None, threshold: Expr) -> tree.Step:
    return tree.Step(at.span, offset, threshold)


def stepped_stop(at: Place, distance: Expr, *steps: tree.Step) -> tree.SteppedStop:
    return tree.SteppedStop(at.span, distance, steps)


def tightening_stop(at: Place, distance: Expr, by: Expr, every_ms: int, floor: Expr) -> tree.TighteningStop:
    return tree.TighteningStop(at.span, distance, by, every_ms, floor)


def scale_leg(at: Place, fraction: Token, price: Exit) -> tree.ScaleOutLeg:
    value = Decimal(fraction.value)
    if value <= 0:
        at.error("QKT0154", fraction.span, "a leg of nothing", "fractions of a scale-out are above zero, such as 0.5")
    return tree.ScaleOutLeg(at.span, value, price)


def scale_out(at: Place, *legs: tree.ScaleOutLeg) -> tree.ScaleOut:
    total = Decimal(0)
    for leg in legs:
        total += leg.fraction
        if total > 1:
            at.error("QKT0154", leg.span, f"the fractions up to here make {total}", "together they are 1 at most")
            break
    return tree.ScaleOut(at.span, legs)


def oco_clause(at: Place, oco: tree.Oco) -> Clause:
    return Clause("OCO", oco, at.span)


def oco(at: Place, *parts: Any) -> tree.Oco:
    *exits, end = parts
    prices = {clause.key: clause.value for clause in exits}
    for key, word in (("STOP LOSS", "STOP"), ("TAKE PROFIT", "LIMIT")):
        if key not in prices:
            at.error("QKT0155", end.span, f"OCO without {word}", "OCO needs both: { STOP AT price, LIMIT AT price }")
            prices[key] = exits[0].value
    return tree.Oco(at.span, stop=prices["STOP LOSS"], limit=prices["TAKE PROFIT"])


# ------------------------------------------------------------------------------------------------------------------ stacks


def stack_clause(at: Place, stack: tree.Stack) -> Clause:
    return Clause("STACK", stack, at.span)


def layer_count(at: Place, token: Token) -> int:
    return whole(at, token, "the number of layers", 1)


def spacing_side(_at: Place, token: Token) -> str:
    return token.text.upper()


def stack_spacing(at: Place, count: int, spacing: Expr, side: Any, within: int | None) -> tree.Stack:
    return tree.Stack(at.span, tree.StackSpacing(at.span, count, spacing, side), within)


_Layer = tuple[tree.StackLayer, Token]  # and the token after it


def layer_market(at: Place, sizing: Sizing) -> _Layer:
    return tree.StackLayer(at.span, sizing, None, None), at.next


def layer_at(at: Place, sizing: Sizing, price: Expr) -> _Layer:
    return tree.StackLayer(at.span, sizing, "AT", price), at.next


def layer_limit(at: Place, sizing: Sizing, price: Expr) -> _Layer:
    return tree.StackLayer(at.span, sizing, "LIMIT", price), at.next


def layer_stop(at: Place, sizing: Sizing, price: Expr, limit: Expr | None) -> _Layer:
    return tree.StackLayer(at.span, sizing, "STOP", price, limit), at.next


def stack_layers(at: Place, *parts: Any) -> tree.Stack:
    *layers, within = parts
    for layer, after in layers[1:]:
        if layer.trigger is None:
            hint = "every layer after the first waits for one: AT, LIMIT AT or STOP AT a price"
            at.error("QKT0156", after.span, "a layer without a price", hint)
    return tree.Stack(at.span, tuple(layer for layer, _ in layers), within)


def favourable(_at: Place, threshold: Expr) -> tuple[str, Expr, None]:
    return "MFE", threshold, None


def adverse(_at: Place, threshold: Expr, recover: Expr) -> tuple[str, Expr, Expr]:
    return "MAE", threshold, recover


def stack_at(
    at: Place, excursion: tuple[Any, Expr, Expr | None], within: int, sizing: Sizing, legs: tuple[Clause, ...]
) -> tree.StackAt:
    return tree.StackAt(at.span, *excursion, within, sizing, make_bracket(legs))


def stack_at_clause(at: Place, stack_at: tree.StackAt) -> Clause:
    return Clause("STACK_AT", stack_at, at.span)


# ------------------------------------------------------------------------------------------------------------------- hooks


def on_fill_clause(at: Place, actions: _Actions) -> Clause:
    return Clause("ON_FILL", actions[0], at.span)


def on_stop_clause(at: Place, actions: _Actions) -> Clause:
    return Clause("ON_STOP", actions[0], at.span)


def on_tp_clause(at: Place, actions: _Actions) -> Clause:
    return Clause("ON_TP", actions[0], at.span)


def on_close_clause(at: Place, actions: _Actions) -> Clause:
    return Clause("ON_CLOSE", actions[0], at.span)


def time_exit_clause(at: Place, ms: int) -> Clause:
    return Clause("TIME_EXIT", ms, at.span)
