"""SIZING clauses."""

from __future__ import annotations

from qkt.lang import tree
from qkt.lang.deeds import Size
from qkt.lang.expressions import Resolver
from qkt.lang.place import Place

RISK_FORMS = ("risk", "risk_percent", "risk_money")


def resolve_size(resolver: Resolver, sizing: tree.Sizing, place: Place, *, has_stop: bool) -> Size | None:
    """The checked size. Risk forms need a stop to measure; None after reporting what is wrong."""
    problems = resolver.problems
    value = resolver.number(sizing.value, place)
    if sizing.of_book and not resolver.book:
        problems.error(
            "QKT0403", sizing.span, "OF BOOK needs a portfolio with CAPITAL", "without OF BOOK the account's equity counts"
        )
        return None
    if sizing.form in RISK_FORMS and not has_stop:
        problems.error("QKT0402", sizing.span, "risk sizing needs a STOP LOSS, whose distance is the risk of one lot")
        return None
    if sizing.of_book:
        return Size("book" if sizing.form == "risk" else "book_percent", value)
    return Size(sizing.form, value)
