"""A walk through what a session recorded, or through a back-test: any moment of it, forwards and backwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from textual import events

from qkt.core.errors import QktError
from qkt.runtime import control
from tui import format as fmt
from tui.screens.dialog import Dialog, wrapped
from tui.screens.story import STEPS, WIDEST, told_line
from tui.table import Cell
from tui.widgets.pane import Line

if TYPE_CHECKING:
    from qkt.runtime.control.details import ScenePage, Way

# Small letters go on, capitals go back, the arrows from input to input.
STRIDES: dict[str, tuple[Literal["tick", "bar", "fill", "rule"], int]] = {
    "right": ("tick", 1),
    "left": ("tick", -1),
    "shift+right": ("tick", 100),
    "shift+left": ("tick", -100),
    "b": ("bar", 1),
    "B": ("bar", -1),
    "f": ("fill", 1),
    "F": ("fill", -1),
    "r": ("rule", 1),
    "R": ("rule", -1),
}
KEYS = "arrows input  b/B bar  f/F fill  r/R rule  g/G ends  Esc leave"


class Travel(Dialog[None]):
    """Asks for one scene at a time; strides that are pressed before it has come are not taken."""

    def __init__(self, run: str, words: str) -> None:
        super().__init__()
        self._run = run
        self._words = words
        self._page: ScenePage | None = None
        self._problem = ""
        self._waits = False
        self.first = 0

    def title_text(self) -> str:
        return f"Replay of {fmt.clean(self._words)}"

    def inner_width(self) -> int:
        return WIDEST

    def on_mount(self) -> None:
        self._go(control.details.Way())

    def _go(self, way: Way) -> None:
        if self._waits:
            return
        self._waits = True
        self.redraw()
        self.app.run_worker(self._ask(way), group="look.travel")

    async def _ask(self, way: Way) -> None:
        width = max(min(self.app.size.width - 6, WIDEST) - 2, 40)
        try:
            self._page = await self.dashboard.link.travel(self._run, way.model_copy(update={"width": width}))
            self._problem = ""
        except QktError as problem:
            self._problem = str(problem)
        self._waits = False
        if self.is_current:
            self.redraw()

    def lines(self, width: int) -> list[Line]:
        page = self._page
        lines: list[Line] = [[Cell(part, "alarm")] for part in wrapped(self._problem, width)] if self._problem else []
        if page is None:
            return lines or [[Cell("the run is done again", "dim")]]
        when = f"{fmt.moment(page.at)}:{page.at // 1000 % 60:02}.{page.at % 1000:03} UTC"
        count = f"input {page.place:,} of {page.length:,}"
        money = f"equity {page.equity:,.2f}   balance {page.balance:,.2f}   fill {page.fills} of {page.counts.get('fill', 0)}"
        lines += [
            [Cell(when, "bold"), Cell(f"   {count}", "dim"), Cell("   ..." if self._waits else "", "accent")],
            [Cell(money)],
            [Cell(fmt.clip(KEYS, width), "dim")],
            [Cell("")],
        ]
        body: list[Line] = []
        for part in page.parts:
            body.append([Cell(fmt.clean(part.title), "accent")])
            body += [[told_line(f"  {line}")] for line in part.lines]
        room = max(self.app.size.height - 4 - len(lines), 3)
        self.first = max(min(self.first, len(body) - room), 0)
        lines += body[self.first : self.first + room]
        # As tall at every step, so that nothing jumps.
        return lines + [[Cell("")]] * (room - len(body[self.first : self.first + room]))

    def on_key(self, event: events.Key) -> None:
        event.stop()
        page, key = self._page, event.key
        if key in ("escape", "backspace", "q"):
            self.dismiss(None)
        elif page is None:
            return
        elif key in STRIDES:
            stride, by = STRIDES[key]
            self._go(control.details.Way(place=page.place, stride=stride, by=by))
        elif key in ("g", "G"):
            self._go(control.details.Way(place=1 if key == "g" else page.length))
        elif key in STEPS:
            self.first = max(self.first + STEPS[key], 0)
            self.redraw()
