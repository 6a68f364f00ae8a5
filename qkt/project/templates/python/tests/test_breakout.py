"""What must hold before this strategy trades. Run it with: python -m pytest"""

from pathlib import Path

import pytest

import qkt
from qkt.config import load_config

ROOT = Path(__file__).parents[1]
STRATEGY = ROOT / "strategies" / "breakout.py"
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


def test_every_trade_has_a_stop(result: qkt.BacktestResult) -> None:
    assert all(trade.initial_risk for trade in result.round_trips)


def test_nothing_is_held_over_night(result: qkt.BacktestResult) -> None:
    assert result.financing == []


def test_no_limit_was_broken(result: qkt.BacktestResult) -> None:
    assert result.record.halts == []


def test_the_fast_replay_and_every_tick_make_the_same_trades(market: Path, result: qkt.BacktestResult) -> None:
    assert run(market, every_tick=True).trades == result.trades
