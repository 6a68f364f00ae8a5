"""What a session has done is counted by sort, and the sorts stay few whatever the texts say."""

from __future__ import annotations

import pytest

from qkt.runtime.tally import REASONS, Tally, sort_of


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


def test_a_market_order_is_timed_from_request_to_first_fill():
    tally = Tally()
    tally.count("order", {"order_id": "a", "order_type": "Market", "created_at": 1_000})
    tally.count("order", {"order_id": "b", "order_type": "Limit", "created_at": 1_000})
    for order in ("b", "a", "a"):
        tally.count("fill", {"order_id": order, "timestamp": 1_250})
    assert (tally.fill.count, tally.fill.total) == (1, 250_000_000)
