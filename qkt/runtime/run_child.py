"""One back-test in a process of its own: the request comes on standard input, progress and result go out as lines of JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from qkt.backtest.api import backtest, moment
from qkt.backtest.output import as_text
from qkt.backtest.runner import Progress
from qkt.core.errors import QktError
from qkt.core.output import answers_only
from qkt.core.terms import Side

if TYPE_CHECKING:
    from qkt.backtest.result import BacktestResult

POINTS = 2_000
TRADES = 20_000
EVERY = 0.25
"""Seconds between two words about progress."""


def main() -> None:
    """Run what standard input asks for."""
    answers = os.fdopen(answers_only(), "w", encoding="utf-8")

    def send(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    asked = json.loads(sys.stdin.readline())
    if hasattr(os, "nice"):
        os.nice(asked["nice"])
    try:
        result = _run(asked, send)
    except QktError as problem:
        send({"error": str(problem)})
        return
    recipe = result.record.recipe
    send({"figures": _figures(result), "result": _result(result), "recipe": recipe and recipe.as_json()})


def _run(asked: dict[str, Any], send: Callable[[dict[str, Any]], None]) -> BacktestResult:
    told = 0.0
    first, last = moment(asked["start"], "start"), moment(asked["end"], "end")

    def tell(done: Progress) -> None:
        nonlocal told
        if monotonic() - told < EVERY:
            return
        told = monotonic()
        share = None
        if done.total:
            share = 100 * done.ticks / done.total
        elif first is not None and last is not None:
            share = 100 * (done.ts - first) / (last - first)
        said = {"ticks": done.ticks, "at": done.ts}
        send({"progress": said | ({} if share is None else {"progress_pct": _number(min(share, 100.0))})})

    return backtest(
        asked["path"],
        data=asked["data"],
        store=not asked["data"],
        start=asked["start"],
        end=asked["end"],
        balance=asked["balance"],
        currency=asked["currency"],
        params=asked["params"],
        instruments=None if asked["instruments"] is None else Path(asked["instruments"]),
        progress=tell,
    )


def _figures(result: BacktestResult) -> dict[str, Any]:
    """The headline of the run's row."""
    metrics, record = result.metrics, result.record
    shares = {
        "return_pct": metrics.return_fraction,
        "cagr_pct": metrics.cagr,
        "max_drawdown_pct": -metrics.max_drawdown,
        "win_pct": metrics.win_rate,
    }
    return {
        "symbols": list(record.symbols),
        "first": record.first_ts,
        "last": record.last_ts,
        "ticks": record.ticks,
        "net": as_text(metrics.total_pnl),
        "trades": metrics.closed_trades,
        "sharpe": _number(metrics.sharpe),
        "profit_factor": _number(metrics.profit_factor),
        **{name: None if value is None else _number(100 * float(value)) for name, value in shares.items()},
    }


def _result(result: BacktestResult) -> dict[str, Any]:
    curve = result.equity.thinned(POINTS)
    peaks = np.maximum.accumulate(result.equity.values)
    at = np.searchsorted(result.equity.times, curve.times, side="right") - 1
    falls = 100 * (curve.values - peaks[at]) / np.where(peaks[at] > 0, peaks[at], 1.0)
    points = zip(curve.times.tolist(), curve.values.tolist(), falls.tolist(), strict=True)
    return {
        "metrics": {name: _plain(value) for name, value in result.summary.items()},
        "curve": [{"ts": ts, "equity": value, "drawdown_pct": fall} for ts, value, fall in points],
        "trades": [
            {
                "number": number,
                "symbol": trip.symbol,
                "side": "LONG" if trip.side is Side.BUY else "SHORT",
                "quantity": as_text(trip.quantity),
                "opened": trip.entry_time,
                "closed": trip.exit_time,
                "entry": as_text(trip.entry_price),
                "exit": as_text(trip.exit_price),
                "pnl": as_text(trip.net),
                "r": None if trip.r_multiple is None else as_text(trip.r_multiple),
                "reason": trip.exit_reason,
            }
            for number, trip in enumerate(result.round_trips[-TRADES:], max(1, len(result.round_trips) - TRADES + 1))
        ],
        "warnings": list(result.warnings),
    }


def _plain(value: object) -> object:
    return as_text(value) if isinstance(value, Decimal) else value


def _number(value: float | Decimal | None) -> str | None:
    """A statistic with four decimals."""
    return None if value is None else f"{value:.4f}"


if __name__ == "__main__":
    main()
