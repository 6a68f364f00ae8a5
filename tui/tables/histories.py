"""Orders from their beginning to what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui import format as fmt
from tui.table import Cell, Column, Context, Table
from tui.tables.positions import PURPOSES, order_type
from tui.viewmodel import View

if TYPE_CHECKING:
    from qkt.runtime.control.details import OrderLife

REFUSED = ("REJECTED", "REFUSED", "DENIED")


@dataclass(frozen=True, slots=True)
class Past:
    """An order's life as a row."""

    of: OrderLife

    @property
    def key(self) -> str:
        return f"{self.of.session}:{self.of.order}"

    @property
    def session(self) -> str:
        return self.of.session

    @property
    def symbol(self) -> str:
        return self.of.symbol

    @property
    def refused(self) -> bool:
        return self.of.status.upper() in REFUSED


def status_cell(row: Past, context: Context) -> Cell:
    word = fmt.clean(row.of.status.upper())
    return Cell(word, "alarm" if row.refused else "accent" if word == "FILLED" else "dim")


def history_table(title: str, rows: Callable[[View], Iterable[Past]], empty: str) -> Table:
    return Table(
        name="history",
        title=title,
        reads=("orders", "fills"),
        rows=rows,
        empty=empty,
        order="PLACED",
        columns=(
            Column(
                "PLACED",
                lambda r, c: Cell(fmt.when(r.of.placed, c.view.present(r.session)), "dim"),
                lambda r: r.of.placed,
                width=11,
                arrives=True,
            ),
            Column("STRATEGY", lambda r, c: fmt.clean(r.of.session), lambda r: r.of.session, width=14, most=20),
            Column("SYMBOL", lambda r, c: fmt.symbol(r.of.symbol), lambda r: r.of.symbol, width=7, most=12),
            Column("SIDE", lambda r, c: r.of.side or "-", lambda r: r.of.side, width=4),
            Column("TYPE", lambda r, c: order_type(r.of.kind, r.of.purpose), lambda r: r.of.kind, width=6, most=10),
            Column("QTY", lambda r, c: fmt.quantity(r.of.quantity), lambda r: r.of.quantity, 5, right=True, point=True),
            Column("STATUS", status_cell, lambda r: r.of.status, width=9, most=12),
            Column(
                "FOR", lambda r, c: Cell(PURPOSES.get(r.of.purpose or "", r.of.purpose or "-"), "dim"), width=6, rank=2, most=10
            ),
            Column("RULE", lambda r, c: Cell(str(r.of.rule or ""), "dim"), lambda r: r.of.rule, width=4, right=True, rank=3),
            Column(
                "WHY", lambda r, c: Cell(fmt.clean(r.of.reason or ""), "dim"), lambda r: r.of.reason, 16, rank=1, stretch=True
            ),
            Column("ORDER", lambda r, c: Cell(fmt.clean(r.of.order), "dim"), lambda r: r.of.order, width=8, rank=4, most=32),
        ),
    )
