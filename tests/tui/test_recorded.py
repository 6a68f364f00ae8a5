"""What was recorded can be looked at: why an order was filled, and a walk through a run."""

from __future__ import annotations

import anyio
import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion

from qkt.runtime.control.errors import ControlError
from tests.tui.desk import begun
from tests.tui.scripted import ScriptedLink, dashboard
from tests.tui.test_looks import SIZES, settled
from tui.screens.order_life import OrderLifeDialog
from tui.screens.story import StoryDialog
from tui.screens.travel import Travel


@pytest.mark.parametrize("theme", ["dusk", "paper"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_stories_and_scenes(size: tuple[int, int], theme: str, snapshot: SnapshotAssertion) -> None:
    async def visit() -> dict[str, str]:
        app = dashboard(ScriptedLink(), theme=theme)
        seen: dict[str, str] = {}
        async with app.run_test(size=size) as pilot:
            await begun(pilot)
            app.push_screen(OrderLifeDialog("hedge_straddle", "9975"))
            await settled(pilot)
            await settled(pilot, ["e"])
            await settled(pilot)
            assert isinstance(app.screen, StoryDialog)
            seen["story"] = app.export_screenshot(title="qkt", simplify=True)
            await settled(pilot, ["escape", "escape", "1", "r"])
            await settled(pilot)
            seen["replay"] = app.export_screenshot(title="qkt", simplify=True)
        return seen

    for name, picture in anyio.run(visit).items():
        assert picture == snapshot(name=name, extension_class=SVGImageExtension), name


def test_each_stride_asks_from_where_one_stands() -> None:
    async def walk() -> None:
        link = ScriptedLink()
        app = dashboard(link)
        async with app.run_test(size=(100, 30)) as pilot:
            await begun(pilot)
            await settled(pilot, ["1", "r"])
            await settled(pilot)
            assert isinstance(app.screen, Travel)
            for key, stride, by, place in (
                ("right", "tick", 1, 1),
                ("f", "fill", 1, 2),
                ("F", "fill", -1, 4122),
                ("b", "bar", 1, 2),
                ("r", "rule", 1, 814),
                ("shift+right", "tick", 100, 9848),
            ):
                await settled(pilot, [key])
                await settled(pilot)
                way = link.ways[-1]
                assert (way.stride, way.by, way.place) == (stride, by, place), key
            await settled(pilot, ["G"])
            await settled(pilot)
            assert link.ways[-1].place == 48_211
            await settled(pilot, ["escape"])
            assert not isinstance(app.screen, Travel)
        assert link.commands == []

    anyio.run(walk)


def test_a_refusal_is_shown_and_the_scene_before_it_stays() -> None:
    async def walk() -> None:
        link = ScriptedLink()
        app = dashboard(link)
        async with app.run_test(size=(100, 30)) as pilot:
            await begun(pilot)
            await settled(pilot, ["1", "r"])
            await settled(pilot)
            link.refusal = ControlError("the process that does the run again has ended", remedy="ask again")
            await settled(pilot, ["f"])
            await settled(pilot)
            screen = app.screen
            assert isinstance(screen, Travel)
            shown = "\n".join("".join(cell.text for cell in line) for line in screen.lines(90))
            assert "has ended; ask again" in shown
            assert "input 1 of 48,211" in shown

    anyio.run(walk)
