"""What each child of a portfolio contributed, against the same computed another way."""

from __future__ import annotations

import json
from array import array
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import qkt
from qkt.backtest.book import BookRun, ChildRun, book_metrics, deepest_fall
from qkt.backtest.record import RunRecord
from qkt.backtest.result import BacktestResult
from tests.backtest.records import record

FALL = np.array([0.0, 5.0, 3.0, 9.0, 1.0, 4.0, 8.0, 2.0])


def book_of(*curves: list[float], balance: int = 1_000) -> RunRecord:
    """A book whose children earned these curves."""
    children = tuple(
        ChildRun(
            f"p:{n}",
            str(n),
            None,
            Decimal(balance),
            ("SIM:X",),
            array("d", [balance + value for value in curve]),
            Decimal(str(curve[-1])),
            Decimal(0),
            0,
            0,
        )
        for n, curve in enumerate(curves)
    )
    whole = [balance + sum(values) for values in zip(*curves, strict=True)]
    times = array("q", range(0, 60_000 * len(whole), 60_000))
    run = BookRun(Decimal(balance), children, array("d", [1, 5, 3]), array("d", [1, 2, 0]))
    return replace(record(), balance=Decimal(balance), equity_times=times, equity_values=array("d", whole), book=run)


def test_shares_of_return_and_risk_are_those_of_the_textbook() -> None:
    rng = np.random.default_rng(5)
    curves = np.cumsum(rng.normal(size=(3, 60)), axis=1)
    found = book_metrics(book_of(*curves.tolist()))
    assert found is not None
    returns = np.diff(curves, axis=1) / 1_000
    whole = returns.sum(axis=0)
    assert np.allclose(found.correlation, np.corrcoef(returns))
    assert [part.risk for part in found.children] == pytest.approx(
        [np.cov(one, whole)[0, 1] / np.var(whole, ddof=1) for one in returns]
    )
    assert sum(part.risk or 0 for part in found.children) == pytest.approx(1)
    assert [part.contribution for part in found.children] == pytest.approx((curves[:, -1] / curves[:, -1].sum()).tolist())
    assert sum(part.drawdown or 0 for part in found.children) == pytest.approx(1)
    assert (found.peak_gross, found.peak_net) == (5, 2)


def test_the_deepest_fall_is_in_money_and_shared_between_its_peak_and_its_trough() -> None:
    assert deepest_fall(FALL) == (3, 4)
    found = book_metrics(book_of((FALL * 0.75).tolist(), (FALL * 0.25).tolist()))
    assert found is not None
    assert found.drawdown == 8
    assert [part.drawdown for part in found.children] == pytest.approx([0.75, 0.25])


def test_without_variance_or_a_fall_nothing_is_shared() -> None:
    found = book_metrics(book_of([0, 1, 2, 3], [0, 0, 0, 0]))
    assert found is not None
    assert found.correlation == ((0, 0), (0, 0)) or found.correlation[0][1] == 0
    assert [part.drawdown for part in found.children] == [None, None]
    flat = book_metrics(book_of([0, 0, 0], [0, 0, 0]))
    assert flat is not None
    assert [(part.contribution, part.risk) for part in flat.children] == [(0, None), (0, None)]


def test_it_takes_two_children_and_two_returns() -> None:
    assert book_metrics(book_of([0, 1, 2])) is None
    assert book_metrics(book_of([0, 1], [0, 1])) is None
    assert book_metrics(replace(record(), book=None)) is None


CHILD = """STRATEGY c VERSION 1
SYMBOLS
    eu = SIM:EURUSD EVERY 5m
PARAM period = 5
RULES
    WHEN eu.close > sma(eu.close, period) AND POSITION.eu = 0
    THEN BUY eu SIZING 0.1 BRACKET { STOP LOSS BY 0.0008, TAKE PROFIT BY 0.0008 }
"""
BOOK = """PORTFOLIO pair VERSION 1 CAPITAL 20000
SYMBOLS
    eu = SIM:EURUSD EVERY 15m
IMPORT 'c.qkt' AS quick
IMPORT 'c.qkt' AS calm HOLD
RULES
    RUN quick WEIGHT 0.6 OVERRIDE { period = 3 }
    WHEN eu.close > sma(eu.close, 4) RUN calm WEIGHT 0.4 OVERRIDE { period = 12 }
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> BacktestResult:
    folder = tmp_path_factory.mktemp("pair")
    (folder / "c.qkt").write_text(CHILD)
    (folder / "pair.qkt").write_text(BOOK)
    return qkt.backtest(folder / "pair.qkt", data=quotes(folder))


def quotes(folder: Path) -> Path:
    rng = np.random.default_rng(3)
    path = folder / "EURUSD.csv"
    middle = 1.1 + np.cumsum(rng.normal(0, 0.00006, 20_000))
    lines = [f"{1_704_880_800_000 + n * 5_000},{m - 0.00003:.5f},{m + 0.00003:.5f}" for n, m in enumerate(middle.tolist())]
    path.write_text("\n".join(["ts,bid,ask", *lines]) + "\n")
    return path


def test_the_children_add_up_to_the_book(result: BacktestResult) -> None:
    assert set(result.children) == {"quick", "calm"}
    assert sum((m.total_pnl for m in result.children.values()), Decimal(0)) == result.metrics.total_pnl
    assert sum(m.fills for m in result.children.values()) == result.metrics.fills
    assert sum(m.closed_trades for m in result.children.values()) == result.metrics.closed_trades > 20
    assert result.record.book is not None
    curves = [np.array(child.equity_values) - float(child.balance) for child in result.record.book.children]
    assert np.allclose(sum(curves), np.array(result.record.equity_values) - 20_000)
    assert [child.balance for child in result.record.book.children] == [12_000, 8_000]


def test_the_figures_of_a_child_are_its_own(result: BacktestResult) -> None:
    quick = result.children["quick"]
    rows = [row for row in result.trades if row.strategy == "pair:quick"]
    assert quick.realized == sum(row.realized for row in rows)
    assert quick.return_fraction == pytest.approx(float(quick.total_pnl) / 12_000)


def test_the_result_as_data_and_as_text_tells_of_the_children(result: BacktestResult) -> None:
    data = json.loads(result.to_json())["book"]
    assert [child["alias"] for child in data["children"]] == ["quick", "calm"]
    assert len(data["gross"]) == len(data["children"][0]["equity"]) == len(result.equity)
    assert {row["kind"] for row in data["decisions"]["rows"]} == {"ChildGated"}
    assert data["children"][1]["suppressed"] > 0
    text = str(result)
    assert "Children, with their shares" in text
    assert "correlation of returns: quick and calm" in text
    curve = next(line for line in text.splitlines() if line.startswith("quick  12,000.00"))
    assert curve.endswith(f"{12_000 + result.children['quick'].total_pnl:,.2f}")
    assert "█" in curve
    assert max(len(line) for line in text.splitlines()) <= 80
