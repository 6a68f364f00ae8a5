"""An order: what was asked for, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias

from qkt.core.numbers import EXACT, ZERO, exact, q8, quotient
from qkt.core.terms import LegRole, OrderKind, OrderState, Purpose, Side, TimeInForce
from qkt.strategy import BracketSpec, EnterSignal, SteppedExit, TighteningExit, Trail, TrailingExit

Motion: TypeAlias = Trail | TrailingExit | SteppedExit | TighteningExit
"""How the level of an order that the engine holds moves."""


@dataclass(slots=True, eq=False)
class Order:
    """One order of one strategy. Quantities are lots, prices quote currency, times epoch ms.

    Exits and closes carry the `leg_id` they are bound to and can only reduce that leg. `bracket` belongs to entries, and
    `bracket_id` names its exits. `reference` is the price the order is meant to get, None for whatever the market quotes
    when it arrives; `signal_price` what the strategy saw when it asked for the order. `cancel_reason` is set once its cancel
    was asked for, `acknowledged` once the venue has it. An `unwanted` entry was taken back because everything is to be closed:
    what of it is filled nevertheless brings nothing further. `turns` names the leg that an entry closes first, and
    the lots that it may open beyond that, wherever the leg is when the order arrives.

    `signal` is what the strategy asked for with an entry, where what shall follow it stands; orders that the engine makes
    itself have none. `parent` is the id of the entry that an exit protects, or of the pyramid that a layer belongs to.

    An order with a `motion` is held by the engine until its level is reached; `anchor` is the fill that a protective one
    started from, `limit_offset` how far beyond the level a trailing stop-limit's limit lies. `time_exit_ms` closes what an
    entry opened so long after its fill.
    """

    id: str
    strategy: str
    symbol: str
    side: Side
    quantity: Decimal
    kind: OrderKind
    purpose: Purpose
    created_at: int
    reference: Decimal | None = None
    limit: Decimal | None = None
    stop: Decimal | None = None
    expires_at: int | None = None
    role: LegRole = LegRole.PRIMARY
    leg_id: int | None = None
    bracket: BracketSpec | None = None
    bracket_id: str = ""
    rule: int | None = None
    signal_price: Decimal | None = None
    parent: str = ""
    signal: EnterSignal | None = None
    tif: TimeInForce = TimeInForce.GTC
    motion: Motion | None = None
    anchor: Decimal | None = None
    limit_offset: Decimal | None = None
    time_exit_ms: int | None = None
    state: OrderState = OrderState.CREATED
    filled: Decimal = ZERO
    average: Decimal | None = None
    cancel_reason: str | None = None
    acknowledged: bool = False
    unwanted: bool = False
    turns: tuple[int, Decimal] | None = None

    def __post_init__(self) -> None:
        if not self.strategy:
            raise ValueError(f"order {self.id} has no owner")

    @property
    def live(self) -> bool:
        return not self.state.terminal

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled

    @property
    def reduce_only(self) -> bool:
        return self.purpose is not Purpose.ENTRY

    @property
    def held(self) -> bool:
        """Whether the engine holds it and no venue knows of it."""
        return self.state is OrderState.PENDING

    @property
    def venue_kind(self) -> OrderKind:
        """What it is at a venue: the trailing family arrives there as the market or limit order of its trigger."""
        if self.motion is None:
            return self.kind
        return OrderKind.LIMIT if self.limit_offset is not None else OrderKind.MARKET

    def moved_to(self, level: Decimal) -> Order:
        """A copy that waits for another price; the limit of a stop-limit keeps its distance from the stop."""
        if self.stop is None:
            return replace(self, limit=level, reference=level)
        limit = None if self.limit is None else EXACT.add(self.limit, EXACT.subtract(level, self.stop))
        return replace(self, stop=level, limit=limit, reference=level if limit is None else limit)

    def add_fill(self, quantity: Decimal, price: Decimal, complete: bool) -> None:
        """Book one slice: cumulative quantity and quantity-weighted average price."""
        total = self.filled + quantity
        if self.average is None:
            self.average = price
        else:
            paid = EXACT.add(exact(self.average, self.filled), exact(price, quantity))
            self.average = q8(quotient(paid, total))
        self.filled = total
        self.state = OrderState.FILLED if complete else OrderState.PARTIALLY_FILLED
