"""Candles with what a session did in them: its fills, its working levels, its entries and stops, and a cross-hair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from textual import events

from tui import format as fmt
from tui.actions import Focus
from tui.placing import Want
from tui.plot import Scale, candle
from tui.table import Cell
from tui.tables.positions import PURPOSES, order_level, order_type
from tui.widgets.pane import Line, Pane

if TYPE_CHECKING:
    from qkt.runtime.control.details import CandleRow, Chart
    from qkt.runtime.control.rows import OrderRow, PositionRow

AXIS = 20
STEP = (3, 2, 1)
"""Columns that a bar takes, from zoomed in to zoomed out."""


class Level(NamedTuple):
    """A price with a name at the right edge."""

    price: float
    words: str
    role: str


class CandlePane(Pane):
    """The bars of one stream. The cross-hair is a bar; zooming shows more or fewer of them."""

    LEAST = 6

    def __init__(self, *, id: str) -> None:
        super().__init__("CHART", id=id)
        self._chart: Chart | None = None
        self._positions: Sequence[PositionRow] = ()
        self.problem = ""
        self.zoom_step = 1
        self.hair: int | None = None

    def give(self, chart: Chart, positions: Sequence[PositionRow]) -> None:
        self._chart, self._positions, self.problem = chart, positions, ""
        self.repaint()

    def fail(self, problem: str) -> None:
        self.problem = problem
        self.repaint()

    def want(self) -> Want:
        return Want(self.LEAST, 12, fills=True)

    def zoom_bars(self, step: int) -> None:
        self.zoom_step = min(max(self.zoom_step - step, 0), len(STEP) - 1)
        self.repaint()

    def on_key(self, event: events.Key) -> None:
        steps = {"left": -1, "h": -1, "right": 1, "l": 1, "pageup": -10, "pagedown": 10, "home": -100_000, "end": 100_000}
        if event.key not in steps or self._chart is None or not self._chart.candles:
            return
        event.stop()
        last = len(self._chart.candles) - 1
        hair = min(max((last if self.hair is None else self.hair) + steps[event.key], 0), last)
        self.hair = None if hair == last and steps[event.key] > 0 else hair
        self.repaint()

    def focus_of(self) -> Focus:
        if self._chart is None:
            return Focus()
        return Focus(session=self._chart.session, symbol=self._chart.symbol)

    # ------------------------------------------------------------------- drawing

    def body(self, width: int, height: int) -> list[Line]:
        chart = self._chart
        if self.problem:
            return [[Cell(fmt.clip(f"  {fmt.clean(self.problem)}", width), "warn")]]
        if chart is None:
            return [[Cell("  waiting for bars", "dim")]]
        self.heading = f"CHART  {fmt.symbol(chart.symbol)} {fmt.clean(chart.timeframe)}  of {fmt.clean(chart.session)}"
        self.note = f"{len(chart.candles)} bars  B S fills   - - working" if chart.candles else ""
        if not chart.candles:
            return [[Cell("  No bar of this stream has closed yet.", "dim")]]
        step = STEP[self.zoom_step]
        rows = height - 2
        if rows < 3:
            return [self._figures(chart.candles[-1], width)]
        count = max((width - AXIS) // step, 1)
        first = self._first(len(chart.candles), count)
        shown = chart.candles[first : first + count]
        levels = self._levels(chart)
        scale = self._scale(shown, levels, rows)
        hair = None if self.hair is None else self.hair - first
        grid = self._grid(shown, scale, rows, step, width - AXIS, hair)
        self._mark_levels(grid, levels, scale, rows)
        self._mark_fills(grid, chart, shown, scale, rows, step)
        axis = self._axis(chart, levels, scale, rows)
        lines: list[Line] = [self._figures(chart.candles[self.hair if self.hair is not None else -1], width)]
        lines += [[*_merged(grid[row]), *axis[row]] for row in range(rows)]
        lines.append([Cell(_times(shown, step, width - AXIS), "dim")])
        return lines

    def _first(self, total: int, count: int) -> int:
        """The first bar to show: the latest ones, unless the cross-hair is older."""
        first = max(total - count, 0)
        return first if self.hair is None else min(first, self.hair)

    def _figures(self, bar: CandleRow, width: int) -> Line:
        digits = self._chart.digits if self._chart is not None and self._chart.digits is not None else 2
        change = bar.close - bar.open
        words = f"{fmt.moment(bar.start)}  "
        values = "  ".join(
            f"{name} {value:.{digits}f}" for name, value in zip("OHLC", (bar.open, bar.high, bar.low, bar.close), strict=True)
        )
        end = f"  {change:+.{digits}f}" + ("" if bar.closed else "  open")
        return [Cell(words, "dim"), Cell(values), Cell(end, "up" if change > 0 else "down" if change < 0 else "text")]

    def _levels(self, chart: Chart) -> list[Level]:
        found = [
            Level(float(level), _named(order), "warn" if order.protective else "accent")
            for order in chart.orders
            if (level := order_level(order)) is not None
        ]
        found += [Level(float(row.entry), "LONG" if row.side == "LONG" else "SHRT", "title") for row in self._positions]
        return found

    def _scale(self, shown: Sequence[CandleRow], levels: Sequence[Level], rows: int) -> Scale:
        """All bars, and the levels that lie near them."""
        low, high = min(bar.low for bar in shown), max(bar.high for bar in shown)
        reach = (high - low) * 0.5 or abs(high) * 0.001
        near = [level.price for level in levels if low - reach <= level.price <= high + reach]
        return Scale(min([low, *near]), max([high, *near]), rows * 2)

    def _grid(
        self, shown: Sequence[CandleRow], scale: Scale, rows: int, step: int, width: int, hair: int | None
    ) -> list[list[Cell]]:
        grid = [[Cell(" ")] * width for _ in range(rows)]
        start = _start(shown, step, width)
        for i, bar in enumerate(shown):
            role = "up" if bar.close >= bar.open else "down"
            x = start + i * step
            for row, sign in enumerate(candle(bar, scale, rows, boxes=self.context.glyphs.braille)):
                if sign != " ":
                    grid[row][x] = Cell(sign, role)
                elif i == hair:
                    grid[row][x] = Cell(self.context.glyphs.rule, "faint")
        return grid

    def _mark_levels(self, grid: list[list[Cell]], levels: Sequence[Level], scale: Scale, rows: int) -> None:
        """A dashed line over what is empty."""
        for level in levels:
            if scale.low <= level.price <= scale.high:
                line = grid[_row(level.price, scale, rows)]
                for x in range(0, len(line), 2):
                    if line[x].text == " ":
                        line[x] = Cell("-", level.role)

    def _mark_fills(
        self, grid: list[list[Cell]], chart: Chart, shown: Sequence[CandleRow], scale: Scale, rows: int, step: int
    ) -> None:
        for fill in chart.fills:
            at = next((i for i, bar in enumerate(shown) if bar.start <= fill.ts < bar.end), None)
            price = float(fill.price)
            if at is not None and scale.low <= price <= scale.high:
                grid[_row(price, scale, rows)][_start(shown, step, len(grid[0])) + at * step] = Cell(fill.side[0], "alert")

    def _axis(self, chart: Chart, levels: Sequence[Level], scale: Scale, rows: int) -> list[Line]:
        """Prices at the right; a level's name stands at its price, the last price under the cursor's ground."""
        digits = 2 if chart.digits is None else chart.digits
        rule = self.context.glyphs.rule
        named: Mapping[int, Level] = {
            _row(one.price, scale, rows): one for one in levels if scale.low <= one.price <= scale.high
        }
        last = chart.candles[-1].close
        lines: list[Line] = []
        for row in range(rows):
            price = scale.high - (scale.high - scale.low) * row / max(rows - 1, 1)
            if row == _row(last, scale, rows):
                label = Cell(f"{last:.{digits}f}", "cursor")
            elif row in named:
                label = Cell(f"{named[row].price:.{digits}f} {named[row].words}"[: AXIS - 2], named[row].role)
            elif row % 4 == 0:
                label = Cell(f"{price:.{digits}f}", "dim")
            else:
                label = Cell("")
            lines.append([Cell(f"{rule} ", "faint"), label, Cell(" " * (AXIS - 2 - len(label.text)))])
        return lines


def _start(shown: Sequence[CandleRow], step: int, width: int) -> int:
    """The column of the first bar: few bars stand at the right, beside their prices."""
    return max(width - len(shown) * step, 0)


def _named(order: OrderRow) -> str:
    return PURPOSES.get(order.purpose) or f"{order.side} {order_type(order.kind, order.purpose)}"


def _row(price: float, scale: Scale, rows: int) -> int:
    return rows - 1 - scale.step(price) // 2


def _merged(cells: Sequence[Cell]) -> list[Cell]:
    """Neighbours of one role as one cell."""
    merged: list[Cell] = []
    for cell in cells:
        if merged and merged[-1].role == cell.role:
            merged[-1] = Cell(merged[-1].text + cell.text, cell.role)
        else:
            merged.append(cell)
    return merged


def _times(shown: Sequence[CandleRow], step: int, width: int) -> str:
    """The time of every so many bars; the date where a day begins."""
    start = _start(shown, step, width)
    text = ""
    day = None
    every = max(16 // step, 1)
    for i in range(0, len(shown), every):
        ts = shown[i].start
        stamp = fmt.minute(ts) if ts // fmt.DAY == day else fmt.moment(ts)[5:]
        day = ts // fmt.DAY
        if start + i * step >= len(text):
            text = f"{text:<{start + i * step}}{stamp} "
    return text[:width]
