"""Looks at everything that an engine needs before somebody trusts it with money: configuration and machine flow in, findings
flow out, each with the way to mend it. It changes nothing but a probe file, and knows nothing of how findings are shown.
"""

from qkt.observe.doctor.finding import Finding, Verdict
from qkt.observe.doctor.visit import examined

__all__ = ["Finding", "Verdict", "examined"]
