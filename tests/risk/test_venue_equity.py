"""Limits of an account at a real venue: they watch the equity that the venue tells, and go on by the books between readings."""

from __future__ import annotations

from decimal import Decimal

from qkt.core.events import LogLine, MarginRead
from qkt.core.timeframe import DAY_MS
from qkt.risk import LossLimits, RiskLimits, VenueLimits
from tests.market import Market

FREE = VenueLimits(measured_usage_hours=Decimal(0))


def market(
    basis: str = "venue", *, real: bool = True, total: str = "static", daily: str = "balance", **losses: object
) -> Market:
    held = LossLimits(**{name: Decimal(str(value)) for name, value in losses.items()})
    limits = RiskLimits(
        losses=held,
        drawdown_basis=total,  # type: ignore[arg-type]
        daily_drawdown_basis=daily,  # type: ignore[arg-type]
        venue=FREE,
        equity_basis=basis,  # type: ignore[arg-type]
    )
    made = Market(limits=limits, real=real)
    made.quote(100)
    return made


def read(made: Market, equity: object, balance: object) -> None:
    made.session.scope.publish(MarginRead(Decimal(500), Decimal(str(equity)), Decimal(str(balance))))


def blind(made: Market) -> None:
    made.session.scope.publish(MarginRead(None))


def causes(made: Market) -> list[str]:
    return [halt.cause for halt in made.session.risk.halts]


def test_what_others_lose_on_the_account_counts() -> None:
    made = market(max_drawdown_pct=10)
    read(made, 50_000, 50_000)  # the session was told of 10,000
    read(made, 45_000, 45_000)
    assert causes(made) == []
    read(made, "44999.99", 45_000)
    assert causes(made) == ["drawdown"]


def test_between_readings_equity_moves_with_the_price() -> None:
    made = market(max_drawdown_pct=10)
    read(made, 20_000, 20_000)
    made.buy(100)
    made.quote(80)
    assert causes(made) == []
    made.quote("79.99")
    assert causes(made) == ["drawdown"]


def test_a_reading_takes_the_place_of_what_the_books_said() -> None:
    made = market(max_drawdown_pct=10)
    read(made, 20_000, 20_000)
    made.buy(100)
    made.quote(81)
    read(made, "18000.01", 20_000)  # the venue has costs of which the books know nothing
    assert causes(made) == []
    made.quote("80.99")
    assert causes(made) == ["drawdown"]


def test_the_peak_is_that_of_the_venue() -> None:
    made = market(max_drawdown_pct=10, total="trailing")
    read(made, 50_000, 50_000)
    read(made, 60_000, 60_000)
    read(made, 54_000, 54_000)
    assert causes(made) == []
    read(made, "53999.9", 54_000)
    assert causes(made) == ["drawdown"]


def test_the_peak_is_kept_while_a_halt_stands() -> None:
    made = market(max_drawdown_pct=10, total="trailing")
    read(made, 50_000, 50_000)
    read(made, 44_000, 44_000)
    read(made, 60_000, 60_000)
    made.session.risk.resume("me", "on")
    read(made, "53999.9", 54_000)
    assert causes(made) == ["drawdown"]


def test_a_day_begins_with_what_the_venue_has() -> None:
    for daily, equity in (("balance", 48_000), ("equity", 46_000)):
        made = market(max_daily_drawdown_pct=10, daily=daily)
        read(made, 50_000, 50_000)
        read(made, 46_000, 48_000)
        made.quote(100, at=DAY_MS)
        read(made, Decimal(equity) * 9 / 10, 48_000)
        assert causes(made) == []
        read(made, Decimal(equity) * 9 / 10 - Decimal("0.01"), 48_000)
        assert causes(made) == ["daily drawdown"]


def test_by_the_books_where_it_is_configured_so_and_everywhere_but_at_a_venue() -> None:
    for made in (market("modeled", max_drawdown_pct=10), market(real=False, max_drawdown_pct=10)):
        read(made, 50_000, 50_000)
        read(made, 10_000, 10_000)
        assert causes(made) == []
        made.buy(100)
        made.quote("89.99")
        assert causes(made) == ["drawdown"]


def test_an_account_that_cannot_be_read_is_told_once_and_goes_on_by_the_books() -> None:
    made = market(max_drawdown_pct=10)
    read(made, 20_000, 20_000)
    made.buy(100)
    for seconds in range(4, 24, 4):
        made.quote(100, at=made.now + 4_000)
        blind(made)
        lines = [line.text for line in made.told(LogLine)]  # type: ignore[attr-defined]
        assert len(lines) == (seconds >= 16)
    assert lines == ["the account could not be read 4 times in a row: its equity goes on by the books"]
    made.quote(80)
    assert causes(made) == []
    made.quote("79.99")
    assert causes(made) == ["drawdown"]
    read(made, 20_000, 20_000)
    assert made.told(LogLine)[-1].text == "the account can be read again"  # type: ignore[attr-defined]
