"""What must hold before this strategy trades. Run it with: python -m pytest"""

from decimal import Decimal
from pathlib import Path

import pytest

import qkt
from qkt.config import load_config

ROOT = Path(__file__).parents[1]
STRATEGY = ROOT / "strategies" / "trend.qkt"
CONFIG, _ = load_config(ROOT / "qkt.toml")


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of invented quotes, the same in every run."""
    folder = tmp_path_factory.mktemp("market")
    qkt.write_sample(folder, ["EURUSD"], days=2, ticks_per_day=3_000)
    return folder


@pytest.fixture(scope="module")
def result(market: Path) -> qkt.BacktestResult:
    """The strategy on a simulated account with the rules of the platform: its levels, volumes and native stops."""
    return qkt.backtest(STRATEGY, data=market, limits=CONFIG.risk.limits(), broker="mt5-sim")


def test_it_trades_and_the_platform_takes_its_orders(result: qkt.BacktestResult) -> None:
    assert len(result.round_trips) >= 2
    assert result.record.rejections == []


def test_every_trade_is_the_smallest_there_is_and_has_a_stop(result: qkt.BacktestResult) -> None:
    assert {trade.quantity for trade in result.round_trips} == {Decimal("0.01")}
    assert all(trade.initial_risk for trade in result.round_trips)


def test_no_limit_was_broken(result: qkt.BacktestResult) -> None:
    assert result.record.halts == []


def test_only_a_demo_account_is_traded_on() -> None:
    assert CONFIG.mt5["demo"].expected_trade_mode == "demo"
