"""Several strategies as one book: which of them may trade, with how much of the risk they ask for, and within which caps.

The portfolio's own candles, what its children ask for and what the books say flow in; sized signals, suppressed ones and the
closings of children that are out flow out, each decision as an event with its numbers. It must not know how a session is put
together, who drives time, or how a strategy decides.
"""

from qkt.portfolio.book_halt import BookHalt
from qkt.portfolio.book_risk import BookRisk
from qkt.portfolio.events import BookRiskChanged, ChildGated, RegimeChosen, SignalSized, SignalSuppressed
from qkt.portfolio.exposure import BookExposure, ExposureRules
from qkt.portfolio.gate_context import GateContext
from qkt.portfolio.portfolio import Portfolio, alias_of, shared_name
from qkt.portfolio.router import RiskRouter, Share
from qkt.portfolio.settings import BookSettings, ExposureCaps, Method, Rung
from qkt.portfolio.supervisor import ChildState, Stopped, Supervisor, book_value

__all__ = [
    "BookExposure",
    "BookHalt",
    "BookRisk",
    "BookRiskChanged",
    "BookSettings",
    "ChildGated",
    "ChildState",
    "ExposureCaps",
    "ExposureRules",
    "GateContext",
    "Method",
    "Portfolio",
    "RegimeChosen",
    "RiskRouter",
    "Rung",
    "Share",
    "SignalSized",
    "SignalSuppressed",
    "Stopped",
    "Supervisor",
    "alias_of",
    "book_value",
    "shared_name",
]
