"""A result as a notebook shows it: headline, equity, the figures that are looked at first, what to mind. Plain HTML and SVG in
the colours of the page around it."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from qkt.backtest.phrases import DASH, amount, factor, minute, percent
from qkt.backtest.result import BacktestResult

WIDTH, HEIGHT = 640, 120
POINTS = 600
GREEN, RED = "#1f9d61", "#d9534f"


def card(result: BacktestResult) -> str:
    """The result as one piece of HTML."""
    record, m = result.record, result.metrics
    colour = GREEN if m.total_pnl >= 0 else RED
    span = f", {minute(record.first_ts)} to {minute(record.last_ts)} UTC" if record.ticks else ""
    gain = f"{amount(m.total_pnl, signed=True)} {record.currency} ({percent(m.return_fraction, signed=True)})"
    cells = "".join(
        f'<div style="min-width:7em"><div style="opacity:.65;font-size:.85em">{escape(name)}</div><b>{escape(value)}</b></div>'
        for name, value in _figures(result)
    )
    mind = "".join(f"<li>{escape(text)}</li>" for text in result.warnings)
    return (
        '<div style="max-width:660px;font-variant-numeric:tabular-nums">'
        f'<div><b style="font-size:1.15em">{escape(record.strategy)}</b> '
        f'<span style="opacity:.65">{escape(", ".join(record.symbols))}{span}</span></div>'
        f'<div style="font-size:1.15em;color:{colour}"><b>{gain}</b></div>'
        f"{_curve(result, colour)}"
        f'<div style="display:flex;flex-wrap:wrap;gap:.4em 1.6em">{cells}</div>'
        + (f"<details><summary>{len(result.warnings)} to mind</summary><ul>{mind}</ul></details>" if mind else "")
        + "</div>"
    )


def _figures(result: BacktestResult) -> Iterator[tuple[str, str]]:
    m = result.metrics
    yield "closed trades", f"{m.closed_trades:,}"
    yield "win rate", percent(m.win_rate)
    yield "profit factor", factor(m.profit_factor)
    yield "expectancy", amount(m.expectancy, signed=True)
    yield "max drawdown", percent(m.max_drawdown)
    yield "Sharpe, daily", DASH if m.daily is None else f"{factor(m.daily.sharpe)} ± {factor(m.daily.sharpe_error)}"
    yield "costs", amount(m.costs.total)


def _curve(result: BacktestResult, colour: str) -> str:
    """Equity from its lowest to its highest, as a line."""
    curve = result.equity.thinned(POINTS)
    if len(curve) < 2:
        return ""
    first, last = int(curve.times[0]), int(curve.times[-1])
    low, high = float(curve.values.min()), float(curve.values.max())
    across, up = (last - first) or 1, (high - low) or 1.0
    points = " ".join(
        f"{(ts - first) / across * WIDTH:.1f},{HEIGHT - 2 - (value - low) / up * (HEIGHT - 4):.1f}"
        for ts, value in zip(curve.times.tolist(), curve.values.tolist(), strict=True)
    )
    label = f"equity from {amount(low)} to {amount(high)}"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}" style="width:100%;height:{HEIGHT}px" '
        f'preserveAspectRatio="none"><title>{label}</title>'
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5" '
        'vector-effect="non-scaling-stroke"/></svg>'
    )
