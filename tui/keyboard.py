"""What a key means now: what can be done with what the cursor stands on, and why not where it cannot."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING, Any

from tui import actions as register
from tui.absence import Absence
from tui.actions import BY_ID, Action
from tui.lock import Lock

if TYPE_CHECKING:
    from tui.app import Dashboard


class Keyboard:
    """Before an engine of real money it is locked to begin with, and `read_only` has no changing keys at all."""

    def __init__(self, app: Dashboard, absence: Absence, *, read_only: bool) -> None:
        self._app = app
        self._absence = absence
        self.read_only = read_only
        self.lock = Lock(app.clock)

    @property
    def locked(self) -> bool:
        return not self.lock.open and register.is_live(self._app.view)

    def available(self) -> list[Action]:
        """What can be done here, in the order of the register."""
        app, deck = self._app, self._app.deck
        where = (deck.NAME, deck.focus_of(), app.view)
        return list(register.available(*where, locked=self.locked, read_only=self.read_only))

    async def do(self, name: str) -> None:
        """An action of the register, if it can be done now; else why not is said."""
        app, deck = self._app, self._app.deck
        self.lock.touched()
        self._absence.touched(app.view.ts)
        where = (deck.NAME, deck.focus_of(), app.view)
        reason = register.why_not(BY_ID[name], *where, locked=self.locked, read_only=self.read_only)
        if reason is not None:
            app.say(reason, "warn")
            return
        if name.startswith("show("):
            await app.run_action(name)
            return
        from tui import deeds  # with all that they ask; nothing of it is needed before a key is pressed

        handler = getattr(deck, f"do_{name}", None)
        done = handler() if handler is not None else deeds.DEEDS[name](app)
        if inspect.isawaitable(done):
            app.background(partial(_finish, done), "deeds")


async def _finish(work: Awaitable[Any]) -> None:
    await work
