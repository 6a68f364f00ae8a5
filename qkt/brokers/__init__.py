"""Orders in, fills out: the brokers. Each obeys the order commands on its scope and reports what its venue did.

A broker must not know strategies, money or risk, and never decides whether an order should exist. `factory` chooses one.
"""

from qkt.brokers.quotes import Quote, QuoteBoard

__all__ = ["Quote", "QuoteBoard"]
