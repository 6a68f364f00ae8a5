"""What a portfolio decides, with the numbers that led to it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from qkt.core.events import Event


@dataclass(slots=True)
class SignalSuppressed(Event):
    """A child that may not trade asked for something. Its rule stays armed."""

    strategy: str
    symbol: str
    rule: int | None
    reason: str


@dataclass(slots=True)
class SignalSized(Event):
    """What the book makes of an entry that a child asked for, in lots.

    `sized` is `asked * ladder * weight`, rounded down to the step, but never less than what would only reduce the child's own
    position (`reducing`). `ladder` is what the drawdown leaves of new risk, `weight` the child's tilt by `method`, in the
    state `regime` where that chooses. `book_net` is what all children together held of the symbol by then, signed:
    on an account that nets, an entry against it lowers what the account holds.
    """

    strategy: str
    symbol: str
    rule: int | None
    asked: Decimal
    sized: Decimal
    ladder: Decimal
    weight: Decimal
    method: str
    regime: str | None
    reducing: Decimal
    book_net: Decimal


@dataclass(slots=True)
class ChildGated(Event):
    """A child may trade from now on, or may not; `closing` is how many of its legs are closed because of it."""

    strategy: str
    active: bool
    reason: str
    closing: int = 0


@dataclass(slots=True)
class BookRiskChanged(Event):
    """What the book leaves of new risk changed. `equity` and `peak` in account currency, `drawdown` a fraction of the peak;
    `ladder` is the factor of all children, `weights` is each child's by id."""

    portfolio: str
    equity: Decimal
    peak: Decimal
    drawdown: Decimal
    ladder: Decimal
    method: str
    weights: tuple[tuple[str, Decimal], ...]


@dataclass(slots=True)
class RegimeChosen(Event):
    """The book's regime changed; `shares` are what it gives to each child by alias."""

    portfolio: str
    regime: str
    before: str | None
    shares: tuple[tuple[str, Decimal], ...]
