"""Fills in, positions and money out: legs by strategy, the account's netted book, costs, currency conversion, equity.

Everything kept here is Decimal and exact; the views for strategies read it as float64. The room must not know why an order
was sent or how it was filled.
"""

from qkt.ledger.audit import LedgerAudit
from qkt.ledger.books import Books
from qkt.ledger.conversion import Conversion, Converter
from qkt.ledger.excursions import PricePath, Prices, account_equity_along, equity_along, exposure_along
from qkt.ledger.financing import Financing
from qkt.ledger.rows import FinancingRow, RoundTrip, TradeRow
from qkt.ledger.strategy_book import StrategyBook
from qkt.ledger.views import LedgerAccount, LedgerPosition

__all__ = [
    "Books",
    "Conversion",
    "Converter",
    "Financing",
    "FinancingRow",
    "LedgerAccount",
    "LedgerAudit",
    "LedgerPosition",
    "PricePath",
    "Prices",
    "RoundTrip",
    "StrategyBook",
    "TradeRow",
    "account_equity_along",
    "equity_along",
    "exposure_along",
]
