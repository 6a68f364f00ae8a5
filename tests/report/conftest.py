"""One run of a portfolio and its report, for all tests of the room."""

from __future__ import annotations

from pathlib import Path

import pytest

import qkt
from qkt.backtest.result import BacktestResult
from qkt.report import write_report

STRATEGIES = Path(__file__).parents[2] / "strategies"


@pytest.fixture(scope="session")
def result(tmp_path_factory: pytest.TempPathFactory) -> BacktestResult:
    sample = tmp_path_factory.mktemp("sample")
    qkt.write_sample(sample, ["EURUSD"], days=4, seed=3, ticks_per_day=2_500)
    return qkt.backtest(STRATEGIES / "trend_or_range.qkt", data=str(sample))


@pytest.fixture(scope="session")
def folder(result: BacktestResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(result, tmp_path_factory.mktemp("reports") / "one", "qkt backtest trend_or_range.qkt")
