"""The simulated venue: orders rest in its book and are matched against ticks."""

from qkt.brokers.paper.broker import PaperBroker
from qkt.brokers.paper.settings import PRESETS, BarsPath, EndPolicy, ExecutionSettings, Fills, Preset

__all__ = ["PRESETS", "BarsPath", "EndPolicy", "ExecutionSettings", "Fills", "PaperBroker", "Preset"]
