"""Limits in a portfolio: of one child, which leaves the other alone, and of the account, which binds both."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from qkt.core.events import MarginRead, OrderRejected, RiskRejected
from qkt.core.terms import Purpose
from qkt.core.timeframe import DAY_MS
from qkt.risk import Cause, Halt, Lasts, LossLimits, OrderLimits, RiskLimits, StrategyLimits
from tests.market import GOLD, SILVER, by
from tests.portfolio.fund import FIXED, Fund

NONE = LossLimits()


def fund(folder: Path, account: LossLimits = NONE, **limits: object) -> Fund:
    own = StrategyLimits(**limits)  # type: ignore[arg-type]
    made = Fund(folder, FIXED, limits=RiskLimits(losses=account, every_strategy=own))
    made.close_bar(100)
    made.quote(10, SILVER)
    return made


def lose(made: Fund, child: str, amount: int) -> None:
    """Enter and leave, the price comes back in between."""
    made.buy(child, amount)
    made.quote(99)
    made.close(child)
    made.quote(100)


def standing(made: Fund) -> list[tuple[str | None, str]]:
    return [(halt.strategy, halt.cause) for halt in made.session.risk.halts]


@pytest.mark.parametrize(
    ("limits", "cause", "amount"),
    [
        ({"losses": LossLimits(Decimal(50))}, "daily loss", 51),
        ({"losses": LossLimits(max_drawdown_pct=Decimal(1))}, "drawdown", 51),
        ({"losses": LossLimits(max_daily_drawdown_pct=Decimal(1))}, "daily drawdown", 51),
        ({"loss_streak_halt": 1}, "loss streak", 1),
    ],
)
def test_a_limit_that_one_child_breaks_halts_that_child_alone(
    tmp_path: Path, limits: dict[str, object], cause: str, amount: int
) -> None:
    made = fund(tmp_path, **limits)
    made.buy("b", 1, limit=90)
    lose(made, "a", amount)
    assert standing(made) == [("p:a", cause)]
    assert not made.buy("a", 1)
    assert made.buy("b", 1)
    assert len(made.session.orders.live_orders()) == 1


@pytest.mark.parametrize(
    ("limits", "amount"),
    [
        ({"max_position": Decimal(3)}, 4),
        ({"max_trades_per_day": 1}, 1),
        ({"cooldown_ms": 60_000}, 1),
    ],
)
def test_a_rule_of_entries_counts_what_the_child_itself_has_done(
    tmp_path: Path, limits: dict[str, object], amount: int
) -> None:
    made = fund(tmp_path, **limits)
    lose(made, "a", 1)
    assert not made.buy("a", amount)
    assert made.buy("b", 3)


@pytest.mark.parametrize(
    ("orders", "fits", "reason"),
    [
        ({"max_quantity": Decimal(3)}, 3, "order quantity 3.01 exceeds cap 3"),
        ({"max_notional": Decimal(300)}, 3, "order notional 301.00000000 exceeds cap 300"),
        ({"max_account_position": Decimal(5)}, 5, "position size 5.01 of the account in SIM:GOLD exceeds cap 5"),
    ],
)
def test_a_cap_of_orders_binds_every_child_at_its_boundary(
    tmp_path: Path, orders: dict[str, Decimal], fits: int, reason: str
) -> None:
    made = Fund(tmp_path, FIXED, limits=RiskLimits(OrderLimits(**orders)))
    made.close_bar(100)
    for child in "ab":
        assert not made.buy(child, fits + Decimal("0.01"))
        assert made.told(RiskRejected)[-1].reason.startswith(reason)
        assert made.buy(child, fits)
        made.close(child)


def test_the_cap_of_the_account_counts_what_the_other_child_holds(tmp_path: Path) -> None:
    made = Fund(tmp_path, FIXED, limits=RiskLimits(OrderLimits(max_account_position=Decimal(5))))
    made.close_bar(100)
    made.buy("a", 3)
    assert not made.buy("b", "2.01")
    assert made.buy("b", 2)


def test_an_order_too_far_from_the_market_is_refused_for_every_child(tmp_path: Path) -> None:
    made = Fund(tmp_path, FIXED)
    made.close_bar(100)
    for child in "ab":
        assert not made.buy(child, 1, limit="74.99")
        assert made.buy(child, 1, limit=75)


def test_a_child_that_runs_away_is_halted_alone(tmp_path: Path) -> None:
    made = fund(tmp_path, runaway_round_trips=3, runaway_rejections=2)
    for _ in range(3):
        lose(made, "a", 1)
        lose(made, "b", 1)
    assert standing(made) == []
    lose(made, "a", 1)
    assert standing(made) == [("p:a", "round trips")]
    for n in range(3):
        assert len(standing(made)) == 1
        made.session.scope.publish(OrderRejected(f"o{n}", "p:b", GOLD, "no money"))
    assert standing(made) == [("p:a", "round trips"), ("p:b", "rejections")]


def test_rules_of_a_real_venue_bind_every_child_at_their_boundaries(tmp_path: Path) -> None:
    made = Fund(tmp_path, FIXED, real=True)
    made.close_bar(100)
    venue = made.session.risk.venue
    venue.started_at = made.now
    for child in "ab":
        assert not made.buy(child, "0.02")
        assert made.buy(child, "0.01")
        made.session.scope.publish(MarginRead(Decimal("199.99")))
        assert not made.buy(child, "0.01")
        made.session.scope.publish(MarginRead(Decimal(200)))
        venue.unsound[GOLD] = "stale"
        assert not made.buy(child, "0.01")
        del venue.unsound[GOLD]
    made.quote(100, at=venue.started_at + 24 * 3_600_000)
    assert made.buy("a", "0.02")


def test_so_many_open_symbols_are_those_of_the_child(tmp_path: Path) -> None:
    made = fund(tmp_path, max_open_positions=1)
    made.buy("a", 1)
    assert not made.buy("a", 1, symbol=SILVER)
    assert made.buy("b", 1, symbol=SILVER)


@pytest.mark.parametrize(
    ("losses", "cause"),
    [
        (LossLimits(Decimal(50)), "daily loss"),
        (LossLimits(max_drawdown_pct=Decimal("0.5")), "drawdown"),
        (LossLimits(max_daily_drawdown_pct=Decimal("0.5")), "daily drawdown"),
    ],
)
def test_what_the_children_lose_together_halts_them_all(tmp_path: Path, losses: LossLimits, cause: str) -> None:
    made = fund(tmp_path, losses)
    lose(made, "a", 25)
    lose(made, "b", 25)
    assert standing(made) == []
    lose(made, "b", 1)
    assert standing(made) == [(None, cause)]
    assert not made.buy("a", 1)
    assert not made.buy("b", 1)


def test_a_trailing_drawdown_of_the_account_is_measured_from_the_peak_of_both_together(tmp_path: Path) -> None:
    limits = RiskLimits(losses=LossLimits(max_drawdown_pct=Decimal(1)), drawdown_basis="trailing")
    made = Fund(tmp_path, FIXED, limits=limits)
    made.close_bar(100)
    made.buy("a", 10)
    made.buy("b", 10)
    made.quote(150)  # 11,000 together
    made.quote("144.5")
    assert standing(made) == []
    made.quote("144.49")
    assert standing(made) == [(None, "drawdown")]


def test_one_child_cannot_pass_off_its_entry_as_reducing_what_another_holds(tmp_path: Path) -> None:
    made = fund(tmp_path)
    made.buy("a", 5, stop_loss=by(20))
    made.session.risk.put(Halt(Cause.HALT, "lunch", Lasts.PERSISTENT, made.now))
    assert not made.sell("b", 1)
    assert made.sell("a", 1)
    assert {event.reason for event in made.told(RiskRejected)} == {"halted: lunch"}  # type: ignore[attr-defined]


def test_a_halt_of_the_book_binds_all_children_until_its_day_is_over(tmp_path: Path) -> None:
    made = fund(tmp_path)
    made.session.risk.put(Halt(Cause.BOOK, "the book lost too much", Lasts.DAILY, made.now, DAY_MS))
    assert not made.buy("a", 1)
    made.quote(100, at=DAY_MS)
    assert made.buy("b", 1)
    made.session.close_all("flat1", Purpose.CLOSE)
    assert not any(book.open_books() for book in made.session.books.strategies.values())
