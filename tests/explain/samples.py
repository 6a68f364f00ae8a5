"""A strategy with a size to explain, its market as a file, and its back-test's result."""

from __future__ import annotations

from pathlib import Path

import qkt
from tests.runtime.samples import ticks

SIZED = """STRATEGY sized VERSION 1
SYMBOLS
    eu = SIM:EURUSD EVERY 1m
LET quick = ema(eu.close, 3),
    calm = ema(eu.close, 8)
RULES
    WHEN quick CROSSES ABOVE calm AND POSITION.eu = 0
    THEN BUY eu SIZING 0.5 PCT RISK BRACKET { STOP LOSS TRAILING 0.0006 AFTER MFE >= 0.0004, TAKE PROFIT BY 0.0012 }
    WHEN quick CROSSES BELOW calm AND POSITION.eu = 0
    THEN SELL eu SIZING 0.2 ORDER_TYPE = STOP AT eu.close - 0.0001 BRACKET { STOP LOSS BY 0.0005, TAKE PROFIT RR 2 }
    WHEN POSITION.eu < 0 AND POSITION.eu.holding_duration > 90
    THEN CLOSE eu
"""


def market(folder: Path, count: int = 3000) -> Path:
    """The quotes of the sample market as a file."""
    path = folder / "EURUSD.csv"
    rows = (f"{tick.ts},{tick.bid},{tick.ask}" for tick in ticks(count))
    path.write_text("\n".join(["timestamp,bid,ask", *rows]) + "\n")
    return path


def result_of(folder: Path, text: str = SIZED, count: int = 3000) -> Path:
    """The result's file of a back-test in the folder."""
    strategy = folder / "sized.qkt"
    strategy.write_text(text)
    found = qkt.backtest(strategy, data=[f"EURUSD={market(folder, count)}"], start="2024-01-10")
    path = folder / "run.json"
    path.write_text(found.to_json())
    return path
