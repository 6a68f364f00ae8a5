"""Takes what an operator asks through its question to the engine, and follows it until it is settled."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio

from qkt.core.errors import QktError
from qkt.runtime import control
from qkt.runtime.control.errors import ControlError, NoAnswerError
from tui.asks import Ask, Chosen, Stamp
from tui.notice import Sent
from tui.screens.confirm import Confirm
from tui.viewmodel import View

if TYPE_CHECKING:
    from qkt.runtime.control.answers import Answer
    from qkt.runtime.control.commands import Command
    from tui.app import Dashboard

Question = Callable[[View], Ask | None]
"""Asks by the picture of the moment, so that what has changed is asked anew."""

# Seconds that an answer is waited for; the frames tell of it even later.
PATIENCE = 60.0
# How often what was agreed to is sent again without asking, where nothing has happened to what it is about.
TRIES = 5
# Seconds that the frames get to bring what an answer spoke of, and between two looks at them.
CATCHES_UP, SOON = 3.0, 0.02
# Seconds between two looks whether a link that was lost is back.
AFTER_LOSS = 0.5


def operator() -> str:
    """Who commands are from."""
    try:
        return f"{getpass.getuser()} (dashboard)"
    except (KeyError, OSError):
        return "dashboard"


class Commander:
    """The hand of the operator."""

    def __init__(self, app: Dashboard, author: str) -> None:
        self._app = app
        self._author = author
        self.sent: Sent | None = None

    def stamp(self, view: View) -> Stamp:
        return {"id": control.client.new_id(), "author": self._author, "seen": view.version}

    async def ask(self, question: Question) -> Answer | None:
        """Ask, and carry out what is agreed to; None when it is not. What has changed meanwhile is asked anew."""
        app = self._app
        before: Ask | None = None
        chosen: Chosen | None = None
        tries = 0
        while True:
            asked_of = app.view
            ask = question(asked_of)
            if ask is None:
                return None
            if not asked_of.linked:
                what, there = ask.title.partition(" --")[0], app.watches.elsewhere(ask.elsewhere)
                app.say(f"{what}: no link to the engine - elsewhere: {there}", "alarm")
                return None
            same = before is not None and (before.rests_on, before.word) == (ask.rests_on, ask.word)
            if not same or tries == TRIES:
                tries = 0
                chosen = await app.push_screen_wait(Confirm(ask, before=before))
            if chosen is None:
                return None
            answer = await self.perform(ask.command(chosen, self.stamp(asked_of)), ask.elsewhere)
            if not isinstance(answer, control.answers.Changed):
                return answer
            before, tries = ask, tries + 1
            await self._seen(answer.version)

    async def _seen(self, version: int) -> None:
        """Wait until the picture is as new as what the engine spoke of."""
        with anyio.move_on_after(CATCHES_UP):
            while (self._app.view.version or 0) < version:
                await anyio.sleep(SOON)

    async def _asked_after(self, command: Command) -> Answer:
        """What became of a command whose answer was lost, once there is a link again. It is not given a second time.

        Raises ControlError when the engine has not heard of it.
        """
        app = self._app
        while True:
            await anyio.sleep(AFTER_LOSS)
            if not app.view.linked:
                continue
            try:
                return await app.link.answer(command.id, wait=PATIENCE)
            except NoAnswerError:
                continue
            except ControlError as problem:
                raise ControlError(f"it was lost with the line ({problem})", remedy="look before you give it again") from None

    async def perform(self, command: Command, elsewhere: str) -> Answer | None:
        """Send it and wait for what comes of it; what is heard of it on the way shows in the second line."""
        app = self._app
        words = getattr(command, "name", None)
        elsewhere = app.watches.elsewhere(elsewhere)
        self.sent = Sent(command.id, f"{command.command} {words or ''}".strip(), elsewhere, app.clock())
        app.show_lines()
        answer: Answer | None = None
        problem = None
        try:
            try:
                answer = await app.link.perform(command, wait=PATIENCE)
            except NoAnswerError:
                answer = await self._asked_after(command)
        except QktError as error:
            problem = str(error)
        if self.sent is not None and self.sent.id == command.id:
            self.sent = Sent(command.id, self.sent.words, elsewhere, self.sent.at, app.clock(), problem)
            if answer is not None:
                app.heard(self._author, command, answer)
        app.show_lines()
        return answer
