"""What an operator does, key by key, before an engine that answers as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from qkt.runtime.control import commands as ask
from qkt.runtime.control.answers import Changed, Done, Failed
from qkt.runtime.control.frames import Bye, Lines, difference
from tests.tui import samples
from tests.tui.scripted import ManualClock, ScriptedLink, dashboard
from tui.actions import ACTIONS
from tui.app import Dashboard
from tui.memory import Memory, recalled
from tui.screens.confirm import Confirm
from tui.screens.deploy import Deploy
from tui.screens.digest import DigestDialog
from tui.screens.help import Help
from tui.screens.modes import MODES
from tui.widgets.grid import Grid


@dataclass
class Desk:
    """A dashboard that is driven, with its engine and its clock."""

    pilot: Pilot[str]
    app: Dashboard
    link: ScriptedLink
    clock: ManualClock

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def later(self, seconds: float = 0.5) -> None:
        """A dialog hears keys only after a moment."""
        self.clock.advance(seconds)
        await self.pilot.pause()

    async def agree(self, key: str, *keys: str) -> None:
        """Ask for something and agree to it."""
        await self.press(key)
        await self.later()
        await self.press(*keys)

    def text(self) -> str:
        """All that stands on the screen."""
        return "\n".join(
            "".join(segment.text for segment in line).rstrip()
            for line in self.app.screen._compositor.render_strips(self.app.size)
        )

    def grid(self, name: str) -> Grid:
        return self.app.deck.query_one(f"#{name}", Grid)

    def second_line(self) -> str:
        return self.text().splitlines()[1]


@asynccontextmanager
async def opened(size: tuple[int, int] = (120, 40), link: ScriptedLink | None = None, **options: Any) -> AsyncIterator[Desk]:
    link, clock = link or ScriptedLink(), ManualClock()
    app = dashboard(link, clock, **options)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield Desk(pilot, app, link, clock)


def run(work: Callable[[], Awaitable[None]]) -> None:
    anyio.run(work)


def live() -> ScriptedLink:
    accounts = [row.model_copy(update={"mode": "LIVE"}) for row in samples.ACCOUNTS]
    strategies = [row.model_copy(update={"mode": "LIVE"}) for row in samples.STRATEGIES]
    hello = samples.HELLO.model_copy(update={"mode": "LIVE"})
    return ScriptedLink((hello, samples.snapshot(accounts=accounts, strategies=strategies), Lines(lines=samples.LINES)))


# ------------------------------------------------------------------- looking


def test_every_key_does_its_action_and_none_changes_anything_by_itself() -> None:
    async def work() -> None:
        async with opened() as desk:
            for action in ACTIONS:
                if action.id == "leave":
                    continue
                await desk.pilot.press(action.key)
                for _ in range(4):
                    if len(desk.app.screen_stack) == 1 and not isinstance(desk.app.focused, Input):
                        break
                    desk.clock.advance(1)
                    await desk.press("escape")
                await desk.app.bring("overview")
            assert {command.command for command in desk.link.commands} <= {"acknowledge"}  # the key is enough for it

    run(work)


def test_every_looking_action_can_be_done_on_every_screen() -> None:
    async def work() -> None:
        elsewhere = ("leave", "palette", "help", "goto", "open", "back", "filter")
        async with opened() as desk:
            for screen in MODES:
                await desk.app.bring(screen)
                for action in ACTIONS:
                    if action.group == "look" and action.id not in elsewhere and not action.id.startswith("show("):
                        await desk.app.action_do(action.id)
                desk.app.deck.jump("")
                await desk.pilot.pause()
                assert desk.app.current_mode == screen
                opened_over = len(desk.app.screen_stack) - 1
                await desk.press(*["escape"] * opened_over)
                assert len(desk.app.screen_stack) == 1
            assert desk.link.commands == []

    run(work)


def test_a_filter_narrows_while_it_is_typed_and_esc_gives_it_up() -> None:
    async def work() -> None:
        async with opened(memory=Memory()) as desk:
            await desk.press("slash", *"halt")
            assert [row.key for row in desk.grid("strategies").rows] == ["us30_fade"]
            await desk.press("enter")
            assert "1 of 7" in desk.text()
            assert desk.app.memory.filters["overview.strategies"] == "halt"
            await desk.press("escape")
            assert len(desk.grid("strategies").rows) == 7
            await desk.press("slash", *"zzz", "escape")
            assert len(desk.grid("strategies").rows) == 7

    run(work)


def test_rows_keep_their_places_when_their_values_change() -> None:
    async def work() -> None:
        async with opened() as desk:
            before = [row.key for row in desk.grid("strategies").rows]
            turned = [row.model_copy(update={"day_pnl": -row.day_pnl}) for row in samples.STRATEGIES]
            desk.link.push(difference(samples.snapshot(), samples.snapshot(101, strategies=turned)))
            await desk.pilot.pause()
            assert "-142.10" in desk.text()
            assert [row.key for row in desk.grid("strategies").rows] == before
            await desk.press("s", "s")
            assert [row.key for row in desk.grid("strategies").rows] != before

    run(work)


def test_enter_opens_the_strategy_and_brackets_go_to_the_next() -> None:
    async def work() -> None:
        async with opened() as desk:
            await desk.press("enter")
            assert desk.app.current_mode == "strategy"
            assert desk.app.subject.session == "hedge_straddle"
            assert desk.link.wanted[-1].rules == "hedge_straddle"
            await desk.press("right_square_bracket")
            assert desk.app.subject.session == "metals_book"
            await desk.press("escape")
            assert desk.app.current_mode == "overview"

    run(work)


def test_a_frozen_view_stands_still_and_goes_on_with_what_came_meanwhile() -> None:
    async def work() -> None:
        async with opened() as desk:
            await desk.press("v")
            moved = [row.model_copy(update={"pnl": Decimal("99.99")}) for row in samples.POSITIONS]
            desk.link.push(difference(samples.snapshot(), samples.snapshot(101, positions=moved)))
            await desk.pilot.pause()
            assert "+99.99" not in desk.text()
            assert "VIEW FROZEN" in desk.second_line()
            await desk.press("v")
            assert "+99.99" in desk.text()

    run(work)


def test_the_header_shows_the_account_of_the_row_and_all_of_them_without_a_sum() -> None:
    async def work() -> None:
        async with opened() as desk:
            assert "5512..89" in desk.text().splitlines()[0]
            await desk.press("down")
            assert "5512..90" in desk.text().splitlines()[0]
            await desk.press("backslash", "backslash", "backslash")
            first, second = desk.text().splitlines()[:2]
            assert "10,412.80" in first
            assert "50,096.40" in second
            assert "60,509.20" not in desk.text()

    run(work)


@pytest.mark.parametrize("size", [(250, 70), (80, 24), (40, 10), (39, 9), (1, 1)])
def test_every_size_shows_what_it_has_room_for(size: tuple[int, int]) -> None:
    async def work() -> None:
        async with opened() as desk:
            await desk.pilot.resize_terminal(*size)
            await desk.pilot.pause()
            lines = desk.text().splitlines()
            assert lines[0].startswith("qkt PAPER"[: size[0]])
            assert all(len(line) <= size[0] for line in lines)
            assert ("STRATEGIES" in desk.text()) == (size[0] >= 40 and size[1] >= 10)

    run(work)


def test_text_from_outside_is_shown_as_it_is_and_commands_nothing() -> None:
    async def work() -> None:
        nasty = "[bold red]\x1b[2J\x07 [/] \u202e done 日本"
        strategies = [row.model_copy(update={"reason": nasty, "file": nasty}) for row in samples.STRATEGIES]
        lines = Lines(lines=tuple(line.model_copy(update={"text": nasty}) for line in samples.LINES))
        link = ScriptedLink((samples.HELLO, samples.snapshot(strategies=strategies), lines))
        async with opened(link=link) as desk:
            for number in "1234567890":
                await desk.press(number)
                assert "\x1b" not in desk.text()
                assert "\x07" not in desk.text()
            await desk.press("8")
            assert "[bold red]" in desk.text()

    run(work)


def test_help_and_palette_open_over_any_screen() -> None:
    async def work() -> None:
        async with opened() as desk:
            await desk.press("7", "question_mark")
            assert isinstance(desk.app.screen, Help)
            await desk.press("escape", "colon", *"strategy momo", "enter")
            assert desk.app.current_mode == "strategy"
            assert desk.app.subject.session == "momo_gold"
            await desk.press("colon", *"theme paper", "enter")
            assert desk.app.palette.name == "paper"

    run(work)


def test_screen_sorts_filters_and_theme_are_there_again_after_a_restart(tmp_path: Path) -> None:
    async def work() -> None:
        file = tmp_path / "dashboard.json"
        async with opened(memory=recalled(file)) as desk:
            await desk.press("s", "slash", *"gold", "enter", "colon", *"theme paper", "enter", "7")
        async with opened(memory=recalled(file)) as desk:
            assert desk.app.current_mode == "risk"
            await desk.press("1")
            assert desk.app.palette.name == "paper"
            assert desk.grid("strategies").filter_text == "gold"
            assert desk.grid("strategies").sorting == ("DAY P&L", False)
        file.write_text("{broken", encoding="utf-8")
        assert recalled(file) == Memory(file)

    run(work)


# ----------------------------------------------------------- actions that move money


def test_halting_takes_y_and_enter_alone_never_agrees() -> None:
    async def work() -> None:
        async with opened() as desk:
            for refusal in ("enter", "n", "escape", "H"):
                await desk.agree("H", refusal, *(["escape"] if refusal == "H" else []))
                assert desk.link.commands == []
            await desk.agree("H", "y")
            (command,) = desk.link.commands
            assert isinstance(command, ask.Halt)
            assert (command.name, command.author, command.seen) == ("hedge_straddle", "eva", 100)
            assert "done" in desk.second_line()

    run(work)


def test_a_dialog_is_deaf_to_what_was_typed_ahead_and_to_pastes() -> None:
    async def work() -> None:
        async with opened() as desk:
            await desk.press("H", "y", "y")
            assert isinstance(desk.app.screen, Confirm)
            await desk.later()
            await desk.press("escape", "K")
            await desk.later()
            desk.app.screen.post_message(events.Paste("KILL"))
            await desk.press("enter")
            assert isinstance(desk.app.screen, Confirm)
            assert desk.link.commands == []

    run(work)


def test_keys_on_their_way_when_a_question_is_answered_are_for_nobody() -> None:
    async def work() -> None:
        async with opened() as desk:
            for keys in ("escape escape", "backspace y", "y y n", "n y"):
                desk.link.commands.clear()
                await desk.press("H")
                await desk.later()
                for key in keys.split():
                    desk.app.screen.post_message(events.Key(key, key if len(key) == 1 else None))
                await desk.pilot.pause()
                assert len(desk.link.commands) == keys.startswith("y")
                assert len(desk.app.screen_stack) == 1

    run(work)


def test_kill_takes_the_word_and_names_its_accounts() -> None:
    async def work() -> None:
        async with opened() as desk:
            await desk.press("K")
            assert "5512..89" in desk.text()
            assert "5512..90" in desk.text()
            assert "all 5 sessions" in desk.text()
            await desk.later()
            await desk.press(*"KIL", "enter")
            assert desk.link.commands == []
            await desk.press("L", "enter")
            await desk.agree("K", "space", *"KILL", "enter")
            first, second = desk.link.commands
            assert isinstance(first, ask.Kill)
            assert isinstance(second, ask.Kill)
            assert (first.flatten, second.flatten) == (False, True)

    run(work)


def test_stopping_asks_for_the_name_where_positions_are_and_can_flatten_first() -> None:
    async def work() -> None:
        async with opened() as desk:
            await desk.agree("X", *"hedge_straddle", "enter")
            await desk.agree("X", "space", *"hedge_straddle", "enter")
            keeps, flattens = desk.link.commands
            assert isinstance(keeps, ask.Stop)
            assert isinstance(flattens, ask.Stop)
            assert (keeps.flatten, flattens.flatten) == (False, True)
            await desk.press("down", "down", "down", "down")
            assert desk.grid("strategies").cursor == "ema_cross"
            await desk.agree("X", "y")
            assert desk.link.commands[-1].command == "stop"

    run(work)


def test_stopping_what_only_the_session_protects_says_so() -> None:
    async def work() -> None:
        async with opened() as desk:
            desk.grid("strategies").go(5)
            assert desk.grid("strategies").cursor == "momo_gold"
            await desk.press("X")
            assert "lose a stop that only this session holds" in desk.text()
            await desk.later()
            await desk.press(*"momo_gold", "enter")
            (command,) = desk.link.commands
            assert isinstance(command, ask.Stop)
            assert command.leave_unprotected

    run(work)


def test_resuming_after_a_halt_of_risk_takes_the_name() -> None:
    async def work() -> None:
        async with opened() as desk:
            await desk.press("R")
            assert "nothing is halted" in desk.second_line()
            desk.grid("strategies").go(6)
            await desk.agree("R", "y", "enter")
            assert desk.link.commands == []
            await desk.press("escape")
            await desk.agree("R", *"us30_fade", "enter")
            assert desk.link.commands[-1].command == "resume"

    run(work)


def test_flattening_one_position_and_cancelling_one_order() -> None:
    async def work() -> None:
        async with opened() as desk:
            await desk.press("3")
            await desk.agree("F", *"hedge_straddle", "enter")
            (flatten,) = desk.link.commands
            assert isinstance(flatten, ask.Flatten)
            assert flatten.leg is not None
            await desk.press("tab")
            await desk.agree("C", "y")
            cancel = desk.link.commands[-1]
            assert isinstance(cancel, ask.Cancel)
            assert cancel.order in {order.order for order in samples.ORDERS}

    run(work)


def test_a_stop_is_moved_to_break_even_and_a_part_is_closed() -> None:
    async def work() -> None:
        async with opened() as desk:
            await desk.press("3", "M")
            await desk.press(*["backspace"] * 8, *"be", "tab", "tab", *"0.05", "enter")
            await desk.later()
            await desk.press("y")
            (command,) = desk.link.commands
            assert isinstance(command, ask.Modify)
            assert command.break_even
            assert command.close == Decimal("0.05")
            assert command.target is None
            await desk.press("M", *"x", "enter")
            assert "is no number" in desk.text()

    run(work)


def test_what_changed_meanwhile_is_asked_anew_with_old_and_new() -> None:
    async def work() -> None:
        async with opened() as desk:
            fewer = samples.POSITIONS[1:]

            def overtaken(command: Any) -> Changed:
                desk.link.push(difference(samples.snapshot(), samples.snapshot(101, positions=fewer)))
                return Changed(id=command.id, seen=100, version=101, sessions=("hedge_straddle",))

            desk.link.answers = [overtaken]
            await desk.agree("X", *"hedge_straddle", "enter")
            await desk.pilot.pause()
            assert "Changed since you looked" in desk.text()
            await desk.later()
            await desk.press(*"hedge_straddle", "enter")
            assert [command.command for command in desk.link.commands] == ["stop", "stop"]

    run(work)


def test_what_changed_without_touching_what_is_asked_about_is_not_asked_again() -> None:
    async def work() -> None:
        async with opened() as desk:

            def overtaken(command: Any) -> Changed:
                desk.link.push(difference(samples.snapshot(), samples.snapshot(101)))
                return Changed(id=command.id, seen=100, version=101, sessions=("hedge_straddle",))

            desk.link.answers = [overtaken]
            await desk.agree("X", *"hedge_straddle", "enter")
            with anyio.fail_after(5):
                while len(desk.link.commands) < 2:
                    await desk.pilot.pause(0.02)
            assert [command.seen for command in desk.link.commands] == [100, 101]
            assert len(desk.app.screen_stack) == 1

    run(work)


def test_a_refusal_is_shown_with_its_remedy() -> None:
    async def work() -> None:
        async with opened() as desk:
            desk.link.answers = [lambda command: Failed(id=command.id, found="the feed is gone", remedy="wait for it")]
            await desk.agree("H", "y")
            assert "failed: the feed is gone (wait for it)" in desk.second_line()

    run(work)


def test_deploying_checks_while_one_types_and_refuses_what_has_errors() -> None:
    async def work() -> None:
        async with opened() as desk:
            await desk.press("D")
            await desk.press(*"typo")
            assert "7:14" in desk.text()
            assert "no stream named 'goldd'" in desk.text()
            await desk.press("enter")
            assert isinstance(desk.app.screen, Deploy)
            await desk.press(*["backspace"] * 4, *"ema")
            assert "checked, no problems" in desk.text()
            assert "ema_cross_2" in desk.text()
            await desk.press("tab", "tab", *"fast=5", "enter")
            await desk.later()
            await desk.press("y")
            (command,) = desk.link.commands
            assert isinstance(command, ask.Deploy)
            assert (command.path, command.name, command.params) == (samples.FILES[1].path, "ema_cross_2", {"fast": "5"})

    run(work)


def test_a_back_test_is_asked_for_and_shown() -> None:
    async def work() -> None:
        async with opened() as desk:
            await desk.press("N", *["backspace"] * 40, *"break", "tab", "tab", *"2024-01-01", "enter")
            (command,) = desk.link.commands
            assert isinstance(command, ask.Backtest)
            assert (command.start, command.end, command.data) == ("2024-01-01", None, ())
            assert desk.app.current_mode == "backtest"
            await desk.press("end")
            await desk.pilot.pause()
            assert "TRADES 19" in desk.text()
            assert "+1,842.10" in desk.text()

    run(work)


def test_live_starts_locked_and_locks_itself_again() -> None:
    async def work() -> None:
        async with opened(link=live()) as desk:
            assert "LOCKED" in desk.second_line()
            await desk.press("X")
            assert "locked: L unlocks" in desk.second_line()
            await desk.agree("H", "escape")
            await desk.press("L", "X")
            assert isinstance(desk.app.screen, Confirm)
            await desk.later()
            await desk.press("escape")
            desk.clock.advance(601)
            desk.app._second()
            assert desk.app.keyboard.locked
            assert asks_for_digits(desk)

    def asks_for_digits(desk: Desk) -> bool:
        from tui import asks

        return asks.flatten_all(desk.app.view).word == "FLATTEN 89"

    run(work)


def test_a_read_only_dashboard_has_no_changing_keys_at_all() -> None:
    async def work() -> None:
        async with opened(read_only=True) as desk:
            for key in "HKDXRFCMESNA":
                await desk.press(key)
                assert len(desk.app.screen_stack) == 1
            assert desk.link.commands == []
            assert "KILL" not in desk.text().splitlines()[-1]

    run(work)


# ------------------------------------------------------------------ losing the link


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
            await desk.pilot.pause()
            assert desk.link.commands == []
            desk.link.up = True
            with anyio.fail_after(5):
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
        async with opened(keys={"halt": "Z"}) as desk:
            await desk.press("Z")
            assert isinstance(desk.app.screen, Confirm)
        async with opened(keys={"halt": "K"}) as desk:
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
