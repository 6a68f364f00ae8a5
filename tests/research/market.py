"""A strategy with two parameters, and a morning of ticks for it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from qkt.backtest.api import prepare
from qkt.backtest.prepared import Prepared

START = 1_700_000_040_000
STEP_MS = 5_000
TICKS = 4_000

CROSS = """STRATEGY cross VERSION 1
SYMBOLS eur = BACKTEST:EURUSD EVERY 1m
PARAM fast = 3
PARAM slow = 8
RULES
    WHEN ema(eur.close, fast) CROSSES ABOVE ema(eur.close, slow) AND POSITION.eur = 0
    THEN BUY eur SIZING 0.1 BRACKET { STOP LOSS BY 0.0005, TAKE PROFIT BY 0.0010 }
    WHEN ema(eur.close, fast) CROSSES BELOW ema(eur.close, slow) AND POSITION.eur = 0
    THEN SELL eur SIZING 0.1 BRACKET { STOP LOSS BY 0.0005, TAKE PROFIT BY 0.0010 }
"""


def prices(n: int) -> float:
    return 1.1 + 0.0012 * math.sin(n / 170) + (n * 7919 % 997 - 498) * 3e-7


def folder_with_market(folder: Path) -> Path:
    """The folder, in which `cross.qkt` and `EURUSD.csv` stand now."""
    (folder / "cross.qkt").write_text(CROSS)
    rows = (f"{START + n * STEP_MS},{prices(n):.5f},{prices(n) + 0.00002:.5f}" for n in range(TICKS))
    (folder / "EURUSD.csv").write_text("timestamp,bid,ask\n" + "\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_with_market(tmp_path_factory.mktemp("research"))


@pytest.fixture(scope="session")
def ready(place: Path) -> Prepared:
    return prepare(place / "cross.qkt", data=f"EURUSD={place / 'EURUSD.csv'}").loaded()
