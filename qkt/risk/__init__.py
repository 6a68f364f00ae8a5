"""Orders in, approvals or refusals out: the rules an order must pass before it leaves.

The room must not know how orders are executed. Orders that can only reduce a leg always pass.
"""

from qkt.risk.closing import close_legs
from qkt.risk.gate import RiskGate
from qkt.risk.limits import OrderLimits

__all__ = ["OrderLimits", "RiskGate", "close_legs"]
