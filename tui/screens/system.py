"""How the engine is, and how this dashboard is."""

from __future__ import annotations

from collections.abc import Sequence

from tui import format as fmt
from tui.screens.base import WIDE, DeckScreen
from tui.table import Cell, Context
from tui.tables.system import FEEDS
from tui.widgets.deck import Columns
from tui.widgets.facts import Facts, pairs
from tui.widgets.grid import Grid
from tui.widgets.log import LogPane
from tui.widgets.pane import Line, Pane


class System(DeckScreen):
    NAME = "system"

    def make_panes(self) -> Sequence[Pane]:
        self.engine = Facts("ENGINE", _engine, id="engine", rows=5)
        self.own = Facts("THIS DASHBOARD", self._own, id="own", rows=3)
        self.feeds = Grid(FEEDS, id="feeds")
        self.story = LogPane(id="log", title="ENGINE LOG", only=lambda line: line.kind in ("engine", "feed", "operator"))
        return self.feeds, self.engine, self.own, self.story

    def columns(self, width: int, height: int) -> Columns:
        if width < WIDE:
            return [(1, [self.engine, self.own, self.feeds, self.story])]
        return [(55, [self.engine, self.feeds, self.story]), (45, [self.own])]

    def _own(self, context: Context, width: int) -> tuple[Sequence[Cell], list[Line]]:
        app = self.dashboard
        meter = app.meter
        found = [
            ("FRAMES", Cell(f"{meter.frames_a_second:.1f}/s of {app.listener.rate:g}/s")),
            ("TO THE TERMINAL", Cell(f"{fmt.size(int(meter.bytes_a_second))}/s")),
            ("CPU", Cell(f"{meter.cpu_pct:.1f}%")),
            ("LINES KEPT", Cell(fmt.count(len(context.view.lines)))),
            ("MISSED", Cell(fmt.count(context.view.missed), "warn" if context.view.missed else "dim")),
            ("HOSTED", Cell("yes, in this process" if app.link.hosted else "no, attached", "dim")),
        ]
        return (), pairs(found, width)


def _engine(context: Context, width: int) -> tuple[Sequence[Cell], list[Line]]:
    hello, row = context.view.hello, context.view.tables.system.get("engine")
    if hello is None or row is None:
        return (), [[Cell("  waiting for data", "dim")]]
    found = [
        ("VERSION", Cell(f"{fmt.clean(hello.version)}, protocol {hello.protocol}")),
        ("PID", Cell(str(hello.pid))),
        ("UP", Cell(fmt.age(context.now - hello.started))),
        ("STATE", Cell(fmt.clean(hello.state_dir), "dim")),
        ("DISK", _ok(row.disk)),
        ("RECORDER", _ok(row.recorder)),
        ("JOURNAL", Cell(f"{row.journal_writes:,} writes", "text")),
        ("FAILED WRITES", Cell(fmt.count(row.journal_failures), "alarm" if row.journal_failures else "dim")),
        ("QUEUE", Cell(fmt.count(row.queue), "warn" if row.queue > 1000 else "text")),
        ("DROPPED", Cell(fmt.count(row.dropped), "warn" if row.dropped else "dim")),
        ("TICK TO INTENT", Cell(f"p50 {_micro(row.latency_p50_us)}  p99 {_micro(row.latency_p99_us)}")),
        ("LOOP LATE", Cell("-" if row.loop_lag_ms is None else f"{row.loop_lag_ms} ms", _late(row.loop_lag_ms))),
        ("TICKS", Cell("-" if row.ticks_per_second is None else f"{row.ticks_per_second:,.0f}/s")),
        ("CPU", Cell("-" if row.cpu_pct is None else f"{row.cpu_pct:.1f}%")),
        ("MEMORY", Cell(fmt.size(row.memory_bytes))),
        ("CLOCK SKEW", Cell("-" if row.clock_skew_ms is None else f"{row.clock_skew_ms:+d} ms")),
        ("READERS", Cell(str(row.subscribers))),
    ]
    return (), pairs(found, width)


def _ok(word: str) -> Cell:
    return Cell(fmt.clean(word), "up" if word == "ok" else "alarm")


def _micro(value: int | None) -> str:
    return fmt.UNKNOWN if value is None else f"{value / 1000:.1f} ms" if value >= 1000 else f"{value} us"


def _late(ms: int | None) -> str:
    return "dim" if ms is None else "alarm" if ms >= 200 else "warn" if ms >= 50 else "text"
