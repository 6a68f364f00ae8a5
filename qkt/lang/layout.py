"""Rules and actions on lines: one line where it is enough, a line for each part where it is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qkt.lang import spelling, tree
from qkt.lang.spelling import NOT_LEVEL, braced, expression
from qkt.lang.tree import Action, Expr

Lines = list[str]

INDENT = "    "
_WIDTH = 110


def indented(lines: Iterable[str], indent: str = INDENT) -> Lines:
    return [indent + line if line else line for line in lines]


def rule_lines(rule: tree.Rule) -> Lines:
    lead = f"WHEN ON {rule.anchor.text} " if rule.anchor is not None else "WHEN "
    lines = [*condition_lines(lead, rule.condition), *led("THEN ", _listed(rule.actions, ";"))]
    if rule.listed and len(rule.actions) == 1:
        lines[-1] += " ;"
    return lines


def condition_lines(lead: str, condition: Expr) -> Lines:
    """One line, or one for each operand of the outermost AND or OR, whose words end below the end of WHEN."""
    text = lead + expression(condition)
    if len(text) <= _WIDTH or not isinstance(condition, tree.Logic):
        return [text]
    operands: list[str] = []
    left: Expr = condition
    while isinstance(left, tree.Logic) and left.op == condition.op:
        operands.append(f"{condition.op:>4} {expression(left.right, NOT_LEVEL)}")
        left = left.left
    return [lead + expression(left, NOT_LEVEL), *reversed(operands)]


def led(lead: str, lines: Sequence[str]) -> Lines:
    """The lines behind a word, the others below the first."""
    return [lead + lines[0], *indented(lines[1:], " " * len(lead))]


def action_lines(action: Action) -> Lines:
    text = _action(action)
    if len(text) <= _WIDTH:
        return [text]
    match action:
        case tree.Entry():
            head, clauses = _target(action), _clauses(action)
            if clauses and isinstance(clauses[0], str):
                head = f"{head} {clauses.pop(0)}"
            return [head, *(line for clause in clauses for line in indented(_clause_lines(clause)))]
        case tree.OcoEntry(first=first, second=second):
            return ["OCO_ENTRY {", *indented(_listed((first, second), ",")), "}"]
        case tree.Latch(entries=entries):
            lines = [spelling.latch_entry(entry) for entry in entries]
            return [f"{spelling.latch_head(action)} {{", *indented([*(f"{x} ;" for x in lines[:-1]), lines[-1]]), "}"]
        case _:
            return [text]


def _listed(actions: Sequence[Action], separator: str) -> Lines:
    """The actions one below the other."""
    lines: Lines = []
    behind = "," if separator == "," else f" {separator}"
    for number, action in enumerate(actions, start=1):
        lines += action_lines(action)
        if number < len(actions):
            lines[-1] += behind
    return lines


# A clause is its text, or for a hook its word and its actions.
_Clause = str | tuple[str, tuple[Action, ...]]


def _clauses(entry: tree.Entry) -> list[_Clause]:
    texts: list[_Clause] = []
    if entry.sizing is not None:
        texts.append(f"SIZING {spelling.sizing(entry.sizing)}")
    if entry.order_type is not None:
        texts.append(f"ORDER_TYPE = {spelling.order_type(entry.order_type)}")
    if entry.stack is not None:
        texts.append(spelling.stack(entry.stack))
    if entry.bracket is not None:
        texts += spelling.bracket(entry.bracket)
    if entry.oco is not None:
        texts.append(f"OCO {{ STOP AT {expression(entry.oco.stop)}, LIMIT AT {expression(entry.oco.limit)} }}")
    if entry.tif is not None:
        texts.append(f"TIF {spelling.tif(entry.tif)}")
    texts += [spelling.stack_at(tier) for tier in entry.stack_at]
    if entry.time_exit_ms is not None:
        texts.append(f"TIME_EXIT AFTER {spelling.duration(entry.time_exit_ms)}")
    hooks = (("ON_FILL", entry.on_fill), ("ON_STOP", entry.on_stop), ("ON_TP", entry.on_tp), ("ON_CLOSE", entry.on_close))
    return [*texts, *((word, actions) for word, actions in hooks if actions is not None)]


def _clause_lines(clause: _Clause) -> Lines:
    text = _clause(clause)
    if isinstance(clause, str) or len(text) <= _WIDTH:
        return [text]
    return [f"{clause[0]} {{", *indented(_listed(clause[1], ";")), "}"]


def _clause(clause: _Clause) -> str:
    return clause if isinstance(clause, str) else f"{clause[0]} {{ {' ; '.join(map(_action, clause[1]))} }}"


def _target(entry: tree.Entry) -> str:
    return f"{entry.side} {entry.alias.text}"


def _action(action: Action) -> str:
    """An action on one line."""
    match action:
        case tree.Entry():
            return " ".join([_target(action), *map(_clause, _clauses(action))])
        case tree.Close(alias=alias, sizing=size):
            return f"CLOSE {alias.text}" + (f" SIZING {spelling.sizing(size)}" if size is not None else "")
        case tree.CloseAll():
            return "CLOSE_ALL"
        case tree.Resize(alias=alias, sizing=size, min_step=least):
            step = f" MIN_STEP {expression(least)}" if least is not None else ""
            return f"RESIZE {alias.text} TO {spelling.sizing(size)}{step}"
        case tree.Cancel(alias=alias, including_protection=protection):
            return f"CANCEL {alias.text}{' INCLUDING PROTECTION' if protection else ''}"
        case tree.CancelAll(including_protection=protection):
            return f"CANCEL_ALL{' INCLUDING PROTECTION' if protection else ''}"
        case tree.Log(level=level, text=text, fields=fields):
            head = "LOG" if level == "INFO" else f"LOG {level}"
            return " ".join([head, spelling.quoted(text), *(f"{name.text}={expression(value)}" for name, value in fields)])
        case tree.OcoEntry(first=first, second=second):
            return f"OCO_ENTRY {braced(map(_action, (first, second)))}"
        case tree.Latch(entries=entries):
            return f"{spelling.latch_head(action)} {{ {' ; '.join(map(spelling.latch_entry, entries))} }}"
