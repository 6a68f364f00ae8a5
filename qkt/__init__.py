"""qkt: run trading strategies on history, on paper and live with the same objects.

import qkt
result = qkt.backtest("strategies/ema_cross.qkt", data="ticks.csv.gz")
print(result.metrics.total_pnl)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qkt.core.late import late

if TYPE_CHECKING:
    from qkt.backtest.api import backtest
    from qkt.backtest.result import BacktestResult
    from qkt.core.errors import QktError
    from qkt.core.events import Candle, OrderFilled, Tick
    from qkt.data import write_sample
    from qkt.report import write_report
    from qkt.strategy import Strategy, at, by, parts, pct, rr, trailing

__version__ = "0.1.0"

# Where the public names live. They are imported when first used, so that `import qkt` and the command line start fast.
_HOMES = {
    "BacktestResult": "backtest.result",
    "Candle": "core.events",
    "OrderFilled": "core.events",
    "QktError": "core.errors",
    "Strategy": "strategy",
    "Tick": "core.events",
    "at": "strategy",
    "backtest": "backtest.api",
    "by": "strategy",
    "parts": "strategy",
    "pct": "strategy",
    "rr": "strategy",
    "trailing": "strategy",
    "write_report": "report",
    "write_sample": "data",
}

__all__ = [
    "BacktestResult",
    "Candle",
    "OrderFilled",
    "QktError",
    "Strategy",
    "Tick",
    "__version__",
    "at",
    "backtest",
    "by",
    "parts",
    "pct",
    "rr",
    "trailing",
    "write_report",
    "write_sample",
]

__getattr__ = late(__name__, _HOMES)
