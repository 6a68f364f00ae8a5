"""Arithmetic on one unknown number that becomes known later, as plain data.

A pyramid's layer says where it triggers relative to a fill that has not happened yet. The formula travels with the order,
can be written to a journal, and gives the same number wherever it is computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from qkt.core.numbers import EXACT, quotient

Operation: TypeAlias = Literal["+", "-", "*", "/", "neg"]


@dataclass(frozen=True, slots=True)
class Formula:
    """Postfix code: a Decimal is pushed, "x" pushes the unknown, an operation takes its operands off the stack.

    Sums and products are exact, quotients keep 16 significant digits.
    """

    code: tuple[Decimal | Literal["x"] | Operation, ...]

    @classmethod
    def constant(cls, value: Decimal) -> Formula:
        return cls((value,))

    @property
    def unknown(self) -> bool:
        """Whether the result depends on the unknown."""
        return "x" in self.code

    def at(self, x: Decimal) -> Decimal:
        """The result for a value of the unknown. Raises ZeroDivisionError for a division by zero."""
        stack: list[Decimal] = []
        for item in self.code:
            if isinstance(item, Decimal):
                stack.append(item)
            elif item == "x":
                stack.append(x)
            elif item == "neg":
                stack.append(-stack.pop())
            else:
                right, left = stack.pop(), stack.pop()
                stack.append(_combine(item, left, right))
        (result,) = stack
        return result


def _combine(operation: str, left: Decimal, right: Decimal) -> Decimal:
    match operation:
        case "+":
            return EXACT.add(left, right)
        case "-":
            return EXACT.subtract(left, right)
        case "*":
            return EXACT.multiply(left, right)
        case _:
            if not right:
                raise ZeroDivisionError("a formula divides by zero")
            return quotient(left, right)
