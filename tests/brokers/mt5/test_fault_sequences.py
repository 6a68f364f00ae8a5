"""Sequences of trades on an account that fails in every way it can: nothing is sent twice, no fill is lost, no order or level
is left behind, and the books are the venue's truth at the end. `.ci/nightly` runs many more of them."""

import os
from dataclasses import replace
from decimal import Decimal

import pytest

from qkt.brokers.mt5.simulator import Faults
from qkt.brokers.mt5.simulator.faults import SendFault
from qkt.core.terms import OrderKind, Side
from tests.brokers.mt5.rig import Move, Rig, run

COUNT = int(os.environ.get("QKT_FAULT_SEEDS", "14"))
SEEDS = sorted({*range(COUNT), 368})  # it turns a netted position twice and hears of it in the other order
KILLED = sorted({*range(COUNT), 116, 455})  # a netted entry is heard after the close of it; old levels arrive after new ones


@pytest.mark.parametrize("seed", SEEDS)
def test_books_are_the_venues_truth_whatever_failed(seed: int) -> None:
    run(seed)


@pytest.mark.parametrize("seed", KILLED)
def test_a_session_that_was_killed_anywhere_comes_back_to_the_venues_truth(seed: int) -> None:
    run(10_000 + seed, crash=0.03)


def test_the_sequences_do_trade_fail_and_die() -> None:
    """The properties would be empty if nothing happened in them."""
    rigs = [run(seed, crash=0.03) for seed in range(10_000, 10_012)]
    assert sum(len(rig.venue.deals) for rig in rigs) > 60
    assert sum(rig.crashes for rig in rigs) > 12
    assert sum(bool(deal.swap) for rig in rigs for deal in rig.venue.deals) > 10
    assert any("outcome is not known" in line.text for rig in rigs for line in rig.session.logs)


@pytest.mark.parametrize("fault", list(SendFault))
def test_one_order_that_fails_is_sent_once_or_told_refused(fault: SendFault) -> None:
    rig = Rig(3, faults=Faults(script=[fault]))
    rig.venue.symbols["GOLDm"].filling_mode = 3
    rig.quote(Decimal("100.00"), Decimal("0.02"))
    rig.take(rig.entry(pending=False))
    rig.settle()
    assert not rig.problems()
    assert len([deal for deal in rig.venue.deals if deal.entry == 0]) <= 1 + (fault is SendFault.PARTIAL)
    if fault in (SendFault.LOST_AFTER, SendFault.TIMEOUT_AFTER, SendFault.ERROR, SendFault.LOST_LATE, SendFault.TIMEOUT_LATE):
        assert rig.venue.deals


@pytest.mark.parametrize("fault", [None, SendFault.LOST_AFTER, SendFault.LOST_BEFORE, SendFault.REJECT, SendFault.ERROR])
def test_a_pending_entry_moves_at_the_venue_and_then_here(fault: SendFault | None) -> None:
    rig = Rig(3)
    rig.quote(Decimal("100.00"), Decimal("0.02"))
    rig.take(
        replace(rig.entry(pending=True), side=Side.BUY, kind=OrderKind.LIMIT, limit=Decimal("99.50"), stop=None, bracket=None)
    )
    rig.pass_time(2_000)
    (order,) = rig.session.orders.live_orders()
    (working,) = rig.venue.orders.values()
    rig.package.faults = Faults(script=[fault])
    rig.take(Move(order.id, Decimal("99.40")))
    assert order.limit == Decimal("99.50")  # not before the venue has said so
    rig.settle()
    assert order.limit == working.price == Decimal("99.40")
    rig.take(Move(order.id, Decimal("100.50")))
    rig.settle()
    assert order.limit == working.price == Decimal("99.40")
    assert any("stays where it is" in line.text for line in rig.session.logs)
