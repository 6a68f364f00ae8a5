"""A simulator of a terminal and its broker, for tests and back-tests. It is none: nothing it does has been seen at a venue.

Quotes and requests flow in as the package would get them; records, return codes and failures flow out as it would give them.
It must not know sessions or orders of ours. Nobody gets it who has not asked for it by name.
"""

from qkt.brokers.mt5.simulator.faults import Faults
from qkt.brokers.mt5.simulator.package import SimulatedPackage
from qkt.brokers.mt5.simulator.terms import SimSymbol
from qkt.brokers.mt5.simulator.venue import Venue

__all__ = ["Faults", "SimSymbol", "SimulatedPackage", "Venue"]
