"""Values late in a run are those of a direct computation; the nightly run does the same over millions of bars."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from qkt.indicators import REGISTRY

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "stability.py"


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stability", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["stability"] = module  # where its dataclass looks for the names of its annotations
    spec.loader.exec_module(module)
    return module


STABILITY = _script()
MARKET = STABILITY.market(9_000)


@pytest.mark.parametrize("name", STABILITY.DIRECT)
def test_a_late_value_is_what_its_last_inputs_give(name: str) -> None:
    assert STABILITY.worst(name, MARKET, 12, samples=20) <= STABILITY.LIMIT


def test_a_running_sum_would_be_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken stretch of the market leaves something behind in a sum of floats."""

    class Running:
        def __init__(self) -> None:
            self.window: list[float] = []
            self.sum = 0.0

        def column(self, x: list[float]) -> list[float]:
            return [self.push(v) for v in x]

        def push(self, x: float) -> float:
            self.window.append(x)
            self.sum += x - (self.window[-13] if len(self.window) > 12 else 0.0)
            return self.sum / 12

    class Naive:
        feed = REGISTRY["SMA"].feed

        def make(self, constants: list[float], series: int) -> Running:
            return Running()

    monkeypatch.setattr(STABILITY, "REGISTRY", {"SMA": Naive()})
    assert STABILITY.worst("SMA", MARKET, 12, samples=20) > STABILITY.LIMIT
