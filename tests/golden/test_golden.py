"""The golden cases: strategies whose trades an independent engine made of the same ticks."""

import csv
import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import qkt
from qkt.backtest.result import BacktestResult

SHARED = Path(__file__).parents[3] / "shared"
GOLDEN = SHARED / "golden"

pytestmark = pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden cases of ../shared are not here")


@dataclass(frozen=True)
class Case:
    folder: Path

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self.folder / "case.json").read_text())
        return facts

    def instruments(self, tmp_path: Path) -> Path:
        table = json.loads((SHARED / "data" / "instruments.json").read_text())
        for entry in table["instruments"]:
            entry |= self.facts.get("instrument_overrides", {}).get(entry["symbol"], {})
        path = tmp_path / "instruments.json"
        path.write_text(json.dumps(table))
        return path

    def run(self, tmp_path: Path, *, every_tick: bool) -> BacktestResult:
        facts = self.facts
        return qkt.backtest(
            self.folder / "strategy.qkt",
            data=[SHARED / "data" / "ticks" / name for name in facts["data"]],
            start=facts["from"],
            end=facts["to"],
            balance=facts["start_balance"],
            params=facts["params"],
            fills=facts["fills"],
            instruments=self.instruments(tmp_path),
            every_tick=every_tick,
        )


def cases() -> list[Any]:
    folders = sorted(path.parent for path in GOLDEN.glob("*/case.json")) if GOLDEN.is_dir() else []
    return [pytest.param(Case(folder), id=folder.name) for folder in folders]


@pytest.mark.parametrize("case", cases())
def test_the_trades_are_those_of_the_independent_engine(case: Case, tmp_path: Path) -> None:
    fast = case.run(tmp_path, every_tick=False)
    with (case.folder / "trades.csv").open(newline="") as handle:
        golden = list(csv.DictReader(handle))
    assert len(fast.trades) == len(golden)
    for ours, theirs in zip(fast.trades, golden, strict=True):
        got = (ours.timestamp, ours.strategy, ours.symbol, ours.side, ours.quantity, ours.position_effect, ours.order_type)
        expected = (
            int(theirs["timestamp"]),
            theirs["strategy"],
            theirs["symbol"],
            theirs["side"],
            Decimal(theirs["quantity"]),
            theirs["position_effect"],
            theirs["order_type"],
        )
        assert got == expected
        assert abs(ours.price - Decimal(theirs["price"])) <= Decimal("1e-7") * ours.price
        assert abs(ours.realized - Decimal(theirs["realized"])) <= Decimal("0.01")
    summary = case.facts["summary"]
    # Theirs nets all legs of the account, whose averages round to 8 decimals; ours adds up the legs.
    assert abs(fast.record.realized - Decimal(summary["realized"])) <= Decimal("1e-7")
    assert fast.record.unrealized == Decimal(summary["unrealized"])
    assert len(fast.record.rejections) == int(summary.get("rejections", 0))
    refused = case.folder / "rejections.csv"
    if refused.exists():
        with refused.open(newline="") as handle:
            expected_refusals = [(int(row["timestamp"]), row["reason"].split()[:2]) for row in csv.DictReader(handle)]
        ours = [(event.at, event.reason.replace("quantity", "qty").split()[:2]) for event in fast.record.rejections]
        assert ours == expected_refusals
    if "commission" in summary:
        assert fast.record.commission == Decimal(summary["commission"])
    if "swap" in summary:  # theirs is positive when paid
        assert fast.record.swap == -Decimal(summary["swap"])


@pytest.mark.parametrize("case", cases())
def test_stepping_through_every_tick_gives_the_same_trades_and_equity(case: Case, tmp_path: Path) -> None:
    fast = case.run(tmp_path, every_tick=False)
    slow = case.run(tmp_path, every_tick=True)
    samples_equity = "SERIES ACCOUNT.EQUITY" in (case.folder / "strategy.qkt").read_text()
    assert (fast.record.replay, slow.record.replay) == ("every-tick" if samples_equity else "fast", "every-tick")
    assert fast.trades == slow.trades
    assert fast.round_trips == slow.round_trips
    assert fast.record.equity_times == slow.record.equity_times
    assert fast.record.equity_values == slow.record.equity_values
