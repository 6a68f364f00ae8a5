"""An engine that is gone, comes back, ends, is slow or silent; and whoever leaves and returns."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from qkt.runtime.control.answers import Done
from qkt.runtime.control.frames import Bye, Hello, difference
from tests.tui import samples
from tests.tui.desk import opened, run
from tests.tui.scripted import ScriptedLink
from tui.memory import Memory
from tui.screens.confirm import Confirm
from tui.screens.digest import DigestDialog


def test_an_engine_that_is_gone_and_comes_back() -> None:
    async def work() -> None:
        async with opened() as desk:
            desk.grid("strategies").go(3)
            kept = desk.grid("strategies").cursor
            desk.link.drop()
            await desk.pilot.pause()
            desk.clock.advance(12)
            desk.app._second()
            await desk.pilot.pause()
            assert "LINK LOST 00:12 - last frame 12:04:31Z - the engine may still be trading" in desk.second_line()
            assert "~12:04:31Z" in desk.text().splitlines()[0]
            await desk.press("X")
            assert len(desk.app.screen_stack) == 1
            await desk.press("K")
            with anyio.fail_after(30):
                while "elsewhere: qkt kill" not in desk.second_line():
                    await desk.pilot.pause(0.02)
            assert desk.link.commands == []
            desk.link.up = True
            with anyio.fail_after(30):
                while not desk.app.view.linked:
                    await desk.pilot.pause(0.05)
            assert "LINK LOST" not in desk.second_line()
            assert desk.grid("strategies").cursor == kept
            assert desk.link.wanted[-1].after == samples.LINES[-1].number

    run(work)


def test_an_engine_that_ends_says_so() -> None:
    async def work() -> None:
        async with opened() as desk:
            desk.link.push(Bye(reason="the operator ended it"))
            await desk.pilot.pause()
            assert "ENGINE STOPPED: the operator ended it" in desk.second_line()

    run(work)


def test_leaving_an_attached_engine_asks_nothing_and_a_hosted_one_what_becomes_of_it() -> None:
    async def work() -> None:
        async with opened() as desk:
            await desk.press("q")
            assert desk.app.return_value == "left"
        async with opened(link=ScriptedLink(hosted=True)) as desk:
            await desk.press("q", "escape")
            assert desk.app.is_running
            await desk.press("q", "k")
            assert desk.app.return_value == "keep"
        async with opened(link=ScriptedLink(hosted=True)) as desk:
            await desk.press("q", "s")
            await desk.later()
            await desk.press(*"STOP", "enter")
            await desk.pilot.pause()
            assert desk.link.commands[-1].command == "shutdown"
            assert desk.app.return_value == "stop"

    run(work)


def test_the_end_of_a_tour_is_no_second_question() -> None:
    async def work() -> None:
        tour = [frame.model_copy(update={"demo": True}) if isinstance(frame, Hello) else frame for frame in samples.FRAMES]
        async with opened(link=ScriptedLink(tour, hosted=True)) as desk:
            await desk.press("q")
            assert "end the tour; nothing of it is kept" in desk.text()
            await desk.press("s")
            assert desk.app.return_value == "stop"
            assert desk.link.commands == []

    run(work)


def test_an_engine_that_is_still_starting_is_ended_without_being_asked() -> None:
    async def work() -> None:
        async with opened(link=ScriptedLink((), hosted=True)) as desk:
            await desk.press("q")
            assert "it is still starting" in desk.text()
            await desk.press("s")
            assert desk.app.return_value == "stop"
            assert desk.link.commands == []

    run(work)


def test_whoever_comes_back_is_told_what_happened() -> None:
    async def work() -> None:
        async with opened(memory=Memory(last_key=samples.NOW - 8 * 3_600_000)) as desk:
            await desk.pilot.pause()
            assert isinstance(desk.app.screen, DigestDialog)
            assert "halted: max_daily_loss" in desk.text()
            assert "-67.90" in desk.text()
            await desk.press("x")
            assert len(desk.app.screen_stack) == 1

    run(work)


def test_a_slow_line_is_noticed_and_asks_for_less() -> None:
    async def work() -> None:
        async with opened() as desk:
            desk.app.frames_dropped(64)
            desk.clock.advance(4)
            desk.app.frames_dropped(130)
            await desk.pilot.pause()
            assert desk.link.wanted[-1].rate == 1
            assert "LOW BANDWIDTH" in desk.second_line()
            await desk.press("b")
            assert desk.link.wanted[-1].rate == 4

    run(work)


def test_an_answer_that_never_comes_leaves_the_operator_with_the_command_to_type_elsewhere() -> None:
    async def work() -> None:
        async with opened() as desk:
            never = anyio.Event()

            async def silent(command: Any, *, wait: float = 30.0) -> Done:
                await never.wait()
                return Done(id=command.id)

            desk.link.perform = silent  # type: ignore[method-assign]
            await desk.agree("K", *"KILL", "enter")
            desk.clock.advance(4)
            desk.app._second()
            await desk.pilot.pause()
            assert "UNKNOWN, no answer - elsewhere: qkt kill" in desk.second_line()
            never.set()

    run(work)


def test_the_newest_fill_stays_in_sight_and_who_looks_at_an_older_one_keeps_it() -> None:
    async def work() -> None:
        async with opened() as desk:
            fills = desk.grid("fills")
            newest = samples.FILLS[0].model_copy(update={"number": 900, "ts": samples.NOW})
            desk.link.push(difference(samples.snapshot(), samples.snapshot(101, fills=(*samples.FILLS, newest))))
            await desk.pilot.pause()
            assert fills.cursor == fills.rows[0].key == newest.key
            fills.go(2)
            kept, later = fills.cursor, newest.model_copy(update={"number": 901, "ts": samples.NOW + 1})
            before = samples.snapshot(101, fills=(*samples.FILLS, newest))
            desk.link.push(difference(before, samples.snapshot(102, fills=(*samples.FILLS, newest, later))))
            await desk.pilot.pause()
            assert fills.rows[0].key == later.key
            assert fills.cursor == kept

    run(work)


def test_keys_of_the_user_hold_and_those_that_clash_are_told() -> None:
    async def work() -> None:
        async with opened(keys=lambda: {"halt": "Z"}) as desk:
            await desk.press("Z")
            assert isinstance(desk.app.screen, Confirm)
        async with opened(keys=lambda: {"halt": "K"}) as desk:
            assert "[keys] gives 'K' to both" in desk.second_line()
            await desk.press("H")
            assert isinstance(desk.app.screen, Confirm)

    run(work)


def test_what_goes_wrong_with_a_pane_stays_in_it(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        async with opened() as desk:
            positions = desk.grid("positions")

            def broken(width: int, height: int) -> list[Any]:
                raise ValueError("no such [leg]")

            body, positions.body = positions.body, broken  # type: ignore[method-assign]
            fewer = samples.snapshot(101, positions=samples.POSITIONS[1:])
            desk.link.push(difference(samples.snapshot(), fewer), difference(fewer, samples.snapshot(102)))
            await desk.pilot.pause()
            assert "This pane cannot show what came: ValueError: no such [leg]" in desk.text()
            assert "STRATEGIES 7" in desk.text()
            positions.body = body  # type: ignore[method-assign]
            desk.link.push(difference(samples.snapshot(102), samples.snapshot(103)))
            await desk.pilot.pause()
            assert "POSITIONS 3" in desk.text()
        assert caplog.text.count("the pane positions cannot show what came") == 1

    run(work)
