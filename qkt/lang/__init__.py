"""The `.qkt` language.

Text flows in; a syntax tree, a list of what is wrong with it, a compiled strategy or a compiled portfolio flow out. This
room must not know orders, brokers, money books or how time is driven: a compiled strategy sees the world through
`qkt.strategy.Context` and answers with signals, as one written in Python does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qkt.core.late import late

if TYPE_CHECKING:
    from qkt.lang.diagnostics import Diagnostic, LanguageError
    from qkt.lang.loader import CheckResult, LoadedStrategy, check, load
    from qkt.lang.portfolio import CompiledPortfolio
    from qkt.lang.portfolio_loader import load_portfolio

# Where the names live. They are imported when first used: who only checks a file does not wait for what runs one.
_HOMES = {
    "CheckResult": "loader",
    "CompiledPortfolio": "portfolio",
    "Diagnostic": "diagnostics",
    "LanguageError": "diagnostics",
    "LoadedStrategy": "loader",
    "check": "loader",
    "load": "loader",
    "load_portfolio": "portfolio_loader",
}

__all__ = [
    "CheckResult",
    "CompiledPortfolio",
    "Diagnostic",
    "LanguageError",
    "LoadedStrategy",
    "check",
    "load",
    "load_portfolio",
]

__getattr__ = late(__name__, _HOMES)
