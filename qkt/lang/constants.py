"""Numbers that must be known before anything runs: literals, and arithmetic on literals and one unknown."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, TypeAlias

from qkt.core.formula import Formula
from qkt.core.numbers import EXACT, ONE, ZERO, q8, quotient
from qkt.lang import tree
from qkt.lang.expressions import Resolver
from qkt.lang.place import Place
from qkt.lang.values import Broken

Unknown: TypeAlias = Literal["entry", "ENTRY_QTY"]
Line: TypeAlias = tuple[Decimal, Decimal]


def literal(resolver: Resolver, node: tree.Expr, place: Place, what: str) -> Decimal | None:
    """The number that is written there, or named by a LET or PARAM; None after reporting that it is none."""
    bare = resolver.unwrapped(node, place)
    if isinstance(bare, tree.Number):
        return bare.value
    if not isinstance(resolver.value(node, place), Broken):
        hint = "write the number out, or name a LET or PARAM that is one; this distance is not computed"
        resolver.problems.error("QKT0411", node.span, f"{what} must be a plain number", hint)
    return None


def positive(resolver: Resolver, node: tree.Expr, value: Decimal | None, what: str, *, zero: bool = False) -> Decimal | None:
    """The value, None after reporting that it is below zero, or zero where that is not allowed."""
    if value is None or value > ZERO or (zero and value == ZERO):
        return value
    expected = "zero or more" if zero else "more than zero"
    resolver.problems.error("QKT0412", node.span, f"{what} is {value:f}", f"expected {expected}")
    return None


class Folding:
    """Folds `+ - * /` on numbers, and on `unknown` where it is allowed, after LETs and PARAMs are put in.

    Sums and products are exact; quotients keep 16 significant digits, or with `short` 8 decimals.
    """

    def __init__(self, resolver: Resolver, place: Place, unknown: Unknown | None = None, *, short: bool = False) -> None:
        self._resolver = resolver
        self._place = place
        self._unknown = unknown
        self._short = short

    def number(self, node: tree.Expr, what: str) -> Decimal | None:
        """The constant, None after reporting that it is none."""
        formula = self.formula(node, what)
        if formula is None:
            return None
        if not formula.unknown:
            return formula.at(ZERO)
        message = f"{what} must be a constant and cannot depend on {self._unknown}"
        self._resolver.problems.error("QKT0414", node.span, message)
        return None

    def formula(self, node: tree.Expr, what: str) -> Formula | None:
        """The arithmetic with its constant parts done, None after reporting that it is none."""
        if isinstance(self._resolver.value(node, self._readable()), Broken):
            return None
        folded = self._fold(node, self._place)
        if isinstance(folded, Formula):
            return folded
        if isinstance(folded, tree.Node):
            words = f"numbers, {self._unknown} and + - * /" if self._unknown else "numbers and + - * /"
            hint = f"made of {words}: it must be known before the order is sent"
            self._resolver.problems.error("QKT0414", folded.span, f"{what} is not constant", hint)
        else:
            self._resolver.problems.error("QKT0414", node.span, f"{what} divides by zero")
        return None

    def _readable(self) -> Place:
        """The place where the ordinary checks know the unknown, so that misspelt names are reported as such."""
        return self._place.knowing(self._unknown)

    def _fold(self, node: tree.Expr, place: Place) -> Formula | tree.Node | None:
        """A node is what cannot be folded; None tells of a division by zero."""
        match node:
            case tree.Number(value=value):
                return Formula.constant(value)
            case tree.Duration(ms=ms):
                return Formula.constant(Decimal(ms))
            case tree.Name(name="entry") if self._unknown == "entry" and place is self._place:
                return Formula(("x",))
            case tree.EntryQty() if self._unknown == "ENTRY_QTY":
                return Formula(("x",))
            case tree.Name(name=name) if name not in place.loop:
                scope = self._resolver.scope
                found = scope.lets.get(name) or scope.params.get(name)
                if found is None:
                    return node
                inner = self._fold(found, place.inside_let())
                return node if isinstance(inner, tree.Node) else inner
            case tree.Negate(value=inner):
                folded = self._fold(inner, place)
                return self._done((*folded.code, "neg")) if isinstance(folded, Formula) else folded
            case tree.Arithmetic(op="+" | "-" | "*" | "/" as op, left=left, right=right):
                a, b = self._fold(left, place), self._fold(right, place)
                if not isinstance(a, Formula) or not isinstance(b, Formula):
                    return b if isinstance(a, Formula) else a
                return self._combined(op, a, b)
            case _:
                return node

    def _combined(self, op: Literal["+", "-", "*", "/"], a: Formula, b: Formula) -> Formula | None:
        if op == "/" and not b.unknown:
            divisor = b.at(ZERO)
            if not divisor:
                return None
            if self._short and not a.unknown:
                return Formula.constant(q8(EXACT.divide(a.at(ZERO), divisor)))
        return self._done((*a.code, *b.code, op))

    @staticmethod
    def _done(code: tuple[object, ...]) -> Formula:
        formula = Formula(code)  # type: ignore[arg-type]
        return formula if formula.unknown else Formula.constant(formula.at(ZERO))


def line(formula: Formula) -> Line | None:
    """(a, b) where the formula is a * x + b, None where it is no straight line."""
    stack: list[Line] = []
    for item in formula.code:
        if isinstance(item, Decimal):
            stack.append((ZERO, item))
        elif item == "x":
            stack.append((ONE, ZERO))
        elif item == "neg":
            a, b = stack.pop()
            stack.append((-a, -b))
        else:
            right, left = stack.pop(), stack.pop()
            combined = _line(item, left, right)
            if combined is None:
                return None
            stack.append(combined)
    return stack[0]


def _line(op: str, left: Line, right: Line) -> Line | None:
    (a, b), (c, d) = left, right
    match op:
        case "+":
            return EXACT.add(a, c), EXACT.add(b, d)
        case "-":
            return EXACT.subtract(a, c), EXACT.subtract(b, d)
        case "*" if a and c:
            return None
        case "*":
            scale, (e, f) = (b, right) if not a else (d, left)
            return EXACT.multiply(scale, e), EXACT.multiply(scale, f)
        case _ if c or not d:
            return None
        case _:
            return quotient(a, d), quotient(b, d)
