"""Drawing only what changed leads to the same screen as drawing all of it."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from qkt.runtime.control.frames import difference
from tests.tui import samples
from tests.tui.desk import opened, run
from tui.terminal.spans import SpansCompositor, between


def test_spans_lead_to_the_whole_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    first = SpansCompositor.render_partial_update

    async def work() -> None:
        async with opened((160, 48)) as desk:

            def noted(self: SpansCompositor) -> object:
                found = first(self)
                if found is not None:
                    drawn.append(found.render_segments(desk.app.console))
                return found

            screen = [list(line.ljust(160)) for line in desk.text().splitlines()]
            monkeypatch.setattr(SpansCompositor, "render_partial_update", noted)
            moved = [row.model_copy(update={"pnl": Decimal("-123.45"), "mark": Decimal("2413.7")}) for row in samples.POSITIONS]
            new = samples.snapshot(101, positions=moved, strategies=samples.STRATEGIES[:-1])
            desk.link.push(difference(samples.snapshot(), new))
            await desk.pilot.pause()
            await desk.press("down", "tab", "down", "tab")
            for y, x, text in re.findall(r"\x1b\[(\d+);(\d+)H((?:(?!\x1b\[\d+;\d+H)[\s\S])*)", "".join(drawn)):
                letters = re.sub(r"\x1b\[[0-9;]*m", "", text)
                screen[int(y) - 1][int(x) - 1 : int(x) - 1 + len(letters)] = letters
            assert drawn
            assert ["".join(line).rstrip() for line in screen] == desk.text().splitlines()

    run(work)


STYLES = [None, Style(bold=True), Style(color="red")]
SEGMENTS = st.lists(
    st.tuples(st.text("ab \u65e5\U0001f600", max_size=6), st.sampled_from(STYLES)).map(lambda made: Segment(*made)), max_size=6
)


@given(SEGMENTS, st.integers(0, 30), st.integers(0, 30))
def test_what_stands_between_two_cells_is_what_a_cropped_strip_has(segments: list[Segment], one: int, other: int) -> None:
    """Letters of two cells too, that are cut in half."""
    whole = Strip(segments)
    start, end = sorted((min(one, whole.cell_length), min(other, whole.cell_length)))
    cut = Strip(list(between(segments, start, end)))
    assert cut.cell_length == end - start
    assert list(cut.simplify()) == list(Strip([part for part in whole.crop(start, end) if part.text]).simplify())
