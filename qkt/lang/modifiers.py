"""Which modifiers of an entry go together, and which ones the entries that follow another may carry."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from qkt.lang import tree
from qkt.lang.codes import Problems

HOOKS = ("ON_STOP", "ON_TP", "ON_CLOSE")

# A modifier, and those that cannot stand beside it.
EXCLUDED: dict[str, tuple[str, ...]] = {
    "OCO": ("BRACKET", "STACK_AT"),
    "STACK": ("STACK_AT",),
    "ON_FILL": ("BRACKET", "OCO", "STACK", "STACK_AT"),
    **dict.fromkeys(HOOKS, ("ON_FILL", "OCO", "STACK_AT")),
}


def modifiers(entry: tree.Entry) -> Iterator[tuple[str, tree.Span]]:
    """The modifiers that are written, each with its place."""
    if entry.bracket is not None:
        yield "BRACKET", entry.bracket.span
    if entry.oco is not None:
        yield "OCO", entry.oco.span
    if entry.stack is not None:
        yield "STACK", entry.stack.span
    if entry.stack_at:
        yield "STACK_AT", entry.stack_at[0].span
    blocks = {"ON_FILL": entry.on_fill, "ON_STOP": entry.on_stop, "ON_TP": entry.on_tp, "ON_CLOSE": entry.on_close}
    for name, children in blocks.items():
        if children is not None:
            yield name, children[0].span if children else entry.span
    if entry.tif is not None:
        yield "TIF", entry.tif.span
    if entry.time_exit_ms is not None:
        yield "TIME_EXIT", entry.span


def check_modifiers(problems: Problems, entry: tree.Entry, defaults: tree.Defaults) -> None:
    """Report modifiers that exclude each other, and those that do nothing beside another."""
    written = dict(modifiers(entry))
    for name, others in EXCLUDED.items():
        for other in others:
            if name in written and other in written:
                problems.error("QKT0407", written[name], f"{name} and {other} exclude each other", "keep one of them")
    if entry.on_fill is not None:
        _check_parent(problems, entry, defaults, written["ON_FILL"])
    if entry.stack is not None:
        for name, clause in (("ORDER_TYPE", entry.order_type), ("OCO", entry.oco)):
            if clause is not None:
                hint = "a layer says itself what it waits for; BRACKET protects every layer"
                problems.warning("QKT0509", clause.span, f"{name} has no effect beside STACK", hint)


def _check_parent(problems: Problems, entry: tree.Entry, defaults: tree.Defaults, span: tree.Span) -> None:
    """ON_FILL hangs on a plain order without a deadline, also after DEFAULTS."""
    if entry.bracket is None and entry.oco is None and (defaults.stop_loss is not None or defaults.take_profit is not None):
        hint = "a parent of ON_FILL carries no protection; leave it out of DEFAULTS"
        problems.error("QKT0407", span, "ON_FILL and the protection of DEFAULTS exclude each other", hint)
    tif = entry.tif or defaults.tif
    if tif is not None and tif.kind == "GTD":
        problems.error("QKT0407", span, "ON_FILL and TIF GTD exclude each other", "leave the parent good till cancelled")


def refuse(problems: Problems, entry: tree.Entry, unwanted: Collection[str], who: str) -> bool:
    """Report the modifiers that an entry in this role cannot carry; whether there are any."""
    found = [(name, span) for name, span in modifiers(entry) if name in unwanted]
    for name, span in found:
        problems.error("QKT0413", span, f"{who} cannot carry {name}", "leave it out")
    return bool(found)
