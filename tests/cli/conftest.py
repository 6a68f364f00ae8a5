"""The command line, called in this process, over a small deterministic tape."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qkt.cli.main import main

CROSSES = """STRATEGY crosses VERSION 2

SYMBOLS
    eur = BACKTEST:EURUSD EVERY 1m

PARAM fast = 3
LET slow_line = ema(eur.close, 8)

RULES
    WHEN ema(eur.close, fast) CROSSES ABOVE slow_line AND POSITION.eur = 0
    THEN BUY eur SIZING 0.1 BRACKET { STOP LOSS BY 0.0008, TAKE PROFIT RR 2 };
         LOG 'crossed' price = eur.close
"""

START = 1_704_873_600_000


@dataclass(frozen=True)
class Answer:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def qkt(capsys, monkeypatch):
    """Call `qkt` with these arguments."""
    monkeypatch.delenv("QKT_DEBUG", raising=False)

    def call(*arguments: object) -> Answer:
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        code = end.value.code
        assert isinstance(code, int | None)
        captured = capsys.readouterr()
        return Answer(code or 0, captured.out, captured.err)

    return call


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """Three hours of EURUSD quotes, one a second, that swing up and down."""
    lines = ["ts_ms,bid,ask"]
    for n in range(10_800):
        swing = abs(n % 1_200 - 600) + abs(n % 340 - 170)
        bid = 109_000 + swing // 5
        lines.append(f"{START + 1_000 * n},{bid / 100_000:.5f},{(bid + 2) / 100_000:.5f}")
    path = tmp_path / "eurusd.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def strategy(tmp_path: Path) -> Path:
    path = tmp_path / "crosses.qkt"
    path.write_text(CROSSES)
    return path
