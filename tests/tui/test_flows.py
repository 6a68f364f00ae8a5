"""What an operator looks at, key by key."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from textual.widgets import Input

from qkt.runtime.control.frames import Lines, difference
from tests.runtime.control.fake import rested
from tests.tui import samples
from tests.tui.desk import opened, run
from tests.tui.scripted import ScriptedLink
from tui.actions import ACTIONS
from tui.memory import Memory, recalled
from tui.screens.help import Help
from tui.screens.modes import MODES


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
            assert desk.link.points == 2 * 120  # as many as the curve can show, though it had no size yet
            await desk.press("right_square_bracket")
            assert desk.app.subject.session == "metals_book"
            await desk.press("escape")
            assert desk.app.current_mode == "overview"

    run(work)


def test_a_session_that_rests_has_a_screen_with_hyphens_for_what_is_not_known() -> None:
    async def work() -> None:
        state = samples.snapshot(strategies=[rested("held")], accounts=[], positions=[], orders=[])
        async with opened(link=ScriptedLink((samples.HELLO, state))) as desk:
            await desk.press("2")
            figures = " ".join(desk.text().split())
            assert "EQUITY - DAY - OPEN - REALISED 0.00 DD - max -" in figures

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
