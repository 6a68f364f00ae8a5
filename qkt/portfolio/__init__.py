"""Several strategies as one book: which of them may trade, with how much of the risk they ask for, and within which caps.

The portfolio's own candles, what its children ask for and what the books say flow in; sized signals, suppressed ones and the
closings of children that are out flow out, each decision as an event with its numbers. It must not know how a session is put
together, who drives time, or how a strategy decides.
"""

from qkt.portfolio.events import ChildGated, RegimeChosen, SignalSized, SignalSuppressed
from qkt.portfolio.gate_context import GateContext
from qkt.portfolio.portfolio import Portfolio
from qkt.portfolio.router import Netting, RiskRouter, Share
from qkt.portfolio.settings import BookSettings, ExposureCaps, Method, Rung
from qkt.portfolio.supervisor import ChildState, Supervisor, book_value

__all__ = [
    "BookSettings",
    "ChildGated",
    "ChildState",
    "ExposureCaps",
    "GateContext",
    "Method",
    "Netting",
    "Portfolio",
    "RegimeChosen",
    "RiskRouter",
    "Rung",
    "Share",
    "SignalSized",
    "SignalSuppressed",
    "Supervisor",
    "book_value",
]
