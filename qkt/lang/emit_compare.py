"""Comparisons of numbers as Python text, with the tie rule built in.

Two numbers are the same when they are equal, or when not both are integers and they differ by no more than 1e-10 of the
greater one (`qkt.indicators.same`). `a > b` is true only when they are not the same. The text decides the usual case with
plain arithmetic and asks `same` only when the two are close.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qkt.lang.code import ADD, AND, COMPARE, MUL, NOT, OR, Code

Temporary = Callable[[], str]
TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Operand:
    """A number's text. `whole` is always an integer; `number` is the value of a literal."""

    code: Code
    whole: bool = False
    number: float | None = None

    @property
    def zero(self) -> bool:
        return self.number == 0.0


def compare(op: str, a: Operand, b: Operand, temporary: Temporary) -> Code:
    """`op` is one of `= != < > <= >=`."""
    if (a.whole and b.whole) or a.zero or b.zero:
        return Code(f"{a.code.at(ADD)} {'==' if op == '=' else op} {b.code.at(ADD)}", COMPARE)
    if op == "=":
        return Code(f"same({a.code.text}, {b.code.text})")
    if op == "!=":
        return Code(f"not same({a.code.text}, {b.code.text})", NOT)
    if b.number is not None:
        return _with_literal(op, a.code, b.number, temporary)
    if a.number is not None:
        return _with_literal(TURNED[op], b.code, a.number, temporary)
    if op in "<=":
        return _greater(b, a, temporary, turned=True) if op == "<" else _at_least(b, a, temporary, turned=True)
    return _greater(a, b, temporary, turned=False) if op == ">" else _at_least(a, b, temporary, turned=False)


def between(value: Operand, low: Operand, high: Operand, temporary: Temporary) -> Code:
    if value.whole and low.whole and high.whole:
        return Code(f"{low.code.at(ADD)} <= {value.code.at(ADD)} <= {high.code.at(ADD)}", COMPARE)
    first, again = _named(value.code, temporary)
    start = compare(">=", Operand(first, value.whole, value.number), low, temporary)
    end = compare("<=", Operand(again, value.whole, value.number), high, temporary)
    return Code(f"{start.at(AND)} and {end.at(AND)}", AND, operands=(start, end))


def _named(code: Code, temporary: Temporary) -> tuple[Code, Code]:
    """The text for the first use, which keeps the value, and for those after it."""
    if code.simple:
        return code, code
    if code.keeps is not None:
        return code, Code(code.keeps, simple=True)
    given = temporary()
    return Code(f"({given} := {code.text})", keeps=given), Code(given, simple=True)


def _pair(big: Operand, small: Operand, temporary: Temporary, sign: str, turned: bool) -> tuple[str, Code, Code]:
    """The plain comparison in the order of the text, and the names of both sides afterwards."""
    if turned:
        first_small, small_again = _named(small.code, temporary)
        first_big, big_again = _named(big.code, temporary)
        return f"{first_small.at(ADD)} {sign.replace('>', '<')} {first_big.at(ADD)}", big_again, small_again
    first_big, big_again = _named(big.code, temporary)
    first_small, small_again = _named(small.code, temporary)
    return f"{first_big.at(ADD)} {sign} {first_small.at(ADD)}", big_again, small_again


def _with_literal(op: str, value: Code, number: float, temporary: Temporary) -> Code:
    """Outside of twice the tolerance around a literal nothing is the same as it."""
    first, again = _named(value, temporary)
    plain = Code(f"{first.at(ADD)} {op} {number!r}", COMPARE)
    away = 2e-10 * abs(number)
    equal = f"same({again.text}, {number!r})"
    if op in "<>":
        clear = number + away if op == ">" else number - away
        apart = Code(f"({again.at(ADD)} {op} {clear!r} or not {equal})")
        return Code(f"{plain.text} and {apart.text}", AND, operands=(plain, apart))
    clear = number - away if op == ">=" else number + away
    close = Code(f"{again.at(ADD)} {op} {clear!r} and {equal}", AND)
    return Code(f"{plain.text} or {close.text}", OR, operands=(plain, close))


def _greater(big: Operand, small: Operand, temporary: Temporary, *, turned: bool) -> Code:
    plain, a, b = _pair(big, small, temporary, ">", turned)
    left = Code(plain, COMPARE)
    right = Code(f"({a.at(ADD)} - {b.at(MUL)} > 1e-10 * {a.at(MUL + 1)} > 0.0 or not same({a.text}, {b.text}))")
    return Code(f"{left.text} and {right.text}", AND, operands=(left, right))


def _at_least(big: Operand, small: Operand, temporary: Temporary, *, turned: bool) -> Code:
    plain, a, b = _pair(big, small, temporary, ">=", turned)
    near = f"({b.at(ADD)} - {a.at(MUL)} <= 1e-10 * {b.at(MUL + 1)} or {b.at(ADD)} < 0.0)"
    close = Code(f"{near} and same({a.text}, {b.text})", AND)
    return Code(f"{plain} or {close.text}", OR, operands=(Code(plain, COMPARE), close))
