"""What looks at an account tell a session, each thing once: deals in the order of cause and effect, orders that have ended,
levels that are not those that were set."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from qkt.brokers.dispatch import Report, What
from qkt.brokers.mt5.constants import DealType, Entry, Reason, State
from qkt.brokers.mt5.names import Names
from qkt.brokers.mt5.records import Deal, Position, VenueOrder
from qkt.brokers.mt5.server_time import ServerClock
from qkt.brokers.mt5.sight import Sight
from qkt.brokers.mt5.tokens import found
from qkt.core.numbers import ZERO
from qkt.core.terms import Side

ENTRIES = {Entry.IN: "in", Entry.OUT: "out", Entry.INOUT: "inout", Entry.OUT_BY: "out_by"}
REASONS = {Reason.SL: "sl", Reason.TP: "tp", Reason.STOP_OUT: "stop_out"}


@dataclass(slots=True)
class Known:
    """What a session already knows of its venue: tokens of its orders by ticket, those that still work, its positions, the
    levels it put on them, the deals that it booked, and lots filled of orders that work. `since` is when it last heard, or
    asked for the oldest of them (epoch ms). `volumes` are the lots of its open positions."""

    since: int = 0
    orders: dict[int, str] = field(default_factory=dict)
    working: set[int] = field(default_factory=set)
    positions: set[int] = field(default_factory=set)
    levels: dict[int, tuple[Decimal | None, Decimal | None]] = field(default_factory=dict)
    deals: set[int] = field(default_factory=set)
    filled: dict[int, Decimal] = field(default_factory=dict)
    volumes: dict[int, Decimal] = field(default_factory=dict)


class Hearing:
    """Compares looks with what is `known`, and keeps that up to date."""

    def __init__(
        self, known: Known, names: Names, clock: ServerClock, owner: str, wall: Callable[[], int], *, hedging: bool
    ) -> None:
        self._known = known
        self._names = names
        self._clock = clock
        self._owner = owner
        self._wall = wall
        self._told = dict(known.filled)
        self._observed: dict[int, tuple[Decimal, Decimal]] = {}
        self._hedging = hedging

    def deals(self, sight: Sight) -> Iterable[Report]:
        """Executions that were not told yet. On a hedging account a position that was closed before its opening is seen waits
        for that."""
        for deal in sorted(sight.deals, key=lambda one: one.ticket):
            if deal.ticket in self._known.deals or deal.type not in (DealType.BUY, DealType.SELL):
                continue
            token = self._known.orders.get(deal.order) or found(deal.comment, self._owner)
            symbol = self._names.ours(deal.symbol)
            if (token or deal.position_id in self._known.positions) and symbol is not None and self._opened(deal):
                yield self._deal(deal, token, symbol)

    def _opened(self, deal: Deal) -> bool:
        closes = deal.entry in (Entry.OUT, Entry.OUT_BY)
        return not (self._hedging and closes) or self._known.volumes.get(deal.position_id, ZERO) >= Decimal(repr(deal.volume))

    def _deal(self, deal: Deal, token: str, symbol: str) -> Report:
        known, volume = self._known, Decimal(repr(deal.volume))
        known.deals.add(deal.ticket)
        known.positions.add(deal.position_id)
        change = volume if deal.entry == Entry.IN else -volume
        known.volumes[deal.position_id] = known.volumes.get(deal.position_id, ZERO) + change
        if token:
            if deal.order not in known.orders and deal.entry != Entry.OUT_BY:
                known.working.add(deal.order)  # given up, and executed all the same: its end is told too
            known.orders.setdefault(deal.order, token)
        self._told[deal.order] = self._told.get(deal.order, ZERO) + volume
        return Report(
            What.DEAL,
            self._clock.to_utc(deal.time_msc),
            token,
            symbol,
            deal.order,
            deal.position_id,
            deal.ticket,
            Side.BUY if deal.type == DealType.BUY else Side.SELL,
            ENTRIES[Entry(deal.entry)],
            REASONS.get(Reason(deal.reason), "") if deal.reason in Reason.__members__.values() else "",
            volume,
            Decimal(repr(deal.price)),
            -Decimal(repr(deal.commission)),
            -Decimal(repr(deal.swap)),
            -Decimal(repr(deal.fee)),
            profit=Decimal(repr(deal.profit)),
        )

    def ends(self, history: list[VenueOrder]) -> Iterable[Report]:
        """Orders that have ended: their record says so, and every deal that it speaks of has been told."""
        for order in history:
            if order.ticket not in self._known.working or not State(order.state).ended:
                continue
            done = Decimal(repr(order.volume_initial)) - Decimal(repr(order.volume_current))
            if self._told.get(order.ticket, ZERO) < done:
                continue
            self._known.working.discard(order.ticket)
            at = self._clock.to_utc(order.time_done_msc)
            token, state = self._known.orders[order.ticket], State(order.state)
            symbol = self._names.ours(order.symbol) or ""
            yield Report(What.ENDED, at, token, symbol, order=order.ticket, quantity=done, reason=state.name.lower())

    def levels(
        self, positions: list[Position], busy: Collection[int], has: Callable[[Position, Decimal | None, Decimal | None], bool]
    ) -> Iterable[Report]:
        """Levels that are not those that were set: a hand at the terminal is told and left alone. `busy` are positions whose
        levels are being changed."""
        for held in positions:
            if held.ticket not in self._known.levels or held.ticket in busy:
                continue
            seen = (Decimal(repr(held.sl)), Decimal(repr(held.tp)))
            sl, tp = self._known.levels[held.ticket]
            if has(held, sl, tp):
                self._observed.pop(held.ticket, None)
            elif self._observed.get(held.ticket) != seen:
                self._observed[held.ticket] = seen
                text = f"position {held.ticket} has stop {held.sl} and target {held.tp}, not {sl} and {tp} as were set"
                yield Report(What.NOTE, self._wall(), symbol=self._names.ours(held.symbol) or "", level="WARN", text=text)

    def unfinished(self, sight: Sight) -> bool:
        """Whether an order of ours is in no list: it has ended, and its record or its deals come late."""
        listed = {one.ticket for one in sight.orders}
        return any(ticket not in listed for ticket in self._known.working)
