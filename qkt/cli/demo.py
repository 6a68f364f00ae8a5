"""`qkt demo`: a tour on an invented market. Nothing of it is kept, and nothing of it was ever quoted."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from qkt.cli.options import JsonOption, new_app

app = new_app()

HEADLESS_SECONDS = 30.0


@app.command()
def demo(
    headless: Annotated[bool, typer.Option("--headless", help="Without a terminal: lines, then a summary.")] = False,
    seconds: Annotated[
        float | None, typer.Option(min=1, metavar="N", help="How long, with --headless (default 30; Ctrl-C ends it too).")
    ] = None,
    speed: Annotated[float, typer.Option(min=1, max=600, metavar="N", help="How many times faster than time.")] = 120.0,
    metrics_port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="PORT", help="Of metrics and status; 0 takes a free one.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Three strategies and a portfolio on paper, in a market that is invented and runs faster than time."""
    from qkt.cli.screen import Screen
    from qkt.host import run as run_in_loop
    from qkt.tour import tour_headless

    if not headless:
        _on_screen(speed, metrics_port)
        return
    with Screen(2 if as_json else 1) as screen:
        came_to = run_in_loop(tour_headless, seconds or HEADLESS_SECONDS, speed, screen.say, metrics_port)
    if as_json:
        print(json.dumps(came_to, indent=2))
    else:
        _show(came_to)


def _on_screen(speed: float, metrics_port: int) -> None:
    """The demo behind the dashboard. What it says meanwhile goes with it."""
    from qkt.cli.dash import on_a_terminal
    from qkt.cli.screen import aside
    from qkt.deck import find_dashboard, front
    from qkt.host import run as run_in_loop
    from qkt.tour import tour

    on_a_terminal()
    dashboard = find_dashboard()
    with tempfile.TemporaryDirectory(prefix="qkt-demo-log-") as folder, aside(Path(folder) / "printed.log") as tell:
        run_in_loop(tour, front(dashboard, {}, tell), speed, tell, metrics_port)


def _show(came_to: dict[str, Any]) -> None:
    from qkt.cli.tables import print_table

    header = ("SESSION", "KIND", "STATE", "FILLS", "P&L", "POS", "ORD")
    keys = ("name", "kind", "state", "fills", "pnl", "positions", "orders")
    rows = [tuple("-" if one[key] is None else str(one[key]) for key in keys) for one in came_to["sessions"]]
    print_table(header, rows, right=header[3:], empty="no sessions")
    print(f"{came_to['fills']} fills, {came_to['pnl']} {came_to['currency']} in {came_to['seconds']:g} s of an invented market")
