"""One page with everything in it: it opens without a network, in light and dark, and prints."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from bokeh.core.types import ID
from bokeh.embed import json_item
from bokeh.models import LayoutDOM
from bokeh.resources import INLINE
from jinja2 import Environment, StrictUndefined

from qkt.backtest.phrases import minute, timeframe
from qkt.backtest.result import BacktestResult
from qkt.backtest.seasons import MONTHS
from qkt.core.instruments import bare
from qkt.report import figures, price_chart, sheets
from qkt.report.chance import Chance
from qkt.report.comparison import Comparison
from qkt.research.monte_carlo import FEWEST, equity_paths


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of the page: the id of its place, and what bokeh draws there when it comes into view."""

    id: str
    item: str

    @classmethod
    def of(cls, name: str, model: LayoutDOM) -> Chart:
        # A tag in the data must not end the script that holds it, nor begin anything in it.
        text = json.dumps(json_item(model, ID(name)), allow_nan=False, separators=(",", ":"))
        return cls(name, text.replace("<", "\\u003c"))


def page(result: BacktestResult, proof: dict[str, Any], chance: Chance) -> str:
    """The report as one HTML document."""
    record, metrics = result.record, result.metrics
    text: str = template("report.html").render(
        **furniture(),
        title=record.strategy,
        result=result,
        record=record,
        m=metrics,
        symbols=[bare(symbol) for symbol in record.symbols],
        frame=timeframe(record.timeframe_ms),
        span=(minute(record.first_ts), minute(record.last_ts)) if record.ticks else None,
        sheets=sheets,
        months=MONTHS,
        charts=list(_charts(result, chance)),
        chance=chance,
        fewest=FEWEST,
        hidden_symbols=list(record.prices)[price_chart.MOST_SYMBOLS :],
        most_trades=price_chart.MOST_TRADES,
        proof=proof,
    )
    return text


def _charts(result: BacktestResult, chance: Chance) -> Iterator[Chart]:
    trips, days = chance.trips, chance.days
    if len(result.equity) > 1:
        yield from _numbered("equity", figures.equity(result))
        if len(days) > 1:
            yield Chart.of("days", figures.distribution(100.0 * days, "daily return, %"))
    if len(trips) > 1:
        nets = np.array([float(trip.net) for trip in trips])
        yield Chart.of("nets", figures.distribution(nets, f"net of a trade, {result.record.currency}"))
    for n, (symbol, prices) in enumerate(list(result.record.prices.items())[: price_chart.MOST_SYMBOLS]):
        there = [trip for trip in result.round_trips if trip.symbol == symbol]
        yield Chart.of(f"price-{n}", price_chart.price(symbol, prices, there, result.record.stops))
    if trips:
        yield Chart.of("excursions", figures.excursions(trips))
        seasons = result.metrics.seasons
        yield Chart.of("hours", figures.seasons(sheets.slots(seasons.hours, [f"{n:02d}" for n in range(24)])))
        yield Chart.of("weekdays", figures.seasons(sheets.slots(seasons.weekdays, sheets.WEEKDAYS)))
    if chance.simulations:
        nets = np.array([[float(trip.net) for trip in trips]])
        real = equity_paths(nets, float(result.record.balance))[0]
        yield Chart.of("fan", figures.fan(chance.simulations[0], real, result.record.currency))
    if chance.autocorrelation is not None:
        yield Chart.of("lags", figures.lags(chance.autocorrelation))
    if result.record.book is not None:
        yield from _numbered("book", figures.children(result))


def _numbered(name: str, models: Iterable[LayoutDOM]) -> Iterator[Chart]:
    """Charts that move together are one column of bokeh's."""
    from bokeh.layouts import column

    yield Chart.of(name, column(*models, sizing_mode="stretch_width"))


def comparison_page(comparison: Comparison) -> str:
    """Two runs side by side as one HTML document."""
    curves = [(name, curve) for name, curve in zip(comparison.names, comparison.curves, strict=True) if len(curve)]
    charts = [Chart.of("curves", figures.compared(curves))] if curves else []
    text: str = template("compare.html").render(**furniture(), c=comparison, charts=charts)
    return text


def furniture() -> dict[str, str]:
    """What every page carries in itself: style, script, and the library that draws."""
    return {"style": _text("style.css"), "script": _text("script.js"), "library": _library()}


def template(name: str) -> Any:
    """A page's template; whatever is put into it is escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    macros = _text("macros.html")
    return environment.from_string(macros + _text(name))


@cache
def _library() -> str:
    """bokeh's drawing code alone, without widgets, tables, WebGL and mathematics."""
    code = next(text for name, text in zip(INLINE.components, INLINE.js_raw, strict=False) if name == "bokeh")
    return re.sub(r"//# sourceMappingURL=\S*", "", code).replace("</script", "<\\/script")


def _text(name: str) -> str:
    return files("qkt.report").joinpath("pages", name).read_text(encoding="utf-8")
