"""The charts of a page, as bokeh figures. Colours that depend on the theme are set in the page; the others read on both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, NumeralTickFormatter, Range1d
from bokeh.plotting import figure

from qkt.backtest.autocorrelation import Autocorrelation
from qkt.backtest.curve import EquityCurve, Floats
from qkt.backtest.drawdowns import under_water
from qkt.backtest.result import BacktestResult
from qkt.ledger import RoundTrip
from qkt.report.outline import outline
from qkt.research.monte_carlo import Simulation

BLUE, GREEN, RED, AMBER, GREY = "#3b78e7", "#1f9d61", "#d9534f", "#c98a1b", "#8a8f98"
CHILDREN = (BLUE, AMBER, GREEN, "#9a62d6", RED, "#22a3b8", "#c45b9d", GREY)
BARS = 41
CROWD = 0.99
"""Of the trades are looked at first in the chart of excursions, where the others are far out."""


def framed(height: int, *, dated: bool = True, **options: Any) -> figure:
    """An empty chart as wide as its place. It has no ground of its own: the page's shows through it."""
    chart = figure(
        height=height,
        sizing_mode="stretch_width",
        x_axis_type="datetime" if dated else "auto",
        tools="pan,box_zoom,wheel_zoom,reset,save",
        active_drag="box_zoom",
        background_fill_color=None,
        border_fill_color=None,
        **options,
    )
    chart.toolbar.logo = None
    chart.toolbar.autohide = True
    chart.yaxis.formatter = NumeralTickFormatter(format="0,0[.]00")
    chart.min_border_left = 72
    return chart


def keyed(chart: figure) -> figure:
    """The chart with the names of what it draws above it, where they hide nothing; a click on one hides it."""
    key = chart.legend[0]
    key.update(orientation="horizontal", click_policy="hide", location="left", padding=0, margin=4, spacing=14)
    key.update(label_text_font_size="12px", glyph_width=16, border_line_color=None, background_fill_color=None)
    chart.add_layout(key, "above")
    return chart


def equity(result: BacktestResult) -> Iterator[figure]:
    """Equity, and below it how far it is from its peak, over the same time."""
    curve = result.equity
    shown = outline(curve.values)
    source = ColumnDataSource({"time": curve.times[shown], "equity": curve.values[shown]})
    top = framed(300)
    line = top.line("time", "equity", source=source, color=BLUE, line_width=1.6)
    start = float(result.record.balance)
    top.hspan([start], color=GREY, line_dash="dashed")
    top.add_tools(dated_hover(line, ("equity", "@equity{0,0.00}")))
    falls = -100.0 * under_water(curve.values)
    shown = outline(falls)
    source = ColumnDataSource({"time": curve.times[shown], "fall": falls[shown]})
    below = framed(150, x_range=top.x_range)
    area = below.varea("time", "fall", 0, source=source, color=RED, alpha=0.35)
    below.line("time", "fall", source=source, color=RED, line_width=1)
    below.add_tools(dated_hover(area, ("drawdown", "@fall{0.00} %")))
    below.yaxis.formatter = NumeralTickFormatter(format="0[.]0")
    below.yaxis.axis_label = "drawdown, %"
    top.yaxis.axis_label = f"equity, {result.record.currency}"
    yield top
    yield below


