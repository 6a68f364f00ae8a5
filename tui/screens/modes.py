"""Which class shows which screen. It is loaded when it is first shown: a dashboard begins with one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from textual.screen import Screen


def _later(module: str, name: str) -> Callable[[], Screen[Any]]:
    def make() -> Screen[Any]:
        screen: Screen[Any] = getattr(import_module(f"tui.screens.{module}"), name)()
        return screen

    return make


MODES: Mapping[str, Callable[[], Screen[Any]]] = {
    "overview": _later("overview", "Overview"),
    "strategy": _later("strategy", "Strategy"),
    "orders": _later("orders", "Orders"),
    "chart": _later("chart", "ChartScreen"),
    "market": _later("market", "Market"),
    "portfolio": _later("portfolio", "Portfolio"),
    "risk": _later("risk", "Risk"),
    "logs": _later("logs", "Logs"),
    "backtest": _later("backtest", "BackTest"),
    "system": _later("system", "System"),
    "fleet": _later("fleet", "FleetScreen"),
}
