"""What a session does before it leaves: levels that only this process knows go to the venue, where one can hold them, and
entries that work are taken back."""

from __future__ import annotations

import anyio

from qkt.risk import Cause
from qkt.runtime.session import LiveSession
from qkt.runtime.venues import Seat

WITHIN = 10.0
"""Seconds that a venue has to answer."""


async def leave_levels(live: LiveSession, seat: Seat | None, author: str) -> None:
    """Have the last levels of stops that end with the process stand at the venue. What it does not take stays exposed."""
    if seat is None or not live.machine.exposed():
        return
    with anyio.move_on_after(WITHIN):
        await live.command("leave", author)
        while not seat.answered:
            await anyio.sleep(0.02)


async def taken_back(live: LiveSession, author: str) -> int:
    """Let no entry pass any more and take those back that work, so that it can be replaced. Returns how many still do."""

    def working() -> int:
        return sum(not order.reduce_only for order in live.machine.session.orders.live_orders())

    await live.command("halt", author, reason="operator resync", cause=Cause.RESYNC)
    with anyio.move_on_after(WITHIN):
        while working():
            await anyio.sleep(0.02)
    return working()


def exposed_legs(live: LiveSession) -> set[str]:
    """Legs whose stops end with the process while no venue goes on to guard them."""
    return {str(order.leg_id) for order in live.machine.exposed()}