def distribution(values: Floats, label: str) -> figure:
    """How often results of each size came, losses and gains apart. What is far out counts in the outermost bars."""
    edge = _reach(np.abs(values))
    counts, edges = np.histogram(np.clip(values, -edge, edge), bins=np.linspace(-edge, edge, BARS + 1))
    outside = int(np.count_nonzero(np.abs(values) > edge))
    centres = (edges[:-1] + edges[1:]) / 2
    colours = np.where(centres < -edge / BARS / 2, RED, np.where(centres > edge / BARS / 2, GREEN, GREY)).tolist()
    source = ColumnDataSource({"left": edges[:-1], "right": edges[1:], "count": counts, "colour": colours})
    chart = framed(240, dated=False)
    bars = chart.quad("left", "right", "count", 0, source=source, fill_color="colour", line_color=None, alpha=0.8)
    chart.vspan([float(np.mean(values))], color=AMBER, line_dash="dashed")
    chart.add_tools(HoverTool(renderers=[bars], tooltips=[(label, "@left{0,0.00} to @right{0,0.00}"), ("times", "@count")]))
    chart.xaxis.axis_label = f"{label}; {outside:,} further out are in the outermost bars" if outside else label
    chart.xaxis.formatter = NumeralTickFormatter(format="0,0[.]00")
    chart.yaxis.formatter = NumeralTickFormatter(format="0,0")
    return chart


def excursions(trips: Sequence[RoundTrip]) -> figure:
    """How far each trade went for and against its owner before it was closed: in R where every trade has a stop, else in
    percent of the entry price."""
    in_r = all(trip.mfe_r is not None and trip.mae_r is not None for trip in trips)
    unit = "R" if in_r else "% of the entry"

    def measured(trip: RoundTrip, distance: Any, multiple: Any) -> float:
        return float(multiple) if in_r else 100.0 * float(distance) / (float(trip.entry_price) or 1.0)

    against = np.array([measured(trip, trip.mae, trip.mae_r) for trip in trips])
    favour = np.array([measured(trip, trip.mfe, trip.mfe_r) for trip in trips])
    across, up = _reach(against), _reach(favour)
    outside = int(np.count_nonzero((against > across) | (favour > up)))
    source = ColumnDataSource(
        {
            "mae": against,
            "mfe": favour,
            "net": [float(trip.net) for trip in trips],
            "left": [trip.exit_time for trip in trips],
            "colour": [GREEN if trip.net > 0 else RED for trip in trips],
        }
    )
    chart = framed(
        300, dated=False, x_range=Range1d(start=-0.02 * across, end=across), y_range=Range1d(start=-0.04 * up, end=up)
    )
    dots = chart.scatter("mae", "mfe", source=source, size=7, color="colour", alpha=0.6)
    chart.add_tools(
        HoverTool(
            renderers=[dots],
            tooltips=[("against", "@mae{0.000}"), ("for", "@mfe{0.000}"), ("net", "@net{0,0.00}"), ("closed", "@left{%F %T}")],
            formatters={"@left": "datetime"},
        )
    )
    beyond = f"; {outside:,} of {len(trips):,} lie further out" if outside else ""
    chart.xaxis.axis_label = f"furthest against the trade (MAE), {unit}{beyond}"
    chart.yaxis.axis_label = f"furthest for it (MFE), {unit}"
    return chart


def _reach(values: Floats) -> float:
    """How far an axis goes: to the largest value, or where few are far out, so that the others can be told apart."""
    largest, usual = float(values.max()), float(np.quantile(values, CROWD))
    return 1.05 * (largest if largest < 2 * usual else 1.2 * usual) or 1.0


def fan(simulation: Simulation, observed: Floats, currency: str) -> figure:
    """Where resampled runs stand after each trade: the middle half and nine tenths of them, their median, and what was."""
    steps = simulation.fan
    data = {"step": steps.steps, **{name: getattr(steps, name) for name in ("p5", "p25", "p50", "p75", "p95")}}
    source = ColumnDataSource(data)
    chart = framed(300, dated=False)
    chart.varea("step", "p5", "p95", source=source, color=BLUE, alpha=0.16, legend_label="5 to 95 %")
    chart.varea("step", "p25", "p75", source=source, color=BLUE, alpha=0.28, legend_label="25 to 75 %")
    middle = chart.line("step", "p50", source=source, color=BLUE, line_width=1.6, legend_label="median")
    shown = outline(observed)
    chart.line(shown.astype(np.float64), observed[shown], color=AMBER, line_width=1.6, legend_label="as it came")
    tips = [("after trade", "@step"), ("5 %", "@p5{0,0.00}"), ("median", "@p50{0,0.00}"), ("95 %", "@p95{0,0.00}")]
    chart.add_tools(HoverTool(renderers=[middle], mode="vline", tooltips=tips))
    chart.xaxis.axis_label = "closed trades"
    chart.yaxis.axis_label = f"equity, {currency}"
    return keyed(chart)


