"""One session: what it is worth, what its rules say now, what it holds and waits for, and what it did."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from tui import format as fmt
from tui.format import DAY, MINUTE
from tui.screens.base import WIDE, DeckScreen
from tui.screens.terms import Terms
from tui.table import Cell, Context, signed
from tui.tables.positions import FILLS, ORDERS, POSITIONS
from tui.tables.rules import RULES
from tui.tables.strategies import STATE_ROLES, silence, state
from tui.viewmodel import ChangeSet, View
from tui.widgets.curve import CurvePane, Point
from tui.widgets.deck import Columns
from tui.widgets.facts import Facts, pairs
from tui.widgets.grid import Grid
from tui.widgets.log import LogPane
from tui.widgets.pane import Line, Pane

if TYPE_CHECKING:
    from qkt.runtime.control.rows import Fidelity, StrategyRow

MONTH = 30 * DAY


class Strategy(DeckScreen):
    NAME = "strategy"

    def make_panes(self) -> Sequence[Pane]:
        self._shown: str | None = None
        self._asked_at = 0
        owner = ("STRATEGY", "ACCOUNT")
        self.facts = Facts("Strategy", self._facts, id="facts", rows=2)
        self.rules = Grid(RULES, id="rules", only=self._of_session, numbered=False)
        self.curve = CurvePane("EQUITY", id="equity", label=lambda value: f"{value:,.2f}", rows=7)
        self.positions = Grid(POSITIONS, id="positions", only=self._of_session, hide=owner)
        self.orders = Grid(ORDERS, id="orders", only=self._of_session, hide=owner, title="ORDERS")
        self.fills = Grid(FILLS, id="fills", only=self._of_session, hide=owner)
        self.story = LogPane(id="log", only=self._of_scope, scoped=True)
        return self.facts, self.curve, self.rules, self.positions, self.orders, self.fills, self.story

    def columns(self, width: int, height: int) -> Columns:
        self.curve.rows_asked = 3 if height < 30 else 7
        if width < WIDE:
            fills = [self.fills] if height >= 30 else []
            return [(1, [self.facts, self.curve, self.rules, self.positions, self.orders, *fills, self.story])]
        return [
            (56, [self.facts, self.curve, self.rules, self.story]),
            (44, [self.positions, self.orders, self.fills]),
        ]

    def subject(self) -> str | None:
        return self.dashboard.subject.session

    def _of_session(self, row: object) -> bool:
        name = self.dashboard.subject.session
        session = getattr(row, "session", None)
        return session is not None and (session == name or session.partition("/")[0] == name)

    def _of_scope(self, line: object) -> bool:
        name = self.dashboard.subject.session
        scope = str(getattr(line, "scope", ""))
        return scope == name or scope.partition("/")[0] == name

    # -------------------------------------------------------------------- frames

    def apply(self, view: View, changes: ChangeSet) -> None:
        name = self.dashboard.subject.session
        if name != self._shown:
            self._shown = name
            for grid in (self.rules, self.positions, self.orders, self.fills):
                grid.narrow(self._of_session)
            self.story.narrow(self._of_scope)
            self._asked_at = 0
        if name is not None and view.linked and view.ts - self._asked_at >= MINUTE:
            self._asked_at = view.ts
            self.look("equity", partial(self._equity, name, view), self.curve.fail)
        super().apply(view, changes)

    async def _equity(self, name: str, view: View) -> None:
        points = await self.dashboard.link.equity(name, since=max(view.present(name) - MONTH, 0), most=self.curve.most)
        curve = [Point(point.ts, float(point.equity)) for point in points]
        note = ""
        if len(points) > 1:
            gained = points[-1].equity - points[0].equity
            note = f"{fmt.age(points[-1].ts - points[0].ts)}  {fmt.gain(gained)}"
        self.curve.give(curve, note)

    def _facts(self, context: Context, width: int) -> tuple[Sequence[Cell], list[Line]]:
        name = self.dashboard.subject.session
        row = context.view.tables.strategies.get(name or "")
        if row is None:
            words = (
                "No strategy is chosen. 1 shows them, g finds one." if name is None else f"{fmt.clean(name)} is not deployed."
            )
            return (), [[Cell(f"  {words}", "dim")]]
        return self._head(row, context, width), pairs(_figures(row), width)

    def _head(self, row: StrategyRow, context: Context, width: int) -> list[Cell]:
        word = state(row)
        silent = silence(row, context)
        cells = [Cell(fmt.clean(row.name), "bold"), Cell("  "), Cell(word, STATE_ROLES.get(word, "alarm"))]
        if row.reason:
            cells.append(Cell(f"  {fmt.clip(fmt.clean(row.reason), 40)}", "alarm" if row.halt else "dim"))
        elif silent is not None:
            cells.append(Cell(f"  last tick {fmt.age(silent)}", "dim"))
        hint = "] next  [ previous"
        used = len(self.facts.heading) + 2 + sum(len(cell.text) for cell in cells)
        if used + len(hint) + 2 <= width:
            cells += [Cell(" " * (width - used - len(hint))), Cell(hint, "dim")]
        return cells

    # ------------------------------------------------------------------- actions

    def on_grid_opened(self, event: Grid.Opened) -> None:
        if event.grid is self.rules:
            event.prevent_default()
            self.app.push_screen(Terms(self.dashboard.subject.session or "", int(getattr(event.row, "number", 1))))


def _figures(row: StrategyRow) -> list[tuple[str, Cell]]:
    won = f"{row.wins / row.closed * 100:.0f}%" if row.closed else fmt.UNKNOWN
    return [
        ("EQUITY", Cell(fmt.money(row.equity), "bold")),
        ("DAY", Cell(fmt.gain(row.day_pnl), signed(row.day_pnl))),
        ("OPEN", Cell(fmt.gain(row.open_pnl), signed(row.open_pnl))),
        ("REALISED", Cell(fmt.gain(row.realised), signed(row.realised))),
        ("DD", Cell(f"{fmt.percent(row.drawdown_pct)} max {fmt.percent(row.max_drawdown_pct)}")),
        ("CLOSED", Cell(f"{row.closed}")),
        ("WIN", Cell(won)),
        *([] if row.fidelity is None else [("PARITY", _parity(row.fidelity))]),
        ("FILE", Cell(fmt.clean(row.file.rpartition("/")[2]), "dim")),
        ("SYMBOLS", Cell(", ".join(fmt.symbol(name) for name in row.symbols) or fmt.UNKNOWN, "dim")),
    ]


def _parity(found: Fidelity) -> Cell:
    """How much of what the session did came out again; what is unknown is never shown as all."""
    if found.state == "unknown" or found.parity_pct is None:
        return Cell(fmt.UNKNOWN, "warn" if found.state == "unknown" else "dim")
    return Cell(f"{found.parity_pct}%", "alarm" if found.state == "differs" else "text")
