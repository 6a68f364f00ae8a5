"""Files that a dashboard writes when it is asked to: a pane as CSV, and what a report of a defect needs."""

from __future__ import annotations

import csv
import io
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from tui.widgets.grid import cells_of

if TYPE_CHECKING:
    from tui.app import Dashboard


def export_csv(app: Dashboard, about: str) -> None:
    """All rows and columns of the focused pane."""
    grid = app.deck.grid
    if grid is None:
        app.say("choose a table first", "warn")
        return
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column.title for column in grid.table.columns])
    writer.writerows(cells_of(grid.rows, grid.table, app.context))
    _write(app, f"qkt-{grid.table.name}.csv", text.getvalue())


def diagnostics(app: Dashboard, about: str) -> None:
    """Versions, size, theme and rates; no names, no money."""
    view, meter = app.view, app.meter
    found = {
        "qkt": None if view.hello is None else view.hello.version,
        "protocol": None if view.hello is None else view.hello.protocol,
        "textual": version("textual"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "size": list(app.size),
        "theme": app.palette.name,
        "screen": app.deck.NAME,
        "hosted": app.link.hosted,
        "frames_a_second": round(meter.frames_a_second, 2),
        "bytes_a_second": round(meter.bytes_a_second),
        "cpu_pct": round(meter.cpu_pct, 2),
        "rows": {name: len(view.tables.of(name)) for name in type(view.tables).model_fields},
        "lines": len(view.lines),
        "missed": view.missed,
    }
    _write(app, "qkt-diagnostics.json", json.dumps(found, indent=2))


def _write(app: Dashboard, name: str, text: str) -> None:
    file = Path.cwd() / name
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as problem:
        app.say(f"{file} cannot be written: {problem.strerror}", "alarm")
        return
    app.say(f"written to {file}")
