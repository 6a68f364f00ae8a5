"""What an entry still has in a leg, and the orders that take it out again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from qkt.core.events import OrderFilled
from qkt.core.numbers import ZERO
from qkt.core.terms import OrderKind, Purpose
from qkt.orders.deadlines import Deadline
from qkt.orders.exits import Target, distance_at
from qkt.orders.order import Motion, Order
from qkt.strategy import ExitForm, SteppedExit, StopSpec, TighteningExit, Trail, TrailingExit

FIRST_PAUSE_MS = 1_000
LONGEST_PAUSE_MS = 30_000


@dataclass(slots=True, eq=False)
class Share:
    """What one entry still has in a leg, in lots, and the orders that take it out again.

    `opened` is all that the entry put in. `targets` stand beside the part of it that each takes. `number` counts the shares
    of one entry: a further one begins when more is filled after the first was closed. `resent` counts its orders
    that were sent anew, `pause_ms` is how long the next one waits.
    """

    entry: Order
    leg_id: int
    number: int
    quantity: Decimal = ZERO
    opened: Decimal = ZERO
    stop: Order | None = None
    targets: list[tuple[Order, Target]] = field(default_factory=list)
    deadline: Deadline | None = None
    resent: int = 0
    pause_ms: int = FIRST_PAUSE_MS

    @property
    def exits(self) -> list[Order]:
        """Exits that still work, targets first as they were sent."""
        found = [order for order, _ in self.targets if order.live]
        return [*found, self.stop] if self.stop is not None and self.stop.live else found


def market_exit(share: Share, suffix: str, purpose: Purpose, quantity: Decimal, at: int) -> Order:
    """A market order out of a share, whose name tells apart what was sent anew; who makes it a limit or a stop sets kind
    and prices."""
    entry = share.entry
    again = f"-again-{share.resent}" if share.resent else ""
    number = f"-{share.number}" if share.number > 1 else ""
    return Order(
        id=f"{entry.bracket_id or entry.id}{suffix}{again}{number}",
        strategy=entry.strategy,
        symbol=entry.symbol,
        side=entry.side.opposite,
        quantity=quantity,
        kind=OrderKind.MARKET,
        purpose=purpose,
        created_at=at,
        role=entry.role,
        leg_id=share.leg_id,
        rule=entry.rule,
        parent=entry.id,
    )


def target_order(share: Share, target: Target, number: int, count: int, at: int) -> Order:
    """The limit of the target that is `number` among `count`."""
    suffix = "-tp" if count == 1 else f"-leg-{number}"
    order = market_exit(share, suffix, Purpose.TAKE_PROFIT, target.part(share.quantity), at)
    order.kind, order.limit, order.reference = OrderKind.LIMIT, target.price, target.price
    return order


def held_stop(share: Share, refused: Order, at: int) -> Order:
    """A stop in the place of one that the venue refused, held where that one stood."""
    assert refused.stop is not None
    assert refused.anchor is not None
    order = market_exit(share, "-sl", Purpose.STOP_LOSS, share.quantity, at)
    order.kind = refused.kind
    order.stop = order.reference = refused.stop
    order.anchor = refused.anchor
    order.motion = SteppedExit((refused.anchor - refused.stop) * share.entry.side.sign, ())
    return order


def fixed_stop(share: Share, level: Decimal, anchor: Decimal, at: int) -> Order:
    """A stop that stands where somebody put it. `anchor` is the leg's entry."""
    order = market_exit(share, "-sl", Purpose.STOP_LOSS, share.quantity, at)
    order.kind = OrderKind.STOP
    order.stop = order.reference = level
    order.anchor = anchor
    return order


def first_stop(share: Share, level: Decimal, fill: OrderFilled) -> Order:
    """The stop of the bracket where it starts, at `level`."""
    bracket = share.entry.bracket
    assert bracket is not None
    assert bracket.stop_loss is not None
    order = market_exit(share, "-sl", Purpose.STOP_LOSS, share.quantity, fill.at)
    order.kind, order.motion = _movement(bracket.stop_loss, fill.price)
    order.stop = order.reference = level
    order.anchor = fill.price
    return order


def _movement(spec: StopSpec, price: Decimal) -> tuple[OrderKind, Motion | None]:
    """The kind of a stop and how it moves. A distance in percent becomes one in price at the fill."""
    if isinstance(spec, TrailingExit):
        trail = Trail(ExitForm.BY, distance_at(spec.trail, price))
        return OrderKind.ARMED_TRAILING_STOP, replace(spec, trail=trail)
    if isinstance(spec, SteppedExit):
        return OrderKind.STEPPED_STOP, spec
    if isinstance(spec, TighteningExit):
        return OrderKind.TIME_TIGHTENING_STOP, spec
    return OrderKind.STOP, None
