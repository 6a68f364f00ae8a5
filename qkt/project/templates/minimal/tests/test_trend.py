"""What must hold before this strategy trades. Run it with: python -m pytest"""

from decimal import Decimal
from pathlib import Path

import pytest

import qkt
from qkt.config import load_config

ROOT = Path(__file__).parents[1]
STRATEGY = ROOT / "strategies" / "trend.qkt"
CONFIG, _ = load_config(ROOT / "qkt.toml")


def run(market: Path, *, every_tick: bool = False) -> qkt.BacktestResult:
    """The strategy under the limits and on the venue that qkt.toml describes."""
    limits, venue = CONFIG.risk.limits(), CONFIG.execution.settings()
    return qkt.backtest(STRATEGY, data=market, limits=limits, execution=venue, every_tick=every_tick)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of invented quotes, the same in every run."""
    folder = tmp_path_factory.mktemp("market")
    qkt.write_sample(folder, ["EURUSD"], days=2, ticks_per_day=3_000)
    return folder


@pytest.fixture(scope="module")
def result(market: Path) -> qkt.BacktestResult:
    return run(market)


def test_it_trades(result: qkt.BacktestResult) -> None:
    assert len(result.round_trips) >= 3


def test_no_trade_risks_more_than_half_a_percent(result: qkt.BacktestResult) -> None:
    largest = Decimal("0.0055") * CONFIG.account.balance  # a tenth for what the equity has grown by
    for trade in result.round_trips:
        assert trade.initial_risk is not None, "it was open without a stop"
        assert 0 < trade.initial_risk <= largest


def test_no_limit_was_broken(result: qkt.BacktestResult) -> None:
    assert result.record.halts == []


def test_the_fast_replay_and_every_tick_make_the_same_trades(market: Path, result: qkt.BacktestResult) -> None:
    assert run(market, every_tick=True).trades == result.trades
