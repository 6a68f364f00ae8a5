"""The screen of all engines: what is old is marked, nothing is summed, and no key changes what is not this dashboard's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion

from qkt.runtime.control.answers import Answer, Done
from qkt.runtime.control.commands import Command
from qkt.runtime.control.errors import ControlError, NoAnswerError
from qkt.runtime.control.frames import Snapshot, table
from qkt.runtime.control.link import Fleet, Station
from tests.tui import samples
from tests.tui.desk import Desk, begun
from tests.tui.scripted import ManualClock, ScriptedLink, dashboard
from tui.fleet import RATE, TABLES, Watches


def live() -> ScriptedLink:
    account = samples.ACCOUNTS[0].model_copy(update={"mode": "LIVE", "account": "mt5:88010017", "positions": 3})
    rows = [row.model_copy(update={"account": account.account, "mode": "LIVE"}) for row in samples.STRATEGIES[:4]]
    rows[0] = rows[0].model_copy(update={"state": "FAULT", "reason": "the feed lied"})
    tables = samples.snapshot().tables.model_copy(update={"accounts": table([account]), "strategies": table(rows)})
    state = Snapshot(version=1, ts=samples.NOW, tables=tables)
    return ScriptedLink((samples.HELLO.model_copy(update={"mode": "LIVE", "state_dir": "/srv/qkt"}), state))


@asynccontextmanager
async def fleet(size: tuple[int, int] = (160, 48), theme: str = "dusk") -> AsyncIterator[tuple[Desk, ScriptedLink]]:
    """This engine, one elsewhere with real money, and one that does not answer."""
    home, away, dead = ScriptedLink(), live(), ScriptedLink()
    dead.up = False
    clock = ManualClock()
    stations = [
        Station("desk", "this machine", home),
        Station("prod", "eva@trade.example.net", away, "--on prod", True),
        Station("spare", "eva@spare.example.net", dead, "--on spare", True),
    ]
    app = dashboard(home, clock, watches=Watches(Fleet(stations), clock), theme=theme)
    async with app.run_test(size=size) as pilot:
        await begun(pilot)
        await pilot.press("o")
        await pilot.pause()
        desk = Desk(pilot, app, home, clock)
        await again(desk)
        yield desk, away


async def again(desk: Desk) -> None:
    """What the screen does every second."""
    desk.app.deck._second()  # type: ignore[attr-defined]
    await desk.pilot.pause()


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_how_it_looks(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async def visit() -> str:
        async with fleet(size) as (desk, _):
            return desk.app.export_screenshot(title="qkt", simplify=True)

    assert anyio.run(visit) == snapshot(extension_class=SVGImageExtension)


def test_a_lost_engine_stays_with_what_was_last_known_of_it() -> None:
    async def work() -> None:
        async with fleet() as (desk, away):
            assert away.wanted[0].tables == TABLES
            assert (away.wanted[0].rate, away.wanted[0].lines) == (RATE, False)
            line = next(line for line in desk.text().splitlines() if " prod " in line)
            assert "LIVE" in line
            assert "8801..17" in line
            assert "2 run 1 FAULT 1 HALT" in line
            away.drop()
            await desk.pilot.pause()
            desk.clock.advance(720)
            await again(desk)
            line = next(line for line in desk.text().splitlines() if " prod " in line)
            assert "LOST 12m" in line
            assert "10,412.80" in line
            assert "20,825.60" not in desk.text()  # no sum of two accounts

    anyio.run(work)


def test_no_key_changes_an_engine_from_the_line_of_another_and_enter_leads_there() -> None:
    async def work() -> None:
        async with fleet() as (desk, away):
            await desk.press("down", "down")
            assert desk.grid("engines").current.key == "prod/mt5:88010017"  # type: ignore[union-attr]
            for key in ("K", "H", "F", "X", "D"):
                await desk.press(key)
                assert "prod is another engine than this dashboard's" in desk.second_line()
            assert not desk.link.commands + away.commands
            await desk.press("enter")
        assert desk.app.return_value == "board:prod"

    anyio.run(work)


def test_another_engines_dashboard_says_whose_it_is() -> None:
    async def work() -> None:
        home, away, clock = ScriptedLink(), live(), ManualClock()
        watches = Watches(Fleet([Station("desk", "here", home), Station("prod", "eva@host", away, "--on prod", True)]), clock)
        watches.at = watches.station("prod")
        app = dashboard(away, clock, watches=watches)
        async with app.run_test(size=(100, 30)) as pilot:
            await begun(pilot)
            desk = Desk(pilot, app, away, clock)
            assert desk.text().startswith("prod  LIVE  8801..17")
            await desk.press("K")
            assert "On prod: eva@host" in desk.text()
            assert app.watches.elsewhere("qkt kill") == "qkt kill --on prod"

    anyio.run(work)


@pytest.mark.parametrize("heard", [True, False])
def test_a_command_whose_answer_was_lost_is_asked_after_and_not_given_again(
    heard: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.commander.AFTER_LOSS", 0.001)
    asked: list[str] = []

    async def answer(self: ScriptedLink, command_id: str, *, wait: float = 0.0) -> Answer:
        asked.append(command_id)
        if not heard:
            raise ControlError(f"no command with the id {command_id}")
        return Done(id=command_id, text="halted after all")

    def lost(command: Command) -> Answer:
        raise NoAnswerError("the engine did not answer")

    monkeypatch.setattr(ScriptedLink, "answer", answer, raising=False)

    async def work() -> None:
        link, clock = ScriptedLink(), ManualClock()
        link.answers.append(lost)
        app = dashboard(link, clock)
        async with app.run_test(size=(120, 40)) as pilot:
            await begun(pilot)
            desk = Desk(pilot, app, link, clock)
            await pilot.pause()
            await desk.agree("H", "y")
            while not asked:
                await pilot.pause()
            await pilot.pause()
            assert "halted after all" in desk.text() if heard else "it was lost with the line" in desk.text()
            assert [command.id for command in link.commands] == asked  # given once

    anyio.run(work)
