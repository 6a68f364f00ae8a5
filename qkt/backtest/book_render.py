"""A portfolio's children for people: who earned what, and whose risk the book's was."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from qkt.backtest.book import BookMetrics, BookRun
from qkt.backtest.chart import area
from qkt.backtest.phrases import amount, percent
from qkt.backtest.result import BacktestResult

MOST_PAIRS = 6


def children_table(result: BacktestResult, book: BookRun) -> Group:
    """One line a child. Shares of return, risk (variance) and of the deepest fall in money."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, expand=True, header_style="dim", padding=(0, 1, 0, 0))
    table.add_column("child", overflow="fold")
    for name in ("net P&L", "of return", "of risk", "of fall", "trades", "won", "max DD"):
        table.add_column(name, justify="right", no_wrap=True)
    parts = {} if result.book is None else {part.alias: part for part in result.book.children}
    for child in book.children:
        m, part = result.children[child.alias], parts.get(child.alias)
        table.add_row(
            child.alias,
            amount(m.total_pnl, signed=True),
            "-" if part is None else percent(part.contribution),
            "-" if part is None else percent(part.risk),
            "-" if part is None else percent(part.drawdown),
            f"{m.closed_trades:,}",
            percent(m.win_rate),
            percent(m.max_drawdown),
        )
    return Group(Text("Children, with their shares of the return, the risk and the deepest fall", style="bold"), table)


def child_curves(book: BookRun, width: int) -> Text:
    """The equity of each child from what it started with to what it has now, each on a scale of its own."""
    names = [child.alias for child in book.children]
    starts = [amount(child.balance) for child in book.children]
    ends = [amount(child.balance + child.realized + child.unrealized) for child in book.children]
    wide = [max(map(len, column)) for column in (names, starts, ends)]
    room = width - sum(wide) - 6
    text = Text("equity of each child" if room > 0 else "", style="dim")
    for name, start, end, child in zip(names, starts, ends, book.children, strict=True) if room > 0 else ():
        gained = child.realized + child.unrealized >= 0
        text.append(f"\n{name.ljust(wide[0])}  {start.rjust(wide[1])} ", style="not dim")
        text.append(area(child.equity_values, room, 1)[0], style="not dim green" if gained else "not dim red")
        text.append(f" {end.rjust(wide[2])}", style="not dim")
    return text


def held_back(book: BookRun) -> Text:
    """How many signals of the children were suppressed, and how many entries made smaller."""
    parts = [f"{child.alias} {child.suppressed:,} and {child.reduced:,}" for child in book.children]
    return Text(f"signals suppressed and entries made smaller: {', '.join(parts)}", style="dim")


def book_facts(book: BookMetrics) -> Text:
    """The book as a whole, and how its children go together."""
    facts = f"deepest fall {amount(book.drawdown)}, exposure up to {amount(book.peak_gross)} gross, {amount(book.peak_net)} net"
    names = [part.alias for part in book.children]
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    shown = [f"{names[i]} and {names[j]} {book.correlation[i][j]:+.2f}" for i, j in pairs[:MOST_PAIRS]]
    more = f", and {len(pairs) - MOST_PAIRS} pairs more" if len(pairs) > MOST_PAIRS else ""
    return Text(f"{facts}\ncorrelation of returns: {', '.join(shown)}{more}", style="dim")
