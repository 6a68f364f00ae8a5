"""Differences from the published engine: files that mean something else there, and forms that it does not read."""

from __future__ import annotations

from collections.abc import Iterator

from qkt.lang import tree
from qkt.lang.codes import Problems
from qkt.lang.fields import DERIVED_FIELDS
from qkt.lang.walk import walk

OUR_FIELDS = frozenset({*DERIVED_FIELDS, "timestamp"})
OUR_CALLS = frozenset({"sum", "avg", "count", "min", "max", "floor", "clamp", "sign"})


def differences(file: tree.File, problems: Problems, *, strict: bool) -> None:
    """Report what means something else there; with `strict` as errors, together with every form that is only ours."""
    report = problems.error if strict else problems.warning
    for node in walk(file):
        meaning = _other_meaning(node, strict) if type(node) in _OTHERWISE else None
        if meaning is not None:
            report("QKT0601", node.span, meaning)
        if strict:
            for form in _only_ours(node):
                problems.error("QKT0602", node.span, f"the published parser does not read {form}")


_OTHERWISE = frozenset({tree.Oco, tree.Cancel, tree.CancelAll, tree.Tif, tree.OcoEntry})


def _other_meaning(node: tree.Node, strict: bool) -> str | None:
    match node:
        case tree.Oco():
            return "OCO protects the entry here; the published engine sends the two exits without the entry"
        case tree.Cancel(including_protection=False) | tree.CancelAll(including_protection=False) if strict:
            return "CANCEL leaves protective exits alone here; the published engine cancels them too"
        case tree.Tif(kind="IOC" | "FOK" | "DAY" as kind) if strict:
            return f"{kind} does what it says here; the published engine treats it as GTC on paper"
        case tree.OcoEntry(first=first, second=second) if strict and (_hooked(first) or _hooked(second)):
            return "exit hooks of a leg work here; the published engine ignores them"
        case _:
            return None


def _hooked(leg: tree.Entry) -> bool:
    return any(hook is not None for hook in (leg.on_stop, leg.on_tp, leg.on_close))


def _only_ours(node: tree.Node) -> Iterator[str]:
    match node:
        case tree.Null():
            yield "NULL as a value"
        case tree.Between(negated=True) | tree.In(negated=True):
            yield "NOT before BETWEEN and IN"
        case tree.Case(otherwise=None):
            yield "CASE without ELSE"
        case tree.LookBack(value=tree.Call() | tree.Name() | tree.Over()):
            yield "a look-back on a call or a LET"
        case tree.Over():
            yield "OVER n BARS"
        case tree.Call(name=tree.Ident(text=name)) if name.lower() in OUR_CALLS:
            yield f"the function {name}"
        case tree.Arithmetic(op="%"):
            yield "% as modulo"
        case tree.Field(field=tree.Ident(text=name)) if name in OUR_FIELDS:
            yield f"the field {name}"
        case tree.SymbolRef(field=tree.Ident()):
            yield "a field of SYMBOL"
        case tree.Bracket() if node.stop_loss is None or node.take_profit is None:
            yield "a bracket with one leg"
        case tree.ScaleOut():
            yield "a TAKE PROFIT in parts"
        case tree.TrailingStop():
            yield "TRAILING_STOP"
        case tree.Entry(time_exit_ms=int()):
            yield "TIME_EXIT"
        case tree.Latch(arm_ms=None):
            yield "LATCH without ARM"
        case tree.Close(sizing=tree.Sizing()):
            yield "CLOSE with SIZING"
        case tree.Cancel(including_protection=True) | tree.CancelAll(including_protection=True):
            yield "INCLUDING PROTECTION"
        case tree.Rule(anchor=tree.Ident()):
            yield "WHEN ON"
        case tree.ForEach(rules=rules) if len(rules) > 1:
            yield "several rules in one FOR EACH"
        case _:
            pass
