"""Conditions between parameters, such as `fast < slow and slow - fast >= 10`."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from typing import Any

from qkt.core.errors import UsageError
from qkt.lang.suggest import did_you_mean

COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
EXPECTED = "comparisons of parameters and numbers such as 'fast < slow AND slow - fast >= 10'"


@dataclass(frozen=True, slots=True)
class Constraint:
    """One condition over parameter values. Arithmetic is exact decimal."""

    text: str
    _tree: ast.expr

    @classmethod
    def parse(cls, text: str, names: Iterable[str]) -> Constraint:
        """Raises UsageError for what is no condition, or names something that is not searched."""
        plain = re.sub(r"\b(AND|OR|NOT)\b", lambda word: word[0].lower(), text.strip())
        plain = re.sub(r"(?<![<>=!])=(?!=)", "==", plain)
        try:
            tree = ast.parse(plain, mode="eval").body
        except (SyntaxError, ValueError):
            raise UsageError(f"--where '{text}' cannot be understood", expected=EXPECTED) from None
        _check(tree, text, list(names))
        if not isinstance(tree, ast.Compare | ast.BoolOp | ast.UnaryOp):
            raise UsageError(f"--where '{text}' compares nothing", expected=EXPECTED)
        return cls(text, tree)

    def holds(self, params: Mapping[str, str]) -> bool:
        """Whether these values satisfy it. Raises UsageError where they cannot be compared."""
        try:
            return bool(_value(self._tree, params))
        except (DecimalException, TypeError):
            given = ", ".join(f"{name}={value}" for name, value in params.items())
            raise UsageError(f"--where '{self.text}' cannot be told for {given}", expected=EXPECTED) from None


def _check(node: ast.expr, text: str, names: list[str]) -> None:
    match node:
        case ast.BoolOp(values=parts):
            inner = parts
        case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in COMPARISONS for op in ops):
            inner = [left, *others]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            inner = [left, right]
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            inner = [operand]
        case ast.Constant(value=int() | float() | str()):
            inner = []
        case ast.Name(id=name):
            if name not in names:
                raise UsageError(
                    f"--where '{text}' speaks of '{name}'",
                    expected=f"parameters that are searched: {', '.join(names)}",
                    remedy=did_you_mean(name, names),
                )
            inner = []
        case _:
            raise UsageError(f"--where '{text}' has '{ast.unparse(node)}'", expected=EXPECTED)
    for part in inner:
        _check(part, text, names)


def _value(node: ast.expr, params: Mapping[str, str]) -> Any:
    match node:
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_value(part, params) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_value(part, params) for part in parts)
        case ast.Compare(left=left, ops=ops, comparators=others):
            values = [_value(part, params) for part in (left, *others)]
            return all(COMPARISONS[type(op)](a, b) for op, a, b in zip(ops, values, values[1:], strict=False))
        case ast.BinOp(left=left, op=op, right=right):
            return ARITHMETIC[type(op)](_value(left, params), _value(right, params))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, params)
        case ast.UnaryOp(operand=operand):
            return -_value(operand, params)
        case ast.Constant(value=value):
            return value if isinstance(value, str) else Decimal(str(value))
        case ast.Name(id=name):
            return number(params[name])
    raise TypeError(ast.dump(node))


def number(text: str) -> Decimal | str:
    """The number a text stands for, else the text."""
    try:
        value = Decimal(text)
    except DecimalException:
        return text
    return value if value.is_finite() else text
