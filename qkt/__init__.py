"""qkt: run trading strategies on history, on paper and live with the same objects.

import qkt
result = qkt.backtest("strategies/ema_cross.qkt", data="ticks.csv.gz")
print(result.metrics.total_pnl)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    "BacktestResult": "qkt.backtest.result",
    "Candle": "qkt.core.events",
    "OrderFilled": "qkt.core.events",
    "QktError": "qkt.core.errors",
    "Strategy": "qkt.strategy",
    "Tick": "qkt.core.events",
    "at": "qkt.strategy",
    "backtest": "qkt.backtest.api",
    "by": "qkt.strategy",
    "parts": "qkt.strategy",
    "pct": "qkt.strategy",
    "rr": "qkt.strategy",
    "trailing": "qkt.strategy",
    "write_report": "qkt.report",
    "write_sample": "qkt.data",
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


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'qkt' has no attribute '{name}'")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value
