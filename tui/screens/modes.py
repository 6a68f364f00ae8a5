"""Which class shows which screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from textual.screen import Screen

from tui.screens.backtest import BackTest
from tui.screens.chart import ChartScreen
from tui.screens.fleet import FleetScreen
from tui.screens.logs import Logs
from tui.screens.market import Market
from tui.screens.orders import Orders
from tui.screens.overview import Overview
from tui.screens.portfolio import Portfolio
from tui.screens.risk import Risk
from tui.screens.strategy import Strategy
from tui.screens.system import System

MODES: Mapping[str, Callable[[], Screen[Any]]] = {
    "overview": Overview,
    "strategy": Strategy,
    "orders": Orders,
    "chart": ChartScreen,
    "market": Market,
    "portfolio": Portfolio,
    "risk": Risk,
    "logs": Logs,
    "backtest": BackTest,
    "system": System,
    "fleet": FleetScreen,
}
