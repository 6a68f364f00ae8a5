"""What the book lets a child have, and the numbers it says that with."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from qkt.core.events import OrderRejected, RiskRejected
from qkt.core.formula import Formula
from qkt.core.terms import OrderKind, Side
from qkt.portfolio import SignalSized
from qkt.strategy import OcoEntrySignal, StackLayer, StackPlan, Tier
from tests.market import SILVER, by
from tests.portfolio.fund import FIXED, REGIMES, Fund


@pytest.fixture
def fund(tmp_path: Path) -> Fund:
    """In the regime `mid`: 0.5 for a, 0.4 for b."""
    fund = Fund(tmp_path, REGIMES)
    fund.quote(100)
    fund.close_bar(100)
    return fund


def test_an_entry_is_scaled_and_rounded_down_with_the_numbers_told(fund: Fund) -> None:
    fund.buy("b", "0.19")  # 0.076
    assert fund.net("b") == Decimal("0.07")
    (told,) = fund.told(SignalSized)
    assert (told.strategy, told.asked, told.sized) == ("p:b", Decimal("0.19"), Decimal("0.07"))
    assert (told.ladder, told.weight, told.method, told.regime) == (1, Decimal("0.4"), "REGIME_WEIGHTED", "mid")


def test_before_the_first_evaluation_nothing_is_scaled(tmp_path: Path) -> None:
    fund = Fund(tmp_path, REGIMES)
    fund.quote(100)
    fund.buy("b", "0.19")
    assert fund.net("b") == Decimal("0.19")


@pytest.mark.parametrize(("asked", "sized"), [("0.025", "0.01"), ("0.0249", None)])
def test_the_least_that_can_be_traded_is_the_boundary(fund: Fund, asked: str, sized: str | None) -> None:
    got = fund.buy("b", asked)
    assert got is (sized is not None)
    assert fund.net("b") == Decimal(sized or 0)
    if sized is None:
        (refused,) = fund.told(RiskRejected)
        assert refused.reason == (
            "book de-risk: too small to be traded (0.0249 lots * ladder 1 * weight 0.4, the least of SIM:GOLD is 0.01)"
        )
        assert fund.session.risk.rejections == [refused]


def test_a_child_without_a_share_takes_no_new_risk_but_gets_out(fund: Fund) -> None:
    fund.buy("a", 1)
    fund.close_bar(49)
    assert not fund.buy("a", 1)
    assert fund.told(RiskRejected)[-1].reason.startswith("book de-risk: new risk suppressed (1 lots * ladder 1 * weight 0")
    assert fund.close("a")
    assert fund.net("a") == 0


def test_an_opposite_entry_within_the_position_is_never_scaled(fund: Fund) -> None:
    fund.buy("a", 2)  # 1 lot
    fund.sell("a", "0.8")
    assert fund.net("a") == Decimal("0.2")
    assert fund.told(SignalSized)[-1].reducing == 1


def test_a_reversal_keeps_its_proportion_and_never_falls_short_of_closing(fund: Fund) -> None:
    fund.buy("a", 2)
    fund.sell("a", 4)
    assert fund.net("a") == -1
    fund.close_bar(49)  # a has no share any more
    fund.buy("a", 4)
    assert fund.net("a") == 0


def test_what_works_against_the_position_already_is_not_reduced_twice(fund: Fund) -> None:
    fund.buy("a", 2)
    fund.sell("a", 1, limit=110)
    fund.sell("a", 1, limit=120)
    assert [order.quantity for order in fund.working("a")] == [1, Decimal("0.5")]


def test_what_an_entry_brings_keeps_its_proportion(fund: Fund) -> None:
    stack = StackPlan((StackLayer(Decimal("0.2"), OrderKind.LIMIT, Formula.constant(Decimal(90))),), 60_000)
    fund.buy("a", "0.4", stack=stack)
    assert [order.quantity for order in fund.working("a")] == [Decimal("0.1")]
    child = fund.entry("a", Side.BUY, "0.3", symbol=SILVER, limit=19)
    fund.quote(20, SILVER)
    fund.buy("a", "0.4", on_fill=(child,))
    assert [order.quantity for order in fund.working("a") if order.symbol == SILVER] == [Decimal("0.15")]


@pytest.mark.parametrize("code", [(Decimal("0.4"),), ("x",), ("x", Decimal("0.3"), "+"), ("x", Decimal(2), "*")])
def test_a_tier_of_a_scaled_entry_is_what_the_tier_of_the_whole_one_scaled_would_be(
    fund: Fund, code: tuple[object, ...]
) -> None:
    quantity = Formula(code)  # type: ignore[arg-type]
    fund.buy("a", "0.6", tiers=(Tier(Decimal(1), None, 60_000, quantity, Decimal(50), Decimal(50)),))
    fund.quote(101)
    assert fund.net("a") == Decimal("0.3") + quantity.at(Decimal("0.6")) / 2


def test_a_pair_is_scaled_together_or_refused_together(fund: Fund) -> None:
    first = fund.entry("b", Side.BUY, 1, limit=90)
    fund.fire("b", OcoEntrySignal("p:b", first.symbol, 0, first, fund.entry("b", Side.SELL, 2, limit=110)))
    assert sorted(order.quantity for order in fund.working("b")) == [Decimal("0.4"), Decimal("0.8")]
    small = fund.entry("b", Side.SELL, "0.01", limit=110)
    assert not fund.fire("b", OcoEntrySignal("p:b", first.symbol, 0, first, small))
    assert len(fund.working("b")) == 2


def test_exits_follow_the_scaled_entry(fund: Fund) -> None:
    fund.buy("a", 2, stop_loss=by(10))
    (stop,) = fund.working("a")
    assert stop.remaining == 1


def test_what_the_children_hold_against_each_other_is_told(tmp_path: Path) -> None:
    fund = Fund(tmp_path, FIXED)
    fund.quote(100)
    fund.buy("a", 2)
    fund.sell("b", "0.5")
    assert [event.book_net for event in fund.told(SignalSized)] == [0, 2]


def test_a_quantity_that_is_not_scaled_stays_as_it_was_asked(tmp_path: Path) -> None:
    fund = Fund(tmp_path, FIXED)
    fund.quote(100)
    assert not fund.buy("a", "0.001")  # the venue says so, not the book
    assert fund.told(RiskRejected) == []
    assert len(fund.told(OrderRejected)) == 1
