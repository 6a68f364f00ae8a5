"""How every screen looks: a picture of each, at two sizes, dark and light, of a fixed day. One app visits them all."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from tests.tui.desk import begun
from tests.tui.scripted import ScriptedLink, dashboard
from tui.screens.confirm import Confirm
from tui.screens.modes import MODES

SIZES = ((80, 24), (160, 48))
SCREENS = [("overview", "1"), ("strategy", "2"), ("orders", "3"), ("chart", "4"), ("market", "5")]
SCREENS += [("portfolio", "6"), ("risk", "7"), ("logs", "8"), ("backtest", "9"), ("system", "0")]


async def settled(pilot: Pilot[str], keys: Sequence[str] = ()) -> None:
    await pilot.press(*keys)
    if asked := [worker for worker in pilot.app.workers if worker.group.startswith("look.")]:
        await pilot.app.workers.wait_for_complete(asked)
    await pilot.pause()


@pytest.mark.parametrize("theme", ["dusk", "paper"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_screen(size: tuple[int, int], theme: str, snapshot: SnapshotAssertion) -> None:
    async def visit() -> dict[str, str]:
        app = dashboard(ScriptedLink(), theme=theme)
        seen: dict[str, str] = {}
        async with app.run_test(size=size) as pilot:
            await begun(pilot)
            for name, key in SCREENS:
                if name in MODES:
                    await settled(pilot, [key, *(["end"] if name == "backtest" else [])])
                    seen[name] = app.export_screenshot(title="qkt", simplify=True)
            await settled(pilot, ["1", "D"])
            await settled(pilot)
            seen["deploy"] = app.export_screenshot(title="qkt", simplify=True)
            await settled(pilot, ["escape", "tab", "M"])
            seen["modify"] = app.export_screenshot(title="qkt", simplify=True)
            await settled(pilot, ["escape", "2", "enter"])
            seen["terms"] = app.export_screenshot(title="qkt", simplify=True)
            await settled(pilot, ["escape", "1", "question_mark"])
            seen["help"] = app.export_screenshot(title="qkt", simplify=True)
            await settled(pilot, ["escape", "colon", "h", "a"])
            seen["palette"] = app.export_screenshot(title="qkt", simplify=True)
            await settled(pilot, ["escape", "K"])
            seen["kill"] = app.export_screenshot(title="qkt", simplify=True)
        return seen

    for name, picture in anyio.run(visit).items():
        assert picture == snapshot(name=name, extension_class=SVGImageExtension), name


@pytest.mark.parametrize("theme", ["ansi", "plain"])
def test_the_overview_with_sixteen_colours_and_with_none(
    theme: str, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`NO_COLOR` chooses the theme without any, whatever else is asked for."""
    if theme == "plain":
        monkeypatch.setenv("NO_COLOR", "1")

    async def visit(size: tuple[int, int]) -> str:
        app = dashboard(ScriptedLink(), theme="ansi")
        async with app.run_test(size=size) as pilot:
            await begun(pilot)
            await settled(pilot)
            assert app.palette.name == theme
            picture = app.export_screenshot(title="qkt", simplify=True)
            await settled(pilot, ["K"])
            assert isinstance(app.screen, Confirm)
        return picture

    for size in SIZES:
        name = f"overview-{size[0]}x{size[1]}"
        assert anyio.run(visit, size) == snapshot(name=name, extension_class=SVGImageExtension), name
