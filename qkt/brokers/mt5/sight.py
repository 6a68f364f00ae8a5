"""One complete look at an account: everything that was read together, or nothing."""

from __future__ import annotations

from dataclasses import dataclass

from qkt.brokers.mt5.constants import LastError
from qkt.brokers.mt5.records import Deal, Position, VenueOrder
from qkt.brokers.mt5.server_time import ServerClock
from qkt.brokers.mt5.terminal import Terminal, TerminalError

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Sight:
    """Orders that work, positions, and finished orders and deals of the days asked for."""

    orders: list[VenueOrder]
    positions: list[Position]
    history: list[VenueOrder]
    deals: list[Deal]


def look(terminal: Terminal, clock: ServerClock, since: int, now: int) -> Sight:
    """Read everything since `since` (epoch ms UTC), a day of margin on both sides.

    Positions are read before deals: a position that is gone has its deals by then. Raises TerminalError when any read
    failed, and when the terminal has lost its broker, because it answers from memory then.
    """
    if not terminal.terminal_info().connected:
        raise TerminalError(LastError.FAIL, "the terminal has no connection to its broker")
    start = clock.to_server(since) // 1000 - DAY_S
    end = clock.to_server(now) // 1000 + DAY_S
    orders, positions = terminal.orders_get(), terminal.positions_get()
    history, deals = terminal.history_orders_get(start, end), terminal.history_deals_get(start, end)
    if not terminal.terminal_info().connected:
        raise TerminalError(LastError.FAIL, "the terminal lost the connection to its broker")
    return Sight(orders, positions, history, deals)
