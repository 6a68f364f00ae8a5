"""Everything that travels on the bus between rooms.

The bus stamps `at` (epoch ms of its clock) and `seq` on publishing; a publisher never sets them, and they do not exist
before. Prices of market data are float64, everything about orders is Decimal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from qkt.core.numbers import ZERO
from qkt.core.terms import CostKind, LegRole, OrderKind, Purpose, Side


@dataclass(slots=True)
class Event:
    """What the bus knows of any event."""

    at: int = field(init=False, repr=False, compare=False)
    seq: int = field(init=False, repr=False, compare=False)
    scope: str = field(init=False, repr=False, compare=False)


@dataclass(slots=True)
class Tick(Event):
    """One quote or trade. `price` is the trade or the middle of the quote; `bid` and `ask` are None without quotes,
    `bid_size` and `ask_size` (lots displayed there) where the data does not show them or nobody asked for them.

    `synthetic` marks a tick made of a bar: 0 is a real tick, 1 the bar's open, 2 a later point of its path, which the
    market reached without a gap.
    """

    symbol: str
    ts: int
    price: float
    bid: float | None = None
    ask: float | None = None
    volume: float | None = None
    synthetic: int = 0
    bid_size: float | None = None
    ask_size: float | None = None

    @property
    def buy(self) -> float:
        """What a buyer pays, and the trigger side of BUY orders."""
        return self.price if self.ask is None else self.ask

    @property
    def sell(self) -> float:
        """What a seller gets, and the trigger side of SELL orders."""
        return self.price if self.bid is None else self.bid


@dataclass(slots=True)
class Timer(Event):
    """The clock has reached `ts` (epoch ms) and no tick has come that says so."""

    ts: int


@dataclass(slots=True)
class Candle(Event):
    """A closed bar over [start, end). `stream` is the alias it was built for; bid and ask are those of its last tick."""

    stream: str
    symbol: str
    start: int
    end: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    bid: float | None = None
    ask: float | None = None


@dataclass(slots=True)
class OrderEvent(Event):
    """Something that happened to one order."""

    order_id: str
    strategy: str
    symbol: str


@dataclass(slots=True)
class OrderAccepted(OrderEvent):
    """The venue holds the order, or is about to fill it. `quantity` is what the venue made of the request, in lots."""

    quantity: Decimal


@dataclass(slots=True)
class OrderRejected(OrderEvent):
    """The venue refused the order."""

    reason: str
    rule: int | None = None


@dataclass(slots=True)
class OrderCancelled(OrderEvent):
    """The order left the book unfilled, or with what it had filled so far. `refused` when the venue would not fill the rest."""

    reason: str
    refused: bool = False


@dataclass(slots=True)
class CancelFailed(OrderEvent):
    """A cancel came too late: the order had ended before it arrived."""

    reason: str


@dataclass(slots=True)
class OrderModified(OrderEvent):
    """The working order now stands at this quantity."""

    quantity: Decimal


@dataclass(slots=True)
class OrderMoved(OrderEvent):
    """The working order now waits for this price: the trigger of a stop, the limit of a limit order."""

    level: Decimal


@dataclass(frozen=True, slots=True)
class VenueCost:
    """What a venue billed for a fill: account currency, charges positive."""

    kind: CostKind
    amount: Decimal


@dataclass(slots=True)
class OrderFilled(OrderEvent):
    """An execution. `quantity` is this slice in lots, `complete` tells whether the order is done.

    `leg_id` names the leg that a reduce-only order is bound to. `reference` is the price the order was meant to get (its
    level, or the middle of the quote), from which slippage is measured; `signal_price` what the strategy saw when it asked
    for the order, None for the reference. `initial_risk` is the distance from the fill to the first stop of the entry's
    bracket, None without one. `venue_costs` are those that the venue billed, None where the instrument's commission is
    charged instead. `venue_profit` is what the execution realized before costs as the venue has it (account currency), None
    where it does not say; `venue_flat` tells that the venue holds nothing more of what is the primary leg here. `execution`
    is the venue's own id of it, by which a second report is known as `repeated` and changes nothing; empty where reports
    never come twice. The bookkeeping, which runs first, writes that, and what the fill did to the legs: `opened_quantity`
    lots opened or grew the leg `opened_leg`, `closed_quantity` lots came off the leg `closed_leg`. A fill that turns a
    position does both.
    """

    side: Side
    quantity: Decimal
    price: Decimal
    kind: OrderKind
    purpose: Purpose
    role: LegRole
    leg_id: int | None
    reference: Decimal
    complete: bool = True
    opened_leg: int | None = None
    signal_price: Decimal | None = None
    initial_risk: Decimal | None = None
    venue_costs: tuple[VenueCost, ...] | None = None
    opened_quantity: Decimal = ZERO
    closed_leg: int | None = None
    closed_quantity: Decimal = ZERO
    execution: str = ""
    repeated: bool = False
    venue_profit: Decimal | None = None
    venue_flat: bool = False


@dataclass(slots=True)
class VenueBooked(Event):
    """Money that a venue booked without a fill, as where two positions that are netted here closed one another: `profit` is
    what it realized before costs (account currency), `flat` tells that it holds nothing more of what is the primary leg
    here."""

    strategy: str
    symbol: str
    side: Side
    quantity: Decimal
    profit: Decimal
    costs: tuple[VenueCost, ...]
    flat: bool


@dataclass(slots=True)
class RiskRejected(Event):
    """A risk rule refused an order before it left."""

    order_id: str
    strategy: str
    symbol: str
    reason: str
    rule: int | None = None


@dataclass(slots=True)
class MarginRead(Event):
    """A venue was asked for its account's margin level, in percent: equity over margin used, zero without positions, None
    when it could not be read. With it come the account's `equity` and `balance`, where the venue tells them."""

    level: Decimal | None
    equity: Decimal | None = None
    balance: Decimal | None = None


@dataclass(slots=True)
class Trade(Event):
    """A fill after the books took it. Money in account currency, costs positive when paid."""

    fill: OrderFilled
    realized: Decimal
    commission: Decimal
    before: Decimal
    after: Decimal


@dataclass(slots=True)
class LogLine(Event):
    """What a LOG action, a Python strategy or the engine itself has to say."""

    strategy: str
    level: str
    text: str


@dataclass(slots=True)
class RuleFired(Event):
    """A rule's condition became true; `time` is its evaluation time, what came of it follows."""

    strategy: str
    rule: int
    time: int


@dataclass(slots=True)
class LatchBroken(Event):
    """A latch committed. `latch` names it within its strategy, `direction` is +1 for the upper wire and -1 for the lower,
    `level` the wire (quote currency), `time` the tick or candle end that confirmed it."""

    strategy: str
    latch: int
    rule: int | None
    direction: int
    level: Decimal
    time: int


@dataclass(slots=True)
class PositionExited(Event):
    """What an entry with exit hooks had opened is closed to the last lot.

    `hooks` names the hooks within their strategy. `reason` is STOP_LOSS or TAKE_PROFIT when the last fill was that exit of
    the entry, else CLOSE. `side`, `price` and `time` are those of the last closing fill, `quantity` (lots) and `pnl`
    (account currency, after costs) those of all of them.
    """

    strategy: str
    symbol: str
    hooks: int
    rule: int | None
    reason: Purpose
    side: Side
    price: Decimal
    quantity: Decimal
    pnl: Decimal
    time: int
