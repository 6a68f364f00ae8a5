"""What a session has done is counted by sort, and the sorts stay few whatever the texts say."""

from __future__ import annotations

from pathlib import Path

import pytest

from qkt.data.feeds import FeedTick
from qkt.runtime.journal import Journal
from qkt.runtime.recorder import Recorder
from qkt.runtime.tally import REASONS, Tally, sort_of
from qkt.runtime.tape import TapeWriter
from qkt.runtime.telling import Teller
from tests.runtime.samples import STRADDLE, machine, ticks


@pytest.mark.parametrize(
    ("reason", "sort"),
    [
        ("quantity 0.5 above max_quantity 0.1", "quantity above max_quantity"),
        ("halted: operator eva", "halted"),
        ("price 1.09 is 12.5% off 'SIM:EURUSD' (last 1.2)", "price is off"),
        ("10027: autotrading disabled", "autotrading disabled"),
        ("", "other"),
    ],
)
def test_a_reason_is_known_without_its_particulars(reason, sort):
    assert sort_of(reason) == sort


def test_reasons_that_never_repeat_do_not_grow_the_table():
    tally = Tally()
    for number in range(500):
        word = "".join(chr(97 + int(digit)) for digit in str(number))
        tally.count("refused", {"order_id": str(number), "reason": f"because of {word}"})
    assert len(tally.refusals) == REASONS + 1
    assert tally.refusals.total() == tally.effects["refused"] == 500


def test_orders_of_every_kind_are_timed_from_request_to_first_fill():
    tally = Tally()
    for order, kind, at in (("a", "Market", 1_000), ("b", "Limit", 500), ("c", "Stop", 0), ("d", "Stop", 0)):
        tally.count("order", {"order_id": order, "order_type": kind, "created_at": at})
        tally.count("submit", {"order_id": order, "at": at + 1})
    tally.count("submit", {"order_id": "a-sl", "at": 1_200})
    tally.count("cancelled", {"order_id": "d", "reason": ""})
    for order in ("b", "a", "a", "a-sl", "d"):
        tally.count("fill", {"order_id": order, "timestamp": 1_250})
    times = {kind: (fill.count, fill.total // 1_000_000) for kind, fill in tally.fills.items()}
    assert times == {"limit": (1, 750), "market": (1, 250), "attached": (1, 50)}


def test_an_order_that_waits_behind_its_sibling_is_told_and_counted_once(tmp_path: Path) -> None:
    journal, tally, said = Journal(tmp_path), Tally(), list[str]()
    one = machine(tmp_path, STRADDLE, "straddle.qkt")
    teller = Teller(one, 1, "paper", tally, lambda *line, **_: said.append(line[3]))
    recorder = Recorder(one, TapeWriter(tmp_path / "tape"), journal, 1, lambda *_: None, teller.tell)
    for n, tick in enumerate(ticks(1200), 1):
        recorder.tick(FeedTick(tick, n))
    recorder.flush()
    orders = [effect.value["order_id"] for _, effect in journal.of_kind(1, ["order"], 10_000)]
    sent = {effect.value["order_id"] for _, effect in journal.of_kind(1, ["submit"], 10_000)}
    assert sent.issuperset(orders), "both sides were sent"
    assert len(orders) == 6, "a sibling is approved twice"
    assert tally.effects["order"] == sum(": entry " in text for text in said) == len(set(orders)) == 4
