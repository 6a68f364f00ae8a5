"""Drawing only what changed leads to the same screen as drawing all of it."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from qkt.runtime.control.frames import difference
from tests.tui import samples
from tests.tui.desk import opened, run
from tui.terminal.spans import SpansCompositor


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
