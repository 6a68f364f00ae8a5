"""The first line of every screen: whose money, how much of it, whether it is safe, and the time."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from textual.strip import Strip

from tui import format as fmt
from tui.format import clean, clip
from tui.table import Cell, signed
from tui.viewmodel import View
from tui.widgets.drawn import Drawn
from tui.widgets.pane import Line, strip

if TYPE_CHECKING:
    from qkt.runtime.control.rows import AccountRow

ALL = "ALL"
MOST = 8
LONGEST = 16
"""Letters of an engine's name."""


class AccountLine(Drawn):
    """One line for the chosen account, or one for each. Sums over accounts are never made."""

    DEFAULT_CSS = "AccountLine { height: 1; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__(id="account-line")
        self._lines: list[Line] = []

    def show(self, view: View, chosen: str | None) -> None:
        """Draw the accounts of the view: the one that is chosen, all of them, or the first."""
        accounts = sorted(view.tables.accounts.values(), key=lambda row: (row.mode != "LIVE", row.account))
        shown = accounts if chosen == ALL else [row for row in accounts if row.account == chosen] or accounts[:1]
        width = self.app.size.width
        name = clip(clean(self.dashboard.watches.name), LONGEST) or "qkt"
        lines = [account_line(view, row, width, len(accounts), name) for row in shown[:MOST]] or [
            engine_line(view, width, name)
        ]
        if self.styles.height is None or self.styles.height.value != len(lines):
            self.styles.height = len(lines)
        if lines != self._lines:
            self._lines = lines
            self.spoil()
            self.refresh()

    def render_line(self, y: int) -> Strip:
        app = self.dashboard
        if y >= len(self._lines):
            return Strip.blank(self.size.width, app.palette["text"])
        return strip(self._lines[y], self.size.width, app.palette)


def engine_line(view: View, width: int, name: str = "qkt") -> Line:
    """An engine without an account: nothing is deployed."""
    hello = view.hello
    if hello is None:
        return [Cell(f"{name} ", "bold"), Cell("connecting", "dim")]
    left = [Cell(f"{name} ", "bold"), _mode(hello.mode), Cell(f"  {'no account yet' if view.state else 'connecting'}", "dim")]
    return _ended(left, view, width)


def account_line(view: View, row: AccountRow, width: int, accounts: int, name: str = "qkt") -> Line:
    """The account in as many words as fit; the first ones are those that matter."""
    wide = width >= 150
    gap = "   " if wide else "  "
    left = [Cell(f"{name} ", "bold"), _mode(row.mode), Cell(f" {fmt.account(row.account)}", "bold")]
    if accounts > 1 and wide:
        left.append(Cell(f" 1 of {accounts}", "dim"))
    parts: list[list[Cell]] = [
        [Cell("EQUITY " if wide else "EQ ", "dim"), Cell(fmt.money(row.equity), "bold")],
        *([[Cell("BAL ", "dim"), Cell(fmt.money(row.balance))]] if wide else []),
        _day(row, wide),
    ]
    halted = _halts(view, row.account)
    if wide:
        parts.append([Cell("OPEN ", "dim"), Cell(fmt.gain(row.open_pnl), signed(row.open_pnl))])
    if wide or not halted:
        parts.append(_drawdown(row, wide))
    if wide and row.margin_used_pct is not None:
        parts.append([Cell("MARGIN ", "dim"), Cell(fmt.share(row.margin_used_pct))])
    link = row.link if view.linked else "LOST"
    if wide or not halted or link != "ok":
        parts.append([Cell("LINK ", "dim"), Cell(fmt.clean(link), "text" if link == "ok" else "alarm")])
    if wide and view.hello is not None:
        parts.append([Cell("UP ", "dim"), Cell(fmt.age(view.ts - view.hello.started))])
    room = width - 11
    stop = [Cell(f" {fmt.clip(halted, 34 if wide else 14)} ", "alert")]
    if halted:
        parts.insert(3 if wide else 2, stop)
    used = _length(left)
    shown = []
    for part in parts:
        length = len(gap) + _length(part)
        if used + length <= room:
            shown.append(part)
            used += length
    if stop in shown:  # the reason takes what the others leave
        stop[0] = Cell(f" {fmt.clip(halted, len(stop[0].text) - 2 + room - used)} ", "alert")
    return _ended([*left, *(cell for part in shown for cell in (Cell(gap), *part))], view, width)


def _length(cells: Line) -> int:
    return sum(len(cell.text) for cell in cells)


def _mode(mode: str) -> Cell:
    return Cell(f" {mode} ", "live") if mode == "LIVE" else Cell(mode, "accent")


def _day(row: AccountRow, wide: bool) -> list[Cell]:
    cells = [Cell("DAY ", "dim"), Cell(fmt.gain(row.day_pnl), signed(row.day_pnl))]
    start = row.equity - row.day_pnl
    if wide and start:
        cells.append(Cell(f" ({fmt.percent(row.day_pnl / start * 100, 2)})", signed(row.day_pnl)))
    return cells


def _drawdown(row: AccountRow, wide: bool) -> list[Cell]:
    limit = row.drawdown_limit_pct
    near = limit is not None and limit != 0 and abs(row.drawdown_pct / limit) >= Decimal("0.8")
    now = fmt.gain(row.drawdown_pct, 1)
    if limit is None:
        return [Cell("DD ", "dim"), Cell(f"{now}%")]
    text = f"{now}% of {fmt.gain(limit, 1)}%" if wide else f"{now}/{fmt.gain(limit, 1)}%"
    return [Cell("DD ", "dim"), Cell(text, "warn" if near else "text")]


def _halts(view: View, account: str) -> str:
    """The strongest halt of the sessions of this account, until it is resumed."""
    halted = [row for row in view.tables.strategies.values() if row.account == account and row.halt is not None]
    if not halted:
        return ""
    if len(halted) > 1:
        return f"HALT {len(halted)} of {sum(row.account == account for row in view.tables.strategies.values())}"
    row = halted[0]
    return f"HALT {fmt.clean(row.name)}: {fmt.clean(row.reason or row.halt or '')}"


def _ended(left: list[Cell], view: View, width: int) -> Line:
    """The line with the time of the last frame at its right end; a time that no longer moves is marked."""
    right = f"{fmt.clock(view.ts)}Z" if view.state is not None else ""
    if right and not view.linked:
        right = f"~{right}"
    used = _length(left)
    gap = width - used - len(right)
    return left if gap < 1 else [*left, Cell(" " * gap), Cell(right, "dim")]
