"""The simulated venue: orders rest in its book and are matched against ticks."""

from qkt.brokers.paper.broker import PaperBroker
from qkt.brokers.paper.fills import FillModel, MidFills, QuoteFills

__all__ = ["FillModel", "MidFills", "PaperBroker", "QuoteFills"]
