"""Orders, fills and equity in, approvals, refusals and halts out: what a session is held to.

Limits bind the account, and each strategy by its own positions and money; a halt is state with a reason and an end. The room
must not know how orders are executed, nor who may clear a halt. Orders that can only reduce a leg always pass.
"""

from qkt.risk.claims import Exposure
from qkt.risk.closing import close_legs
from qkt.risk.engine import RiskEngine
from qkt.risk.gate import RiskGate
from qkt.risk.halt_rules import NEAR, EquityFall
from qkt.risk.halts import Cause, Halt, Halted, HaltLifted, Halts, HaltSpan, Lasts
from qkt.risk.limit_records import limits_from_json, limits_json
from qkt.risk.limits import LossLimits, OrderLimits, RiskLimits, StrategyLimits, VenueLimits
from qkt.risk.way_out import WayOut

__all__ = [
    "NEAR",
    "Cause",
    "EquityFall",
    "Exposure",
    "Halt",
    "HaltLifted",
    "HaltSpan",
    "Halted",
    "Halts",
    "Lasts",
    "LossLimits",
    "OrderLimits",
    "RiskEngine",
    "RiskGate",
    "RiskLimits",
    "StrategyLimits",
    "VenueLimits",
    "WayOut",
    "close_legs",
    "limits_from_json",
    "limits_json",
]
