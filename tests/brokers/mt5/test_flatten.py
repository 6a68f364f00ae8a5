"""One flatten of a session on an account ends flat there, with orders under way, on a terminal that fails too."""

from __future__ import annotations

import random
from decimal import Decimal
from itertools import product

from qkt.brokers.mt5.simulator import Faults
from tests.brokers.mt5.rig import READS, SENDS, Rig


def test_whatever_is_under_way_one_flatten_ends_flat_at_the_venue() -> None:
    late = 0
    for seed, hedging in product(range(4), (True, False)):
        pick = random.Random(seed)
        faults = Faults(seed, send=SENDS, read=READS, delayed=0.2, delay=1_500) if seed % 2 == 0 else Faults()
        rig, bid = Rig(seed, hedging=hedging, faults=faults), Decimal(100)
        for _ in range(pick.randint(2, 20)):
            bid += Decimal(pick.choice([0, 1, -1, 15, -15])).scaleb(-2)
            rig.quote(bid, Decimal("0.02"))
            rig.act()
        rig.take(rig.entry(pending=False))
        rig.event_clock.time = rig.now
        rig.session.way_out.take("flat1", "flattened")
        sent = len(rig.requests)
        rig.settle()
        late += sum(request.order_id.startswith("late") for request in rig.requests[sent:])
        assert rig.problems() == []
        assert (rig.venue.positions, rig.session.way_out.under_way()) == ({}, False)
    assert late > 0
