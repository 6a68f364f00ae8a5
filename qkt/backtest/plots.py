"""A result as charts for a terminal: equity, how far it is below its peak, and the months. Works at 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from qkt.backtest.chart import area, hanging
from qkt.backtest.drawdowns import under_water
from qkt.backtest.phrases import amount, minute, percent
from qkt.backtest.render import shown
from qkt.backtest.result import BacktestResult
from qkt.backtest.seasons import MONTHS, Month

EQUITY_ROWS, DRAWDOWN_ROWS = 12, 5
FEW_SAMPLES = 3
DEEP = 0.05
"""A month that moved by more than this stands out."""


def plots(result: BacktestResult, console: Console) -> str:
    """The charts as this console would show them, at most 100 columns wide. A console of plain ASCII gets the months only."""
    return shown(_blocks, result, console)


def _blocks(result: BacktestResult, width: int, *, charted: bool) -> Iterator[RenderableType]:
    values = result.equity.values
    if len(values) < FEW_SAMPLES:
        yield Text("too few samples of equity for a chart", style="dim")
        return
    if charted:
        falls = under_water(values)
        labels = amount(float(values.max())), amount(float(values.min()))
        depth = "0.00 %", percent(-float(falls.max()))
        margin = max(len(label) for label in (*labels, *depth)) + 1
        inside = width - margin
        style = "green" if values[-1] >= values[0] else "red"
        yield Text(f"Equity, {result.record.currency}", style="bold")
        yield _labelled(area(values.tolist(), inside, EQUITY_ROWS), labels, margin, style)
        yield Text("Below its peak", style="bold")
        yield _labelled(hanging(falls.tolist(), inside, DRAWDOWN_ROWS), depth, margin, "red")
        first, last = minute(result.record.first_ts), minute(result.record.last_ts)
        columns = min(inside, len(values))
        yield Text(" " * margin + first + last.rjust(max(columns - len(first), len(last) + 1)) + "\n", style="dim")
    if result.metrics.seasons.months:
        yield _months(result.metrics.seasons.months)


def _labelled(rows: Sequence[str], labels: tuple[str, str], margin: int, style: str) -> Text:
    """The highest value beside the top row, the lowest beside the bottom one."""
    text = Text()
    beside = [labels[0], *[""] * (len(rows) - 2), labels[1]]
    for label, row in zip(beside, rows, strict=True):
        text.append(label.rjust(margin - 1) + " ", style="dim")
        text.append(row + "\n", style=style)
    return text


def _months(months: Sequence[Month]) -> RenderableType:
    """The change of equity by month and by year, in percent."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim", padding=(0, 0, 0, 1))
    table.add_column("%", no_wrap=True)
    for name in (*MONTHS, "year"):
        table.add_column(name, justify="right", no_wrap=True)
    for year in dict.fromkeys(month.year for month in months):
        cells = [Text("")] * 12
        grown = 1.0
        for month in months:
            if month.year == year:
                cells[month.month - 1] = _share(month.fraction)
                grown *= 1.0 + (month.fraction or 0.0)
        table.add_row(str(year), *cells, _share(grown - 1.0))
    return Group(Text("Months", style="bold"), table)


def _share(fraction: float | None) -> Text:
    if fraction is None:
        return Text("-")
    style = ("bold " if abs(fraction) > DEEP else "") + ("green" if fraction > 0 else "red" if fraction < 0 else "dim")
    return Text(f"{100 * fraction:+.1f}", style=style)
