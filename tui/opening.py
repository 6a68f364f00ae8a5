"""What Enter opens: a strategy, a chart, the life of an order, or all that is known of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.screens.inspector import Inspector
from tui.screens.order_life import OrderLifeDialog
from tui.table import Keyed

if TYPE_CHECKING:
    from tui.app import Dashboard


def open_row(app: Dashboard, table: str, row: Keyed) -> None:
    match table:
        case "strategies" | "portfolio":
            app.subject.choose(row.key)
            app.call_later(app.bring, "strategy")
        case "positions":
            app.subject.choose(str(getattr(row, "session", "")))
            app.call_later(app.bring, "strategy")
        case "market" | "streams" | "exposure":
            app.subject.symbol = str(getattr(row, "symbol", "")) or None
            if table == "streams":
                app.subject.session = str(getattr(row, "session", ""))
            app.call_later(app.bring, "chart")
        case "orders" | "fills" | "history":
            session, order = _order(row)
            app.push_screen(OrderLifeDialog(session, order))
        case _:
            inspect(app, row)


def _order(row: Keyed) -> tuple[str, str]:
    of = getattr(row, "of", row)
    return str(getattr(of, "session", "")), str(getattr(of, "order", ""))


def inspect(app: Dashboard, row: Keyed) -> None:
    app.push_screen(Inspector(row.key, row))
