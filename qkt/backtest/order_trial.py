"""Which orders a strategy's limits would let pass, tried on an account where nothing has happened yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.events import Tick
from qkt.core.terms import OrderKind, Purpose, Side
from qkt.engine import Runnable, SessionSettings, TickBoard, assemble
from qkt.orders import Order


@dataclass(frozen=True, slots=True)
class Asked:
    """An entry to try: at market, or a limit at `level`. `last` is the price of the symbol."""

    symbol: str
    side: Side
    quantity: Decimal
    last: Decimal
    level: Decimal | None = None


def try_orders(strategy: Runnable, settings: SessionSettings, orders: Sequence[Asked], now: int) -> list[list[str]]:
    """Why each of the orders would be refused at this time (epoch ms), nothing for one that passes. Each is tried alone.

    Raises InstrumentError for a symbol that cannot be valued.
    """
    clock, board = EventClock(now), TickBoard()
    session = assemble(strategy, settings, EventBus(clock), clock, board)
    owner = next(iter(session.books.strategies))
    found = []
    for number, asked in enumerate(orders):
        board.update(Tick(asked.symbol, now, float(asked.last)))
        kind = OrderKind.MARKET if asked.level is None else OrderKind.LIMIT
        order = Order(
            f"try-{number}", owner, asked.symbol, asked.side, asked.quantity, kind, Purpose.ENTRY, now, limit=asked.level
        )
        found.append(session.risk.gate.refusals(order, now))
    return found
