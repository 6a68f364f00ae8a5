"""What is asked before money moves, and what comes of the answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import anyio
from textual import events

from qkt.runtime.control import commands as ask
from qkt.runtime.control.answers import Changed, Failed
from qkt.runtime.control.frames import difference
from tests.tui import answers, samples
from tests.tui.desk import Desk, live, opened, run
from tui.screens.confirm import Confirm
from tui.screens.deploy import Deploy


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
            assert "1 position loses a stop that only this session holds" in desk.text()
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
            assert (command.path, command.name, command.params) == (answers.FILES[1].path, "ema_cross_2", {"fast": "5"})

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
