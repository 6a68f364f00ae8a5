"""What the book may lose, at its exact boundary: every child stops, and gets out."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from qkt.core.terms import Side
from qkt.risk import Halted, LossLimits, RiskLimits, StrategyLimits
from tests.market import by
from tests.portfolio.fund import FIXED, Fund

DAY = 86_400_000


def limited(folder: Path, **losses: object) -> Fund:
    limits = RiskLimits(losses=LossLimits(**{name: Decimal(str(value)) for name, value in losses.items()}))
    return Fund(folder, FIXED, hold="b", limits=limits)


def test_the_days_loss_of_all_children_together_halts_the_book_strictly_beyond_its_limit(tmp_path: Path) -> None:
    fund = limited(tmp_path, max_daily_loss=100)
    fund.quote(100)
    fund.buy("a", 10)
    fund.buy("b", 20, stop_loss=by(50))
    fund.quote(95)
    fund.close("a")  # -50
    fund.buy("a", 5)
    fund.quote(85)
    fund.close("a")  # -100, which is not more than 100
    assert fund.told(Halted) == []
    fund.buy("a", "0.02")
    fund.buy("a", 1, limit=80)
    fund.quote(84)
    fund.close("a")  # and that is
    assert len(fund.told(Halted)) == 1
    assert (fund.net("a"), fund.net("b")) == (0, 0)  # also the one that holds: its gate is not what closed it
    assert fund.session.orders.live_orders() == []
    assert not fund.buy("b", 1)
    fund.quote(84, at=DAY + 1)
    assert fund.buy("b", 1)


def test_the_drawdown_of_the_book_halts_at_the_tick_that_breaks_it(tmp_path: Path) -> None:
    fund = limited(tmp_path, max_drawdown_pct=10)
    fund.quote(100)
    fund.buy("a", 60)
    fund.buy("b", 40, stop_loss=by(60))
    fund.quote(90)  # 1,000 of 10,000
    assert fund.told(Halted) == []
    fund.quote("89.99")
    assert len(fund.told(Halted)) == 1
    assert (fund.net("a"), fund.net("b")) == (0, 0)
    fund.quote(89, at=DAY + 1)
    assert not fund.buy("a", 1)


def test_a_loss_is_judged_when_the_stop_that_made_it_is_settled(tmp_path: Path) -> None:
    fund = limited(tmp_path, max_daily_loss=100)
    fund.quote(100)
    fund.buy("a", 30, stop_loss=by(5))
    fund.sell("b", 10, stop_loss=by(50))
    fund.quote(94)
    assert (fund.net("a"), fund.net("b")) == (0, 0)
    assert fund.session.orders.live_orders() == []


def test_the_limit_of_one_child_leaves_the_others_alone(tmp_path: Path) -> None:
    limits = RiskLimits(strategies={"p:a": StrategyLimits(losses=LossLimits(max_daily_loss=Decimal(50)))})
    fund = Fund(tmp_path, FIXED, limits=limits)
    fund.quote(100)
    fund.buy("a", 11)
    fund.fire("b", fund.entry("b", Side.BUY, 5))
    fund.quote(95)
    fund.close("a")
    assert not fund.buy("a", 1)
    assert fund.net("b") == 5
    assert fund.buy("b", 1)


def test_an_entry_whose_own_cost_breaks_the_limit_is_closed_after_it_is_settled(tmp_path: Path) -> None:
    limits = RiskLimits(losses=LossLimits(max_daily_loss=Decimal(100)))
    fund = Fund(tmp_path, FIXED, limits=limits, commission_per_lot=Decimal(101))
    fund.quote(100)
    fund.buy("a", 1, stop_loss=by(5))
    assert len(fund.told(Halted)) == 1
    assert fund.net("a") == 0
    assert fund.session.orders.live_orders() == []
    rejected = [event for event in fund.events if type(event).__name__ in ("OrderRejected", "CancelFailed")]
    assert rejected == []
    assert [row.position_effect for row in fund.session.books.trades] == ["OPEN_LONG", "CLOSE_LONG"]
