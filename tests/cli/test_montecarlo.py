"""`qkt montecarlo` on what a back-test has written."""

from __future__ import annotations

import pytest

from qkt.backtest import result as result_module
from tests.cli.conftest import START


@pytest.fixture
def weeks(tmp_path):
    """Eight weeks of quotes, one in ten minutes, weekends too."""
    lines = ["ts_ms,bid,ask"]
    for n in range(56 * 144):
        bid = 109_000 + (abs(n % 120 - 60) + abs(n % 34 - 17)) * 10
        lines.append(f"{START + 600_000 * n},{bid / 100_000:.5f},{(bid + 2) / 100_000:.5f}")
    path = tmp_path / "eurusd.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("of", ["days", "trades"])
def test_a_result_and_its_strategy_give_the_same_histories(of, qkt, strategy, weeks, tmp_path, monkeypatch):
    monkeypatch.setattr(result_module, "CURVE_POINTS", 100)  # as of a run that is longer than this one
    result = tmp_path / "result.json"
    result.write_text(qkt("backtest", strategy, "--data", weeks, "--json").out)
    asked = ("--of", of, "--runs", "50", "--json")
    of_result = qkt("montecarlo", result, *asked).json
    of_strategy = qkt("montecarlo", strategy, "--data", weeks, *asked).json
    assert of_result["outcomes"] >= 30
    assert of_result == of_strategy
