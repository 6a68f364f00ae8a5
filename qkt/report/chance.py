"""What chance makes of a run: its trades and days drawn anew, how its returns hang together, its orders executed otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from qkt.backtest.autocorrelation import Autocorrelation, Continuation, autocorrelation, continuation
from qkt.backtest.curve import Floats
from qkt.backtest.daily_returns import days_per_year
from qkt.backtest.result import BacktestResult
from qkt.core.calendars import calendar_for
from qkt.core.terms import Purpose
from qkt.ledger import RoundTrip
from qkt.research.confidence import Confidence, confidence
from qkt.research.execution_study import ExecutionStudy
from qkt.research.figures import daily_returns_of
from qkt.research.monte_carlo import FEWEST, METHODS, Simulation, simulate


@dataclass(frozen=True, slots=True, eq=False)
class Chance:
    """`trips` are the trades that count, `days` the daily returns. What needs more of them than there are is missing;
    `executions` are there where they were asked for."""

    trips: Sequence[RoundTrip]
    days: Floats
    simulations: Sequence[Simulation]
    confidence: Confidence | None
    autocorrelation: Autocorrelation | None
    continuation: Sequence[Continuation]
    executions: ExecutionStudy | None = None

    @classmethod
    def of(cls, result: BacktestResult, executions: ExecutionStudy | None = None) -> Chance:
        record = result.record
        trips = [trip for trip in result.round_trips if trip.exit_reason != Purpose.END_OF_DATA]
        days = np.array(daily_returns_of(result), dtype=np.float64)
        simulations = []
        if len(trips) >= FEWEST and record.balance > 0:
            nets = [float(trip.net) for trip in trips]
            simulations = [simulate(nets, float(record.balance), method=method) for method in METHODS]
        sure = None
        if len(days) >= FEWEST:
            sure = confidence(days, days_per_year(result.equity, calendar_for(record.symbols[0])))
        goes_on = [continuation(symbol, prices) for symbol, prices in record.prices.items()]
        return cls(
            trips, days, simulations, sure, autocorrelation(days), [one for one in goes_on if one is not None], executions
        )

    def as_dict(self) -> dict[str, Any]:
        """As plain data, without the fans."""
        return {
            "trades": [_spread(one) for one in self.simulations],
            "days": None if self.confidence is None else asdict(self.confidence),
            "executions": None if self.executions is None else self.executions.as_dict(),
            "autocorrelation": None if self.autocorrelation is None else asdict(self.autocorrelation),
            "continuation": [asdict(one) for one in self.continuation],
        }


def _spread(simulation: Simulation) -> dict[str, Any]:
    told = {name: getattr(simulation, name) for name in simulation.__slots__ if name != "fan"}
    return {**told, "final": asdict(simulation.final), "drawdown": asdict(simulation.drawdown)}
