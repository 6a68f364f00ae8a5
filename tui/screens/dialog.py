"""What all dialogs are: a box over the screen that keeps its keys to itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar, cast

from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget

from tui.table import Cell
from tui.widgets.pane import Line, strip

if TYPE_CHECKING:
    from tui.app import Dashboard

R = TypeVar("R")


class Box(Widget):
    """Lines in a frame. The dialog says what they are."""

    def __init__(self, *, id: str = "box") -> None:
        super().__init__(id=id)
        self._lines: list[Line] = [[Cell("")]]

    def show(self, lines: Sequence[Line]) -> None:
        grown = len(lines) != len(self._lines)
        self._lines = list(lines)
        self.refresh(layout=grown)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        app = cast("Dashboard", self.app)
        if y >= len(self._lines):
            return Strip.blank(self.size.width, app.palette.raised["text"])
        return strip(self._lines[y], self.size.width, app.palette, raised=True)


class Dialog(ModalScreen[R]):
    """Over a screen, until it is answered or left."""

    TITLE_WORD = ""

    def __init__(self) -> None:
        super().__init__()
        self._answered = False

    def dismiss(self, result: R | None = None) -> AwaitComplete:
        """The first answer counts. Keys that were already on their way when it came are for nobody."""
        if self._answered or not self.is_current:
            return AwaitComplete()
        self._answered = True
        left: AwaitComplete = super().dismiss(result)
        return left

    @property
    def dashboard(self) -> Dashboard:
        return cast("Dashboard", self.app)

    def compose(self) -> ComposeResult:
        box = Box()
        box.border_title = self.title_text()
        yield box

    def title_text(self) -> str:
        return self.TITLE_WORD

    def lines(self, width: int) -> list[Line]:
        return []

    def on_mount(self) -> None:
        self.redraw()

    def on_resize(self) -> None:
        self.redraw()

    def redraw(self) -> None:
        box = self.query_one(Box)
        box.show(self.lines(max(min(self.app.size.width - 6, self.inner_width()), 20)))

    def inner_width(self) -> int:
        return 74

    def on_paste(self, event: events.Paste) -> None:
        event.stop()


def wrapped(text: str, width: int) -> list[str]:
    """A sentence in lines of whole words."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line or not lines else lines
