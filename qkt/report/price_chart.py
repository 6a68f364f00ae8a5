"""Prices as candles, and on them what the trades did: where each was entered, how its stop moved, where it was left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, NumeralTickFormatter, Range1d
from bokeh.plotting import figure

from qkt.backtest.curve import Floats
from qkt.backtest.prices import Prices
from qkt.backtest.stops import StopPath
from qkt.core.instruments import bare
from qkt.core.terms import Side
from qkt.ledger import RoundTrip
from qkt.report.figures import AMBER, BLUE, GREEN, RED, dated_hover, framed, keyed
from qkt.report.outline import outline

MOST_TRADES = 5_000
"""Drawn on one price chart, the last ones; the tables have them all."""
MOST_SYMBOLS = 6
FEW_TRADES = 300
"""More of them are drawn smaller."""
MOST_STEPS = 400
"""Of one stop."""
BREAK = (float("nan"), float("nan"))
"""Between two lines that are drawn as one."""
BODY = 0.6
"""Of a candle's timeframe is its body's width."""


def price(symbol: str, prices: Prices, trips: Sequence[RoundTrip], stops: Sequence[StopPath] = ()) -> figure:
    """Candles with each closed trade: where it was entered, where its stop stood and how it moved, where it was left."""
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
    first, last = int(prices.starts[0]), int(prices.starts[-1]) + prices.timeframe_ms
    aside = (last - first) * 0.01
    along = Range1d(start=first - aside, end=last + aside)
    chart = framed(420, x_range=along, y_range=Range1d(start=low - margin, end=high + margin), name="price")
    chart.segment("time", "high", "time", "low", source=source, color="colour", alpha=0.45)
    width = prices.timeframe_ms * BODY
    bodies = chart.vbar("time", width, "open", "close", source=source, color="colour", alpha=0.45, line_color="colour")
    digits = _digits(high)
    tooltips = [(name, f"@{name}{{{digits}}}") for name in ("open", "high", "low", "close")]
    chart.add_tools(dated_hover(bodies, *tooltips))
    chart.yaxis.formatter = NumeralTickFormatter(format=digits)
    chart.yaxis.axis_label = bare(symbol)
    if trips:
        _trades(chart, trips[-MOST_TRADES:], stops, digits)
    return chart


def _trades(chart: figure, trips: Sequence[RoundTrip], stops: Sequence[StopPath], digits: str) -> None:
    won = [trip.net > 0 for trip in trips]
    long = np.array([trip.side is Side.BUY for trip in trips])
    source = ColumnDataSource(
        {
            "entered": [trip.entry_time for trip in trips],
            "left": [trip.exit_time for trip in trips],
            "entry": [float(trip.entry_price) for trip in trips],
            "exit": [float(trip.exit_price) for trip in trips],
            "stop": ["none" if trip.stop is None else f"{trip.stop.normalize():f}" for trip in trips],
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
    times, levels = _levels(trips, stops)
    chart.line(times, levels, color=AMBER, line_dash="dotted", line_width=1.4, legend_label="stop")
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
                ("stop, first", "@stop"),
                ("net", "@net{0,0.00}"),
            ],
            formatters={"@entered": "datetime", "@left": "datetime"},
        )
    )
    keyed(chart)


def _levels(trips: Sequence[RoundTrip], stops: Sequence[StopPath]) -> tuple[Floats, Floats]:
    """One line along all stops: of a leg whose stops moved each of their steps, of another one where its stop stood first."""
    shown = {trip.leg_id for trip in trips}
    paths = [path for path in stops if path.leg_id in shown]
    moved = {path.leg_id for path in paths}
    ways = [_steps(path) for path in paths]
    ways += [
        np.array([(trip.entry_time, float(trip.stop)), (trip.exit_time, float(trip.stop)), BREAK])
        for trip in trips
        if trip.stop is not None and trip.leg_id not in moved
    ]
    line = np.concatenate(ways) if ways else np.empty((0, 2))
    return line[:, 0], line[:, 1]


def _steps(path: StopPath) -> Floats:
    """Each level from its time to the next one's, thinned where there are very many."""
    times, levels = np.array(path.times, dtype=np.float64), np.array(path.levels, dtype=np.float64)
    kept = outline(levels, MOST_STEPS)
    times, levels = times[kept], levels[kept]
    corners = np.empty((2 * len(times), 2))
    corners[0::2, 0], corners[0::2, 1] = times, levels
    corners[1:-1:2, 0], corners[1:-1:2, 1] = times[1:], levels[:-1]
    corners[-1] = BREAK
    return corners


def _digits(highest: float) -> str:
    return "0,0.00" if highest >= 1_000 else "0,0.000" if highest >= 20 else "0.00000"
