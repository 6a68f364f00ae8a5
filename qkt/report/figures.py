"""The charts of a page, as bokeh figures. Colours that depend on the theme are set in the page; the others read on both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, NumeralTickFormatter, Range1d
from bokeh.plotting import figure

from qkt.backtest.curve import EquityCurve, Floats
from qkt.backtest.drawdowns import under_water
from qkt.backtest.prices import Prices
from qkt.backtest.result import BacktestResult
from qkt.core.instruments import bare
from qkt.core.terms import Side
from qkt.ledger import RoundTrip
from qkt.report.outline import outline
from qkt.research.monte_carlo import Simulation

BLUE, GREEN, RED, AMBER, GREY = "#3b78e7", "#1f9d61", "#d9534f", "#c98a1b", "#8a8f98"
CHILDREN = (BLUE, AMBER, GREEN, "#9a62d6", RED, "#22a3b8", "#c45b9d", GREY)
MOST_TRADES = 5_000
"""Drawn on one price chart, the last ones; the tables have them all."""
MOST_SYMBOLS = 6
FEW_TRADES = 300
"""More of them are drawn smaller."""
BARS = 41
BODY = 0.6
"""Of a candle's timeframe is its body's width."""


def _figure(height: int, *, dated: bool = True, **options: Any) -> figure:
    chart = figure(
        height=height,
        sizing_mode="stretch_width",
        x_axis_type="datetime" if dated else "auto",
        tools="pan,box_zoom,wheel_zoom,reset,save",
        active_drag="box_zoom",
        **options,
    )
    chart.toolbar.logo = None
    chart.toolbar.autohide = True
    chart.yaxis.formatter = NumeralTickFormatter(format="0,0[.]00")
    chart.min_border_left = 72
    return chart


def equity(result: BacktestResult) -> Iterator[figure]:
    """Equity, and below it how far it is from its peak, over the same time."""
    curve = result.equity
    shown = outline(curve.values)
    source = ColumnDataSource({"time": curve.times[shown], "equity": curve.values[shown]})
    top = _figure(300)
    line = top.line("time", "equity", source=source, color=BLUE, line_width=1.6)
    start = float(result.record.balance)
    top.hspan([start], color=GREY, line_dash="dashed")
    top.add_tools(_dated_hover(line, ("equity", "@equity{0,0.00}")))
    falls = -100.0 * under_water(curve.values)
    shown = outline(falls)
    source = ColumnDataSource({"time": curve.times[shown], "fall": falls[shown]})
    below = _figure(150, x_range=top.x_range)
    area = below.varea("time", "fall", 0, source=source, color=RED, alpha=0.35)
    below.line("time", "fall", source=source, color=RED, line_width=1)
    below.add_tools(_dated_hover(area, ("drawdown", "@fall{0.00} %")))
    below.yaxis.formatter = NumeralTickFormatter(format="0[.]0")
    below.yaxis.axis_label = "drawdown, %"
    top.yaxis.axis_label = f"equity, {result.record.currency}"
    yield top
    yield below


def distribution(values: Floats, label: str) -> figure:
    """How often results of each size came, losses and gains apart."""
    low, high = float(values.min()), float(values.max())
    edge = max(abs(low), abs(high)) or 1.0
    bins = np.linspace(-edge, edge, BARS + 1)
    counts, edges = np.histogram(values, bins=bins)
    centres = (edges[:-1] + edges[1:]) / 2
    colours = np.where(centres < -edge / BARS / 2, RED, np.where(centres > edge / BARS / 2, GREEN, GREY)).tolist()
    source = ColumnDataSource({"left": edges[:-1], "right": edges[1:], "count": counts, "colour": colours})
    chart = _figure(240, dated=False)
    bars = chart.quad("left", "right", "count", 0, source=source, fill_color="colour", line_color=None, alpha=0.8)
    chart.vspan([float(np.mean(values))], color=AMBER, line_dash="dashed")
    chart.add_tools(HoverTool(renderers=[bars], tooltips=[(label, "@left{0,0.00} to @right{0,0.00}"), ("times", "@count")]))
    chart.xaxis.axis_label = label
    chart.xaxis.formatter = NumeralTickFormatter(format="0,0[.]00")
    chart.yaxis.formatter = NumeralTickFormatter(format="0,0")
    return chart


def price(symbol: str, prices: Prices, trips: Sequence[RoundTrip]) -> figure:
    """Candles with each closed trade: where it was entered, where its stop stood first, where it was left."""
    rising = prices.close >= prices.open
    source = ColumnDataSource(
        {
            "time": prices.starts + prices.timeframe_ms // 2,
            "open": prices.open,
            "high": prices.high,
            "low": prices.low,
            "close": prices.close,
            "colour": np.where(rising, GREEN, RED).tolist(),
        },
        name="candles",
    )
    low, high = float(prices.low.min()), float(prices.high.max())
    margin = (high - low) * 0.03 or abs(high) * 0.01 or 1.0
    chart = _figure(420, y_range=Range1d(start=low - margin, end=high + margin), name="price")
    chart.segment("time", "high", "time", "low", source=source, color="colour", alpha=0.45)
    width = prices.timeframe_ms * BODY
    bodies = chart.vbar("time", width, "open", "close", source=source, color="colour", alpha=0.45, line_color="colour")
    digits = _digits(high)
    tooltips = [(name, f"@{name}{{{digits}}}") for name in ("open", "high", "low", "close")]
    chart.add_tools(_dated_hover(bodies, *tooltips))
    chart.yaxis.formatter = NumeralTickFormatter(format=digits)
    chart.yaxis.axis_label = bare(symbol)
    if trips:
        _trades(chart, trips[-MOST_TRADES:], digits)
    return chart


def _trades(chart: figure, trips: Sequence[RoundTrip], digits: str) -> None:
    won = [trip.net > 0 for trip in trips]
    long = np.array([trip.side is Side.BUY for trip in trips])
    source = ColumnDataSource(
        {
            "entered": [trip.entry_time for trip in trips],
            "left": [trip.exit_time for trip in trips],
            "entry": [float(trip.entry_price) for trip in trips],
            "exit": [float(trip.exit_price) for trip in trips],
            "stop": [float("nan") if trip.stop is None else float(trip.stop) for trip in trips],
            "net": [float(trip.net) for trip in trips],
            "lots": [float(trip.quantity) for trip in trips],
            "side": ["long" if flag else "short" for flag in long.tolist()],
            "marker": ["triangle" if flag else "inverted_triangle" for flag in long.tolist()],
            "by": [trip.exit_reason.lower() for trip in trips],
            "strategy": [trip.strategy for trip in trips],
            "colour": [GREEN if flag else RED for flag in won],
        }
    )
    large = 9 if len(trips) <= FEW_TRADES else 6
    chart.segment("entered", "entry", "left", "exit", source=source, color="colour", line_width=1.5)
    chart.segment(
        "entered", "stop", "left", "stop", source=source, color=AMBER, line_dash="dotted", line_width=1.2, legend_label="stop"
    )
    entry = chart.scatter(
        "entered", "entry", marker="marker", source=source, size=large, color=BLUE, line_color="white", legend_label="entry"
    )
    out = chart.scatter(
        "left", "exit", marker="x", source=source, size=large, color="colour", line_width=2, legend_label="exit"
    )
    chart.add_tools(
        HoverTool(
            renderers=[entry, out],
            tooltips=[
                ("trade", "@side @lots{0.[00000000]} lots, @strategy"),
                ("entered", f"@entered{{%Y-%m-%d %H:%M:%S}} at @entry{{{digits}}}"),
                ("left", f"@left{{%Y-%m-%d %H:%M:%S}} at @exit{{{digits}}} (@by)"),
                ("stop", f"@stop{{{digits}}}"),
                ("net", "@net{0,0.00}"),
            ],
            formatters={"@entered": "datetime", "@left": "datetime"},
        )
    )
    chart.legend.location = "top_left"
    chart.legend.click_policy = "hide"


def excursions(trips: Sequence[RoundTrip]) -> figure:
    """How far each trade went for and against its owner before it was closed: in R where every trade has a stop, else in
    percent of the entry price."""
    in_r = all(trip.mfe_r is not None and trip.mae_r is not None for trip in trips)
    unit = "R" if in_r else "% of the entry"

    def measured(trip: RoundTrip, distance: Any, multiple: Any) -> float:
        return float(multiple) if in_r else 100.0 * float(distance) / (float(trip.entry_price) or 1.0)

    source = ColumnDataSource(
        {
            "mae": [measured(trip, trip.mae, trip.mae_r) for trip in trips],
            "mfe": [measured(trip, trip.mfe, trip.mfe_r) for trip in trips],
            "net": [float(trip.net) for trip in trips],
            "left": [trip.exit_time for trip in trips],
            "colour": [GREEN if trip.net > 0 else RED for trip in trips],
        }
    )
    chart = _figure(300, dated=False)
    dots = chart.scatter("mae", "mfe", source=source, size=7, color="colour", alpha=0.6)
    chart.add_tools(
        HoverTool(
            renderers=[dots],
            tooltips=[("against", "@mae{0.000}"), ("for", "@mfe{0.000}"), ("net", "@net{0,0.00}"), ("closed", "@left{%F %T}")],
            formatters={"@left": "datetime"},
        )
    )
    chart.xaxis.axis_label = f"furthest against the trade (MAE), {unit}"
    chart.yaxis.axis_label = f"furthest for it (MFE), {unit}"
    return chart


def fan(simulation: Simulation, observed: Floats, currency: str) -> figure:
    """Where resampled runs stand after each trade: the middle half and nine tenths of them, their median, and what was."""
    steps = simulation.fan
    data = {"step": steps.steps, **{name: getattr(steps, name) for name in ("p5", "p25", "p50", "p75", "p95")}}
    source = ColumnDataSource(data)
    chart = _figure(300, dated=False)
    chart.varea("step", "p5", "p95", source=source, color=BLUE, alpha=0.16, legend_label="5 to 95 %")
    chart.varea("step", "p25", "p75", source=source, color=BLUE, alpha=0.28, legend_label="25 to 75 %")
    middle = chart.line("step", "p50", source=source, color=BLUE, line_width=1.6, legend_label="median")
    shown = outline(observed)
    chart.line(shown.astype(np.float64), observed[shown], color=AMBER, line_width=1.6, legend_label="as it came")
    tips = [("after trade", "@step"), ("5 %", "@p5{0,0.00}"), ("median", "@p50{0,0.00}"), ("95 %", "@p95{0,0.00}")]
    chart.add_tools(HoverTool(renderers=[middle], mode="vline", tooltips=tips))
    chart.xaxis.axis_label = "closed trades"
    chart.yaxis.axis_label = f"equity, {currency}"
    chart.legend.location = "top_left"
    return chart


def children(result: BacktestResult) -> Iterator[figure]:
    """What each child of a book earned, and what the book held."""
    book = result.record.book
    assert book is not None
    times = result.equity.times
    earned = _figure(280)
    for child, colour in zip(book.children, CHILDREN * (len(book.children) // len(CHILDREN) + 1), strict=False):
        values = np.array(child.equity_values, dtype=np.float64) - float(child.balance)
        shown = outline(values)
        earned.line(times[shown].astype(np.float64), values[shown], color=colour, line_width=1.6, legend_label=child.alias)
    earned.legend.location = "top_left"
    earned.legend.click_policy = "hide"
    earned.yaxis.axis_label = f"P&L, {result.record.currency}"
    yield earned
    held = _figure(180, x_range=earned.x_range)
    for name, values, colour in (("gross", np.array(book.gross), BLUE), ("net", np.array(book.net), AMBER)):
        if len(values):
            shown = outline(values)
            held.line(times[shown].astype(np.float64), values[shown], color=colour, legend_label=name)
    held.legend.location = "top_left"
    held.yaxis.axis_label = f"exposure, {result.record.currency}"
    yield held


def compared(curves: Sequence[tuple[str, EquityCurve]]) -> figure:
    """The gains of several runs over time, in percent of where each began."""
    chart = _figure(320)
    for (name, curve), colour in zip(curves, CHILDREN, strict=False):
        shown = outline(curve.values)
        gains = 100.0 * (curve.values / (curve.values[0] or 1.0) - 1.0)
        chart.line(curve.times[shown].astype(np.float64), gains[shown], color=colour, line_width=1.6, legend_label=name)
    chart.hspan([0.0], color=GREY, line_dash="dashed")
    chart.legend.location = "top_left"
    chart.yaxis.axis_label = "gain, %"
    return chart


def seasons(slots: Sequence[tuple[str, float]]) -> figure:
    """Net results side by side, by a name each."""
    chart = _figure(200, dated=False)
    values = [value for _, value in slots]
    colours = [GREEN if value > 0 else RED for value in values]
    places = list(range(len(slots)))
    bars = chart.vbar(places, 0.7, values, 0, color=colours, alpha=0.8)
    chart.add_tools(HoverTool(renderers=[bars], tooltips=[("net", "@top{0,0.00}")]))
    chart.xaxis.ticker = FixedTicker(ticks=places)
    chart.xaxis.major_label_overrides = {place: name for place, (name, _) in enumerate(slots)}
    return chart


def _dated_hover(renderer: Any, *tooltips: tuple[str, str]) -> HoverTool:
    return HoverTool(
        renderers=[renderer],
        mode="vline",
        tooltips=[("time", "@time{%Y-%m-%d %H:%M}"), *tooltips],
        formatters={"@time": "datetime"},
    )


def _digits(highest: float) -> str:
    return "0,0.00" if highest >= 1_000 else "0,0.000" if highest >= 20 else "0.00000"
