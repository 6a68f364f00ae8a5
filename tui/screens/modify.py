"""Moving what guards a position, or where an order stands."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from textual.widgets import Input

from qkt.runtime import control
from tui import format as fmt
from tui.moves import Move
from tui.screens.form import Field, Form
from tui.table import Cell
from tui.tables.positions import order_level, order_type
from tui.widgets.pane import Line

if TYPE_CHECKING:
    from qkt.runtime.control.rows import OrderRow, PositionRow

BREAK_EVEN = "be"
SECOND = 1.0


class Modify(Form[Move | None]):
    """Fields hold what stands now; what is left as it is does not change."""

    REPLACES = True

    def __init__(self, row: PositionRow | OrderRow) -> None:
        super().__init__()
        self.row = row
        self.problem = ""

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(SECOND, self.redraw)

    @property
    def now(self) -> PositionRow | OrderRow | None:
        """The position or order as it is by now, None where it is no more."""
        tables = self.dashboard.view.tables
        return (tables.positions if isinstance(self.row, control.rows.PositionRow) else tables.orders).get(self.row.key)

    def title_text(self) -> str:
        row = self.row
        what = row.side if isinstance(row, control.rows.PositionRow) else f"{row.side} {order_type(row.kind, row.purpose)}"
        return f"Modify {what} {fmt.quantity(row.quantity)} {fmt.symbol(row.symbol)} of {fmt.clean(row.session)}"

    def fields(self) -> Sequence[Field]:
        row = self.row
        if isinstance(row, control.rows.OrderRow):
            return [Field("level", "price", "its new price", _shown(order_level(row), row.digits))]
        return [
            Field("stop", "stop", "none; a price, or be for break-even", _shown(row.stop, row.digits)),
            Field("target", "target", "none; a price", _shown(row.target, row.digits)),
            Field("close", "close", f"lots to close now, of {fmt.quantity(row.quantity)}"),
        ]

    def lines(self, width: int) -> list[Line]:
        row = self.now
        hint = "Enter goes on   Esc leaves"
        if row is None:
            where = f"This {'position is closed' if isinstance(self.row, control.rows.PositionRow) else 'order works no more'}."
            return [[Cell("")], [Cell(where, "alarm")], [Cell(f"{hint:>{width}}", "dim")]]
        if isinstance(row, control.rows.PositionRow):
            hint = f"stop be: break-even   {hint}"
            where = (
                f"entry {fmt.price(row.entry, row.digits)}   mark {fmt.price(row.mark, row.digits)}   P&L {fmt.gain(row.pnl)}"
            )
        else:
            where = f"{fmt.gain(row.distance, 2 if row.digits is None else row.digits)} away from the market"
        lines: list[Line] = [[Cell("")], [Cell(where, "dim")]]
        if self.problem:
            lines.append([Cell(self.problem, "alarm")])
        return [*lines, [Cell(f"{hint:>{width}}", "dim")]]

    def on_input_changed(self, event: Input.Changed) -> None:
        self.problem = ""
        self.redraw()

    def accept(self) -> None:
        try:
            move = self._move()
        except ValueError as problem:
            self.problem = str(problem)
            self.redraw()
            return
        if move == Move():
            self.problem = "nothing was changed"
            self.redraw()
            return
        self.dismiss(move)

    def _move(self) -> Move:
        row = self.row
        if isinstance(row, control.rows.OrderRow):
            return Move(level=self._changed("level", order_level(row)))
        if self.value("stop").lower() == BREAK_EVEN:
            return Move(break_even=True, target=self._changed("target", row.target), close=self._close(row))
        return Move(stop=self._changed("stop", row.stop), target=self._changed("target", row.target), close=self._close(row))

    def _changed(self, field: str, old: Decimal | None) -> Decimal | None:
        """The new value of a field. Raises ValueError for one that was emptied: an exit is moved, not taken away."""
        text = self.value(field)
        if not text:
            if old is not None:
                raise ValueError(f"{field} is empty; cancel the order to take it away")
            return None
        value = _number(field, text)
        return None if value == old else value

    def _close(self, row: PositionRow) -> Decimal | None:
        text = self.value("close")
        if not text:
            return None
        lots = _number("close", text)
        if not 0 < lots <= row.quantity:
            raise ValueError(f"close: expected more than 0 and at most {fmt.quantity(row.quantity)}")
        return lots


def _number(field: str, text: str) -> Decimal:
    try:
        value = Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise ValueError(f"{field}: '{text}' is no number") from None
    if not value.is_finite():
        raise ValueError(f"{field}: '{text}' is no number")
    return value


def _shown(value: Decimal | None, digits: int | None) -> str:
    return "" if value is None else fmt.price(value, digits)
