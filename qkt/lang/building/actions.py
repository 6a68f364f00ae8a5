"""Actions: what a rule, a schedule or a hook does."""

from __future__ import annotations

import re
from typing import Any

from qkt.core.terms import Side
from qkt.lang import tree
from qkt.lang.building.place import Clause, Place, ident, make_bracket
from qkt.lang.lexing import Token
from qkt.lang.tree import Action, Expr, Ident, Sizing

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ONCE = {"ON_STOP", "ON_TP", "ON_CLOSE", "TIME_EXIT"}  # writing these twice is an error; of others the last one counts
_LEGS = ("STOP LOSS", "TAKE PROFIT")


def actions(_at: Place, *parts: Any) -> tuple[tuple[Action, ...], bool]:
    """The actions, and whether a `;` was written."""
    *listed, semicolon = parts
    return tuple(listed), len(listed) > 1 or semicolon is not None


def side(_at: Place, token: Token) -> Side:
    return Side(token.text.upper())


def entry(at: Place, side: Side, alias: Token, *clauses: Clause) -> tree.Entry:
    values: dict[str, Clause] = {}
    legs: dict[str, Clause] = {}
    bracket: Any
    stack_at: list[Any] = []
    duplicates: list[str] = []

    def keep(kept: dict[str, Clause], clause: Clause) -> None:
        if clause.key in kept and clause.key in _ONCE:
            at.error("QKT0121", clause.span, f"{clause.key} stands twice", "keep one of them")
        elif clause.key in kept:
            duplicates.append(clause.key)
        kept[clause.key] = clause

    for clause in clauses:
        match clause.key:
            case "STACK_AT":
                stack_at.append(clause.value)
            case "BRACKET":
                bracket = clause.value
                for leg in bracket:
                    keep(legs, leg)
            case key if key in _LEGS:
                keep(legs, clause)
            case _:
                keep(values, clause)

    value: dict[str, Any] = {key: clause.value for key, clause in values.items()}
    if "SIZING" in values and value.get("STACK") and isinstance(value["STACK"].plan, tuple):
        at.error("QKT0150", values["SIZING"].span, "SIZING beside a list of STACK layers", "each layer says its own size")
    return tree.Entry(
        at.span,
        side,
        ident(alias),
        sizing=value.get("SIZING"),
        order_type=value.get("ORDER_TYPE"),
        tif=value.get("TIF"),
        bracket=make_bracket(legs.values()) if legs else None,
        oco=value.get("OCO"),
        stack=value.get("STACK"),
        stack_at=tuple(stack_at),
        on_fill=value.get("ON_FILL"),
        on_stop=value.get("ON_STOP"),
        on_tp=value.get("ON_TP"),
        on_close=value.get("ON_CLOSE"),
        time_exit_ms=value.get("TIME_EXIT"),
        duplicates=tuple(dict.fromkeys(duplicates)),
    )


def close(at: Place, alias: Token, sizing: Sizing | None) -> tree.Close:
    return tree.Close(at.span, ident(alias), sizing)


def close_all(at: Place, alias: Token | None) -> tree.Close | tree.CloseAll:
    return tree.Close(at.span, ident(alias)) if alias else tree.CloseAll(at.span)


def resize(at: Place, alias: Token, sizing: Sizing, min_step: Expr | None) -> tree.Resize:
    return tree.Resize(at.span, ident(alias), sizing, min_step)


def cancel(at: Place, alias: Token, protection: Token | None) -> tree.Cancel:
    return tree.Cancel(at.span, ident(alias), protection is not None)


def cancel_all(at: Place, protection: Token | None) -> tree.CancelAll:
    return tree.CancelAll(at.span, protection is not None)


def level(_at: Place, token: Token) -> str:
    return token.text.upper()


def log_field(_at: Place, name: Token, value: Expr) -> tuple[Ident, Expr]:
    return ident(name), value


def log(at: Place, level: Any, text: tree.Text, *fields: tuple[Ident, Expr]) -> tree.Log:
    names: set[str] = set()
    for field, _ in fields:
        if field.text in names:
            at.error("QKT0151", field.span, f"LOG has two fields '{field.text}'")
        names.add(field.text)
    for placeholder in dict.fromkeys(_PLACEHOLDER.findall(text.value)):
        if placeholder not in names:
            at.error("QKT0151", text.span, f"LOG has no field for {{{placeholder}}}", f"write {placeholder}=… after the text")
    return tree.Log(at.span, level or "INFO", text.value, fields)


def oco_leg(at: Place, action: Action) -> Action:
    if not isinstance(action, tree.Entry):
        at.error("QKT0152", at.next.span, "a leg of OCO_ENTRY that is neither BUY nor SELL", "OCO_ENTRY links two entries")
    return action


def oco_entry(at: Place, first: Action, second: Action) -> Action:
    """Of legs that cannot be linked the first stands for both, so that nothing more is said about them."""
    if isinstance(first, tree.Entry) and isinstance(second, tree.Entry):
        return tree.OcoEntry(at.span, first, second)
    return first


# ----------------------------------------------------------------------------------------------------------------- latches


def latch(
    at: Place,
    alias: Token,
    offset: Expr,
    reference: Expr | None,
    arm_ms: int | None,
    name: Token | None,
    confirm: tree.Confirm | None,
    *entries: tree.LatchEntry,
) -> tree.Latch:
    named = ident(name) if name else None
    return tree.Latch(at.span, ident(alias), offset, reference, arm_ms, named, confirm, entries)


def close_beyond(at: Place) -> tree.Confirm:
    return tree.Confirm(at.span, "CLOSE_BEYOND")


def time_in_breach(at: Place, ms: int) -> tree.Confirm:
    return tree.Confirm(at.span, "TIME_IN_BREACH", None, ms)


def retest_hold(at: Place, distance: Expr, ms: int) -> tree.Confirm:
    return tree.Confirm(at.span, "RETEST_HOLD", distance, ms)


def enter_market(_at: Place) -> tuple[str, None]:
    return "MARKET", None


def enter_limit(_at: Place, price: tree.Relative) -> tuple[str, tree.Relative]:
    return "LIMIT", price


def enter_stop(_at: Place, price: tree.Relative) -> tuple[str, tree.Relative]:
    return "STOP", price


def expire_clause(at: Place, ms: int) -> Clause:
    return Clause("EXPIRE", ms, at.span)


def latch_bracket_clause(at: Place, *legs: Clause) -> Clause:
    return Clause("BRACKET", legs, at.span)


def enter(at: Place, on: Token | None, order: tuple[Any, tree.Relative | None], *clauses: Clause) -> tree.LatchEntry:
    values: dict[str, Any] = {clause.key: clause.value for clause in clauses}
    legs: dict[str, Any] = {leg.key: leg.value for leg in values.get("BRACKET", ())}
    return tree.LatchEntry(
        at.span,
        ident(on) if on else None,
        order[0],
        order[1],
        stop_loss=legs.get("STOP LOSS"),
        take_profit=legs.get("TAKE PROFIT"),
        sizing=values.get("SIZING"),
        expire_ms=values.get("EXPIRE"),
    )
