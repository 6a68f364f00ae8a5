"""A result for people: what ran, what came of it, at what risk and cost, what to be wary of. Works at 80 columns."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from qkt.backtest.book_render import book_facts, child_curves, children_table, held_back
from qkt.backtest.chart import area
from qkt.backtest.metrics import Metrics
from qkt.backtest.phrases import amount, decimals, duration, factor, minute, percent, price, second, size, timeframe
from qkt.backtest.result import BacktestResult
from qkt.core.instruments import bare
from qkt.ledger import RoundTrip
from qkt.risk import RiskLimits

WIDTH = 80
WIDEST = 100
CHART_HEIGHT = 5
TRADES_SHOWN = 5
REPLAYS = {"fast": "fast replay", "every-tick": "tick by tick", "bars": "made of bars"}
FILLS = {"quotes": "fills at bid and ask", "mid": "fills at the middle price", "bars": "fills at the points of bars"}

Row = tuple[str, str | Text]


def plain_report(result: BacktestResult, width: int = WIDTH) -> str:
    """The report as text without colour."""
    return report(result, Console(file=io.StringIO(), width=width, color_system=None))


def report(result: BacktestResult, console: Console) -> str:
    """The report as this console would show it, at most 100 columns wide."""
    return shown(_blocks, result, console)


def shown(blocks: Callable[..., Iterable[RenderableType]], result: BacktestResult, console: Console) -> str:
    """Blocks of a result as this console would show them, with what they draw as fits it."""
    width = min(console.width, WIDEST)
    with console.capture() as captured:
        for block in blocks(result, width, charted=not console.options.ascii_only):
            console.print(block, width=width, highlight=False)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def one_line(result: BacktestResult) -> str:
    """The outcome in one line."""
    m, record = result.metrics, result.record
    trades = f"{m.closed_trades:,} closed trade{'s' if m.closed_trades != 1 else ''}"
    share = f" ({percent(m.return_fraction, signed=True)})"
    partial = ", interrupted" if record.interrupted else ""
    return f"{record.strategy}: {amount(m.total_pnl, signed=True)} {record.currency}{share}, {trades}{partial}"


def _blocks(result: BacktestResult, width: int, *, charted: bool) -> Iterator[RenderableType]:
    yield _heading(result)
    yield ""
    yield _pnl(result)
    if charted and len(result.equity) > 2:
        yield ""
        yield _chart(result, width)
    yield ""
    yield _side_by_side(_block("Trades", _trades(result.metrics)), _block("Risk", _risk(result.metrics)))
    yield ""
    yield _side_by_side(_block("Costs", _costs(result)), _block("By side", _sides(result.metrics)))
    if record_of_book := result.record.book:
        yield ""
        yield children_table(result, record_of_book)
        if charted and len(result.equity) > 2:
            yield child_curves(record_of_book, width)
        yield held_back(record_of_book)
        if result.book is not None:
            yield book_facts(result.book)
    if result.round_trips:
        yield ""
        yield _last_trades(result.round_trips)
    if result.warnings:
        yield ""
        yield _warnings(result.warnings)


def _heading(result: BacktestResult) -> Text:
    record = result.record
    text = Text()
    text.append(record.strategy, style="bold")
    text.append(f"  {', '.join(record.symbols)}  {timeframe(record.timeframe_ms)}\n")
    if record.ticks:
        text.append(f"{second(record.first_ts)} to {second(record.last_ts)} UTC\n", style="dim")
    pace = f"{record.ticks:,} ticks at {record.timing.ticks_per_second:,.0f} ticks/s"
    text.append(f"{pace}, {REPLAYS[record.replay]}, {FILLS[record.execution.fills]}", style="dim")
    if record.params:
        text.append("\n" + "  ".join(f"{name}={value}" for name, value in record.params.items()), style="dim")
    if simulated := record.execution.changed():
        values = "  ".join(f"{name.replace('_', '-')} {value}" for name, value in simulated.items())
        text.append(f"\nexecution: {values}", style="dim")
    if record.limits != RiskLimits():
        text.append("\nheld to limits of its own, not to the defaults", style="dim")
    if record.interrupted:
        text.append("\ninterrupted: this is what was done until then", style="bold yellow")
    return text


def _pnl(result: BacktestResult) -> Text:
    m, record = result.metrics, result.record
    text = Text("Net P&L  ", style="bold")
    text.append_text(_gain(m.total_pnl, f" {record.currency}"))
    text.append(f" ({percent(m.return_fraction, signed=True)})", style="not bold")
    parts = f"\nrealized {amount(m.realized, signed=True)}, unrealized {amount(m.unrealized, signed=True)}, "
    parts += f"balance {amount(record.balance)} to equity {amount(record.balance + m.total_pnl)}"
    text.append(parts, style="not bold dim")
    return text


def _chart(result: BacktestResult, width: int) -> Text:
    """Equity from its lowest to its highest, labelled at both."""
    values = result.equity.values.tolist()
    labels = [amount(max(values)), *[""] * (CHART_HEIGHT - 2), amount(min(values))]
    margin = max(len(label) for label in labels) + 1
    rows = area(values, width - margin - 1, CHART_HEIGHT)
    style = "green" if values[-1] >= values[0] else "red"
    text = Text()
    for label, row in zip(labels, rows, strict=True):
        text.append(label.rjust(margin - 1) + " ", style="dim")
        text.append(row + "\n", style=style)
    first, last = minute(result.record.first_ts), minute(result.record.last_ts)
    text.append(" " * margin + first + last.rjust(max(len(rows[0]) - len(first), len(last) + 1)), style="dim")
    return text


def _trades(m: Metrics) -> Iterator[Row]:
    yield "closed trades", f"{m.closed_trades:,}"
    yield "fills", f"{m.fills:,}"
    yield "win rate", percent(m.win_rate)
    yield "profit factor", factor(m.profit_factor)
    yield "expectancy", amount(m.expectancy, signed=True)
    if m.expectancy_r is not None:
        yield "in R", amount(m.expectancy_r, signed=True)
    yield "payoff ratio", factor(m.payoff_ratio)
    yield "average win / loss", f"{amount(m.average_win)} / {amount(m.average_loss)}"
    yield "largest win / loss", f"{amount(m.largest_win)} / {amount(m.largest_loss)}"
    yield "longest win / loss run", f"{m.max_consecutive_wins} / {m.max_consecutive_losses}"
    yield "average holding time", duration(m.average_seconds)


def _risk(m: Metrics) -> Iterator[Row]:
    yield "Sharpe (annual)", factor(m.sharpe)
    yield "Sortino (annual)", factor(m.sortino)
    yield "volatility (annual)", percent(m.volatility)
    yield "max drawdown", f"{amount(m.max_drawdown_money)} ({percent(m.max_drawdown)})"
    if m.drawdown is not None:
        yield "  from", minute(m.drawdown.peak)
        yield "  recovered", "not yet" if m.drawdown.recovery is None else minute(m.drawdown.recovery)
        yield "  lasted", duration(m.drawdown.duration_ms / 1000)
    yield "recovery factor", factor(m.recovery_factor)
    yield "Calmar", factor(m.calmar)
    if m.cagr is not None:
        yield "growth a year (CAGR)", percent(m.cagr, signed=True)
    yield "time in the market", percent(m.exposure)


def _costs(result: BacktestResult) -> Iterator[Row]:
    costs = result.metrics.costs
    yield "commission", amount(costs.commission)
    yield "spread and slippage", amount(costs.spread_and_slippage)
    if costs.fees:
        yield "fees", amount(costs.fees)
    yield "swap", amount(costs.swap)
    yield "total", amount(costs.total)


def _sides(m: Metrics) -> Iterator[Row]:
    for name, side in (("long", m.long), ("short", m.short)):
        yield f"{name} trades", f"{side.closed_trades:,} ({percent(side.win_rate)} won)"
        yield f"{name} net", _gain(side.net)


def _block(title: str, rows: Iterator[Row]) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for label, value in rows:
        table.add_row(label, value)
    return Group(Text(title, style="bold"), table)


def _side_by_side(left: RenderableType, right: RenderableType) -> Table:
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(ratio=1)
    table.add_column(ratio=1)
    table.add_row(left, right)
    return table


def _last_trades(trips: Sequence[RoundTrip]) -> RenderableType:
    shown = trips[-TRADES_SHOWN:]
    title = "Closed trades" if len(trips) <= TRADES_SHOWN else f"Last {TRADES_SHOWN} of {len(trips):,} closed trades"
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, expand=True, header_style="dim", padding=(0, 1, 0, 0))
    table.add_column("closed (UTC)", no_wrap=True)
    table.add_column("symbol", no_wrap=True, overflow="ellipsis")
    table.add_column("side", no_wrap=True)
    for name in ("lots", "entry", "exit", "net"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("by", no_wrap=True)
    digits = max(decimals(one) for trip in shown for one in (trip.entry_price, trip.exit_price))
    for trip in shown:
        table.add_row(
            minute(trip.exit_time),
            bare(trip.symbol),
            "long" if trip.side.sign > 0 else "short",
            size(trip.quantity),
            price(trip.entry_price, digits),
            price(trip.exit_price, digits),
            _gain(trip.net),
            trip.exit_reason.lower(),
        )
    return Group(Text(title, style="bold"), table)


def _warnings(texts: Sequence[str]) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1, style="yellow")
    table.add_column()
    for text in texts:
        table.add_row("!", text)
    return Group(Text("Mind", style="bold yellow"), table)


def _gain(money: Decimal, unit: str = "") -> Text:
    """Signed money, green for a profit and red for a loss."""
    return Text(amount(money, signed=True) + unit, style="green" if money > 0 else "red" if money < 0 else "")
