"""The part of a screen between its lines: panes in columns, placed by what each wants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.strip import Strip
from textual.widget import Widget

from tui.placing import Want, heights
from tui.widgets.drawn import Drawn
from tui.widgets.pane import Pane

if TYPE_CHECKING:
    from tui.screens.base import DeckScreen

SEPARATOR = 3
# Rows that must be left over before panes are set apart by an empty one.
AIRY = 4
# Rows that a pane beneath the columns has at least.
FOOT = 7

Columns = Sequence[tuple[int, Sequence[Pane]]]
"""The columns of a screen from the left: the share of each in the width, and its panes from the top."""


class _Placed(Layout):
    """Asks the deck where its panes stand."""

    name: ClassVar[str] = "placed"

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        assert isinstance(parent, Deck)
        plan = parent.plan(size)
        return [
            WidgetPlacement(plan[child], NULL_OFFSET, NULL_SPACING, child)
            for child in children
            if isinstance(child, Pane) and child in plan
        ]


class Deck(Drawn):
    """Holds all panes of a screen and shows those that its size has room for."""

    DEFAULT_CSS = "Deck { height: 1fr; width: 1fr; }"

    def __init__(self, *panes: Pane) -> None:
        super().__init__(*panes, id="deck")
        self._panes = panes
        self._placed = _Placed()
        self._regions: dict[Pane, Region] = {}
        self._rules: list[int] = []
        self._foot: Pane | None = None

    @property
    def layout(self) -> Layout:
        return self._placed

    @property
    def panes(self) -> Sequence[Pane]:
        return self._panes

    @property
    def seen(self) -> list[Pane]:
        """The panes that stand on the screen, column by column."""
        return [pane for pane in self._panes if pane.placed]

    def plan(self, size: Size) -> dict[Pane, Region]:
        """Where each pane stands that is shown at this size."""
        self._regions, self._rules = self._planned(size)
        for pane in self._panes:
            pane.placed = pane in self._regions
        return self._regions

    def rearrange(self) -> None:
        """Lay the panes out anew."""
        self._clear_arrangement_cache()
        self.spoil()
        self.refresh(layout=True)

    def settle(self) -> None:
        """Lay the panes out anew if what they want has changed where they stand."""
        if self.size and self._planned(self.size)[0] != self._regions:
            self.rearrange()

    def _planned(self, size: Size) -> tuple[dict[Pane, Region], list[int]]:
        columns = self._columns(size)
        self._foot = self._footing(size)
        wants = [[pane.want() for pane in panes] for _, panes in columns]
        gap = 1 if all(_airy(size.height, column) for column in wants) else 0
        room = size.width - SEPARATOR * (len(columns) - 1)
        whole = sum(share for share, _ in columns)
        regions: dict[Pane, Region] = {}
        rules: list[int] = []
        tall = self._above(size, wants, gap)
        if self._foot is not None and tall < size.height:
            regions[self._foot] = Region(0, tall, size.width, size.height - tall)
            tall -= gap
        x = 0
        for index, (share, panes) in enumerate(columns):
            last = index == len(columns) - 1
            width = size.width - x if last else room * share // whole
            y = 0
            for pane, height in zip(panes, heights(tall - gap * (len(panes) - 1), wants[index]), strict=True):
                if height:
                    regions[pane] = Region(x, y, width, height)
                    y += height + gap
            x += width + SEPARATOR
            if not last:
                rules.append(x - SEPARATOR + 1)
        return regions, rules

    def _footing(self, size: Size) -> Pane | None:
        screen: DeckScreen = self.screen  # type: ignore[assignment]
        return None if screen.zoomed is not None else screen.foot(size.width, size.height)

    def _above(self, size: Size, wants: Sequence[Sequence[Want]], gap: int) -> int:
        """The height that the columns get: what the tallest asks for, as long as the pane beneath can say something."""
        if self._foot is None:
            return size.height
        asked = max(sum(want.whole for want in column) + gap * len(column) for column in wants)
        return min(asked, size.height - FOOT)

    def _columns(self, size: Size) -> Columns:
        screen: DeckScreen = self.screen  # type: ignore[assignment]
        if screen.zoomed is not None:
            return [(1, [screen.zoomed])]
        return [(share, panes) for share, panes in screen.columns(size.width, size.height) if panes]

    def render_line(self, y: int) -> Strip:
        """The rules between columns; panes cover the rest."""
        app = self.dashboard
        width = self.size.width
        ground = app.palette["text"]
        segments: list[Segment] = []
        at = 0
        for x in self._rules:
            segments += [Segment(" " * (x - at), ground), Segment(app.context.glyphs.rule, app.palette["faint"])]
            at = x + 1
        return Strip([*segments, Segment(" " * (width - at), ground)], width)


def _airy(height: int, wants: Sequence[Want]) -> bool:
    """Whether a column has so much room that its panes may stand apart."""
    return height - sum(want.whole for want in wants) >= len(wants) + AIRY
