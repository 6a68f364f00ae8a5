"""What a sweep and a walk-forward look like on a terminal, and a heat map as a page."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from rich.color import Color
from rich.style import Style
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from qkt.research.heat import HeatMap
    from qkt.research.sweep import Luck, Sweep
    from qkt.research.walk_forward import WalkForward

SHOWN = ("sharpe", "total_pnl", "max_drawdown", "profit_factor", "win_rate", "closed_trades")
SHARES = ("max_drawdown", "win_rate", "return_fraction", "cagr", "volatility", "exposure")

WIDE = 100
"""Columns of a terminal from which on there is room for everything."""

COLD, MIDDLE, WARM = (178, 24, 43), (247, 247, 247), (33, 102, 172)


def ranked(sweep: Sweep, top: int, width: int) -> Table:
    """The best combinations, on so many columns of a terminal."""
    from qkt.research.figures import better_up

    metric = sweep.asked.metric
    figures = (metric, *(name for name in SHOWN if name != metric and (width >= WIDE or name != "win_rate")))
    varied = sweep.asked.space.names
    table = _plain(width)
    for name in ("rank", *varied, *(_short(name) for name in figures), "neighbours", "stability"):
        table.add_column(name, justify="right")
    for row in sweep.rows()[:top]:
        told = (
            [figure(name, row[name]) for name in figures]
            if row["state"] == "done"
            else [row["state"]] + ["-"] * (len(figures) - 1)
        )
        ratio = "-" if row["stability"] is None else f"{row['stability']:.0%}"
        near = None if row["neighbour_median"] is None else better_up(row["neighbour_median"], metric)
        table.add_row(str(row["rank"]), *(row[name] for name in varied), *told, figure(metric, near), ratio)
    return table


def luck_line(luck: Luck) -> str:
    """What luck would have given, in a sentence."""
    if luck.deflated is None or luck.expected_best is None:
        return f"{luck.trials} trials; {luck.days} daily returns say nothing about how much of the best is luck"
    return (
        f"{luck.trials} trials: without any skill the best would show a daily Sharpe ratio of {luck.expected_best:.2f} a year; "
        f"the winner is better than that with a probability of {luck.deflated:.1%} (deflated Sharpe ratio, {luck.days} days)"
    )


def figure(name: str, value: float | None) -> str:
    """A figure as people read it: shares in percent, money with two decimals."""
    if value is None:
        return "-"
    if name in SHARES:
        return f"{value:.2%}"
    return f"{value:,.0f}" if name == "closed_trades" else f"{value:,.2f}"


def heat_text(heat: HeatMap) -> Text:
    """The map in coloured cells, the numbers in them."""
    label = max(len(heat.down or ""), *(len(row) for row in heat.rows))
    width = max(6, *(len(column) for column in heat.columns))
    text = Text(no_wrap=True)
    text.append(f"{heat.metric.replace('_', ' ')}: {heat.down + ' down, ' if heat.down else ''}{heat.across} across\n")
    text.append(" " * label + "".join(f" {column:>{width}}" for column in heat.columns) + "\n", style="bold")
    for row, cells in zip(heat.rows, heat.cells, strict=True):
        text.append(f"{row:>{label}}", style="bold")
        for value in cells:
            told = "" if value is None else compact(heat.metric, value)
            text.append(" ")
            text.append(f"{told:>{width}}", style=_style(heat, value))
        text.append("\n")
    return text


def heat_page(heat: HeatMap, title: str) -> str:
    """The map as a page of its own."""
    head = "".join(f"<th>{html.escape(column)}</th>" for column in heat.columns)
    lines = [
        f"<tr><th>{html.escape(row)}</th>{''.join(_cell(heat, value) for value in cells)}</tr>"
        for row, cells in zip(heat.rows, heat.cells, strict=True)
    ]
    axes = f"{heat.down} down, {heat.across} across" if heat.down else f"{heat.across} across"
    name = html.escape(f"{title}: {heat.metric.replace('_', ' ')}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title><style>'
        ":root{color-scheme:light dark}body{font:14px system-ui,sans-serif;margin:2rem}table{border-collapse:collapse}"
        "td,th{padding:.35em .6em;text-align:right;font-variant-numeric:tabular-nums}</style>"
        f"<h1>{name}</h1><p>{html.escape(axes)}; the mean over whatever the other parameters were</p>"
        f"<table><tr><th></th>{head}</tr>{''.join(lines)}</table></html>\n"
    )


def compact(metric: str, value: float) -> str:
    """A figure in few characters."""
    if metric in SHARES:
        return f"{value:.1%}"
    return f"{value:.2f}" if abs(value) < 1000 else f"{value:.0f}"


def windows(walk: WalkForward, width: int) -> Table:
    """A line for each window, on so many columns of a terminal."""
    table = _plain(width)
    wide, own = width >= WIDE, walk.metric != "total_pnl"
    table.add_column("window" if wide else "#", justify="right")
    for name in ("train", "test", "winner") if wide else ("train from", "test from", "winner"):
        table.add_column(name, no_wrap=name != "winner")
    scores = (f"{_short(walk.metric)} in", "out") if own else ()
    for name in (*scores, "profit in", "out", "efficiency"):
        table.add_column(name, justify="right")
    for row in walk.rows():
        spans = [(row[f"{part}_start"][:10], row[f"{part}_end"][:10]) for part in ("train", "test")]
        table.add_row(
            str(row["window"]),
            *(f"{begin} – {end}" if wide else begin for begin, end in spans),
            ", ".join(f"{name}={value}" for name, value in row["winner"].items()) or "-",
            *(figure(walk.metric, row[name]) for name in ("score_in", "score_out") if own),
            *(figure("total_pnl", row[name]) for name in ("pnl_in", "pnl_out")),
            "-" if row["efficiency"] is None else f"{row['efficiency']:.0%}",
        )
    return table


def _plain(width: int) -> Table:
    return Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2 if width >= WIDE else 1, 0, 0))


def _short(name: str) -> str:
    return {"max_drawdown": "drawdown", "closed_trades": "trades"}.get(name, name.replace("_", " "))


def _cell(heat: HeatMap, value: float | None) -> str:
    if value is None:
        return "<td></td>"
    red, green, blue = _shade(heat, value)
    ink = "#000" if red * 0.3 + green * 0.59 + blue * 0.11 > 140 else "#fff"
    return f'<td style="background:rgb({red},{green},{blue});color:{ink}">{compact(heat.metric, value)}</td>'


def _style(heat: HeatMap, value: float | None) -> Style:
    if value is None:
        return Style()
    red, green, blue = _shade(heat, value)
    ink = "black" if red * 0.3 + green * 0.59 + blue * 0.11 > 140 else "white"
    return Style(color=ink, bgcolor=Color.from_rgb(red, green, blue))


def _shade(heat: HeatMap, value: float) -> tuple[int, int, int]:
    """Red for the worst, white in the middle, blue for the best."""
    share = 0.5 if heat.high == heat.low else (value - heat.low) / (heat.high - heat.low)
    begin, end, part = (COLD, MIDDLE, share * 2) if share < 0.5 else (MIDDLE, WARM, share * 2 - 1)
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(begin, end, strict=True))
    return red, green, blue