def lags(found: Autocorrelation) -> figure:
    """How much of a day's return is in those some days later, and how much would be by chance."""
    chart = framed(240, dated=False)
    days = list(range(1, len(found.lags) + 1))
    colours = [BLUE if abs(value) > found.band else GREY for value in found.lags]
    bars = chart.vbar(days, 0.5, list(found.lags), 0, color=colours, alpha=0.8)
    chart.hspan([found.band, -found.band], color=AMBER, line_dash="dashed")
    chart.add_tools(HoverTool(renderers=[bars], tooltips=[("days later", "@x"), ("correlation", "@top{0.00}")]))
    chart.yaxis.formatter = NumeralTickFormatter(format="0[.]00")
    chart.xaxis.axis_label = "days later"
    return chart


def children(result: BacktestResult) -> Iterator[figure]:
    """What each child of a book earned, and what the book held."""
    book = result.record.book
    assert book is not None
    times = result.equity.times
    earned = framed(280)
    for child, colour in zip(book.children, CHILDREN * (len(book.children) // len(CHILDREN) + 1), strict=False):
        values = np.array(child.equity_values, dtype=np.float64) - float(child.balance)
        shown = outline(values)
        earned.line(times[shown].astype(np.float64), values[shown], color=colour, line_width=1.6, legend_label=child.alias)
    earned.yaxis.axis_label = f"P&L, {result.record.currency}"
    yield keyed(earned)
    held = framed(180, x_range=earned.x_range)
    for name, values, colour, alpha in (("gross", np.array(book.gross), GREY, 0.4), ("net", np.array(book.net), AMBER, 0.8)):
        if len(values):
            shown = outline(values)
            held.varea_step(
                times[shown].astype(np.float64),
                0,
                values[shown],
                step_mode="before",
                color=colour,
                alpha=alpha,
                legend_label=name,
            )
    held.yaxis.axis_label = f"exposure, {result.record.currency}"
    yield keyed(held)


def compared(curves: Sequence[tuple[str, EquityCurve]]) -> figure:
    """The gains of several runs over time, in percent of where each began."""
    chart = framed(320)
    for (name, curve), colour in zip(curves, CHILDREN, strict=False):
        shown = outline(curve.values)
        gains = 100.0 * (curve.values / (curve.values[0] or 1.0) - 1.0)
        chart.line(curve.times[shown].astype(np.float64), gains[shown], color=colour, line_width=1.6, legend_label=name)
    chart.hspan([0.0], color=GREY, line_dash="dashed")
    chart.yaxis.axis_label = "gain, %"
    return keyed(chart)


def seasons(slots: Sequence[tuple[str, float]]) -> figure:
    """Net results side by side, by a name each."""
    chart = framed(200, dated=False)
    values = [value for _, value in slots]
    colours = [GREEN if value > 0 else RED for value in values]
    places = list(range(len(slots)))
    bars = chart.vbar(places, 0.7, values, 0, color=colours, alpha=0.8)
    chart.add_tools(HoverTool(renderers=[bars], tooltips=[("net", "@top{0,0.00}")]))
    chart.xaxis.ticker = FixedTicker(ticks=places)
    chart.xaxis.major_label_overrides = {place: name for place, (name, _) in enumerate(slots)}
    return chart


def dated_hover(renderer: Any, *tooltips: tuple[str, str]) -> HoverTool:
    return HoverTool(
        renderers=[renderer],
        mode="vline",
        tooltips=[("time", "@time{%Y-%m-%d %H:%M}"), *tooltips],
        formatters={"@time": "datetime"},
    )
