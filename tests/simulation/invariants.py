"""What must hold in every world, whatever happened in it."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from qkt.brokers.dispatch import Act
from qkt.brokers.mt5.broker import Mt5Broker
from qkt.brokers.mt5.constants import Entry
from qkt.brokers.mt5.simulator import Venue
from qkt.brokers.mt5.tokens import found
from qkt.core.terms import Purpose
from qkt.risk.halts import Lasts
from qkt.runtime.machine import SessionMachine
from qkt.runtime.replay import replay
from tests.simulation.world import NAME, World

LATE = "-late-"
"""In the name of an order that is made for a fill of one that was given up."""
OPENS = (Act.OPEN, Act.PLACE)


def at_rest(world: World) -> Iterator[str]:
    """What is wrong with the engine when everything has come to rest."""
    assert world.engine is not None
    hosted = world.engine.hosted.get(NAME)
    if hosted is None:
        reason = world.engine.resting.get(NAME, (None, "it is not known"))[1]
        yield f"the session does not run: {reason}"
        return
    machine = hosted.live.machine
    if machine.failed is not None:
        yield f"the strategy failed: {machine.failed!r}"
    if world.halted and machine.halted is None:
        yield "an operator was told that it is halted, and it is not"
    yield from _unprotected(machine)
    if world.account is not None:
        yield from _account(machine, world.account.venue)


def in_the_record(world: World) -> Iterator[str]:
    """What is wrong with what the world leaves behind."""
    yield from world.complaints
    yield from _entries_while_halted(world)
    found_ = replay(world.state, NAME)
    if found_.divergence is not None:
        yield f"done again it comes to something else: {found_.divergence}"


def _unprotected(machine: SessionMachine) -> Iterator[str]:
    """Every entry of the strategy has a stop; it lives as long as what it guards, and no longer."""
    session = machine.session
    guarded = {o.leg_id for o in session.orders.live_orders() if o.purpose is Purpose.STOP_LOSS}
    legs = {leg.id for book in session.books.strategies[NAME].open_books() for leg in book}
    for leg in legs - guarded:
        yield f"leg {leg} has no stop"
    for leg in guarded - legs:
        yield f"a stop guards leg {leg}, which is closed"


def _account(machine: SessionMachine, venue: Venue) -> Iterator[str]:
    """The books are the venue's truth, and nothing was done twice there."""
    session, broker = machine.session, machine.session.broker
    assert isinstance(broker, Mt5Broker)
    owner = machine.settings.venue.owner
    tokens = Counter(found(one.comment, owner) for one in (*venue.history, *venue.orders.values()) if one.reason == 3)
    yield from (f"token {name} was executed {count} times" for name, count in tokens.items() if name and count > 1)
    booked = {execution.split("-")[0] for _, execution in session.books._executions}
    deals = {str(deal.ticket) for deal in venue.deals if deal.entry != Entry.OUT_BY}
    if deals != booked:
        yield f"deals {deals - booked} are not booked, {booked - deals} are none"
    theirs = {number: (one.side, one.volume) for number, one in venue.positions.items()}
    ours = {number: (one.side.sign, one.volume) for number, one in broker.tickets.open.items()}
    if theirs != ours:
        yield f"the venue has positions {theirs}, the session {ours}"
    net = sum((one.side * one.volume for one in venue.positions.values()), Decimal(0))
    held = sum((session.books.net_quantity(NAME, symbol) for symbol in session.books.strategies[NAME].legs), Decimal(0))
    if net != held:
        yield f"net {net} at the venue, {held} in the books"
    pending = {part.ticket for part in broker.parts.active.values() if part.order.live}
    if pending != set(venue.orders):
        yield f"pending orders {set(venue.orders)} at the venue, {pending} here"
    for number, position in venue.positions.items():
        ticket = broker.tickets.open.get(number)
        if ticket is not None and ticket.stop is not None and not position.sl and not ticket.stop.held:
            yield f"position {number} has lost its stop at the venue"


def _entries_while_halted(world: World) -> Iterator[str]:
    """No entry is made between a halt and what lifts it, but for one that is booked because the venue filled it after it was
    given up. What works already may still be sent under a halt that only bars entries, and under no other."""
    entries: set[str] = set()
    halts: dict[tuple[str, str | None], str] = {}
    with sqlite3.connect(world.state / "journal.sqlite") as db:
        rows = db.execute("select kind, data from effects order by run, input, place").fetchall()
    for kind, data in rows:
        value = json.loads(data)
        if kind == "order" and value["purpose"] == Purpose.ENTRY:
            entries.add(value["order_id"])
        elif kind == "halted":
            halts[value["cause"], value["strategy"]] = value["lasts"]
        elif kind == "lifted":
            halts.pop((value["cause"], value["strategy"]), None)
        elif kind == "submit" and halts and value["order_id"] in entries and LATE not in value["order_id"]:
            yield f"entry {value['order_id']} was made while halted"
        elif kind == "send" and value["act"] in OPENS and value["order_id"] in entries and set(halts.values()) - {Lasts.WHILE}:
            yield f"entry {value['order_id']} was sent while halted"
