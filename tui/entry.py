"""How a program starts the dashboard: the entry point `qkt.dashboard`."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from qkt.runtime.control.link import EngineLink, Fleet
    from tui.app import Dashboard

Left = Literal["left", "keep", "stop"]
"""How it ended: left an engine of another process; left a hosted engine to go on headless, or ended it."""
SETTLES = 0.5
"""Seconds that a terminal gets to take the last that is written to it."""

log = logging.getLogger("tui")


async def run(
    link: EngineLink,
    *,
    memory: Path | None = None,
    read_only: bool = False,
    ascii_only: bool | None = None,
    theme: str | None = None,
    keys: Callable[[], Mapping[str, str]] = dict,
    painted: Callable[[], None] | None = None,
    fleet: Fleet | None = None,
    mouse: bool = True,
    driver_class: Any = None,
    closing: asyncio.Event | None = None,
) -> Left:
    """Show the engine behind a link until the operator leaves, the terminal goes, or `closing` is set.

    `memory` is the file that keeps sorts, filters and theme between runs. Once the first screen is painted `painted` is called,
    and a thread has `keys` give the user's `[keys]`, action to key. `fleet` are the engines that can be shown, this one first.
    Each has a dashboard of its own: nothing of one engine stays on the screen of another. Whoever
    leaves another engine while this one is hosted here comes back to it.
    `driver_class` is Textual's terminal driver, the one that never waits where it is not given. Raises what went wrong in the
    dashboard itself; keys that clash or cannot be had are told on its screen.
    """
    gc.disable()  # until all is loaded
    try:
        from qkt.runtime.control.link import Fleet, Station
        from tui.app import Dashboard
        from tui.fleet import BOARD, Watches
        from tui.memory import Memory, recalled

        class Kept(Dashboard):
            """The dashboard of a process that goes on without it: what goes wrong is raised, not printed with all values."""

            def _fatal_error(self) -> None:
                self._close_messages_no_wait()

            def terminal_gone(self) -> None:
                self.exit(gone)

        gone: Left = "keep" if link.hosted else "left"
        watches = Watches(fleet or Fleet([Station("here", "this machine", link)]), time.monotonic)
        while True:
            app = Kept(
                watches.at.link,
                memory=Memory() if memory is None else recalled(memory),
                read_only=read_only,
                ascii_only=ascii_only,
                theme=theme,
                keys=keys,
                painted=painted,
                watches=watches,
                driver_class=driver_class or _driver(),
            )
            left = await _shown(app, mouse, closing) or gone
            if left.startswith(BOARD):
                watches.at = watches.station(left.removeprefix(BOARD))
            elif left == "left" and link.hosted:
                watches.at = watches.fleet.home
            else:
                return cast("Left", left)
    finally:
        gc.enable()


async def _shown(app: Dashboard, mouse: bool, closing: asyncio.Event | None) -> str | None:
    """What a dashboard ends with. Raises what went wrong in it."""
    loop = asyncio.get_running_loop()
    factory = loop.get_task_factory()
    watch = asyncio.create_task(_leave_when(closing, app)) if closing is not None else None
    try:
        left = await app.run_async(mouse=mouse)
        settle = getattr(getattr(app._driver, "outlet", None), "settle", None)
        if settle is not None:  # the terminal is to be as it was, if it takes that in time
            await asyncio.to_thread(settle, SETTLES)
    finally:
        loop.set_task_factory(factory)
        if watch is not None:
            watch.cancel()
    if app._exception is not None:
        raise app._exception
    return left


def _driver() -> Any:
    if sys.platform == "win32":
        return None
    from tui.terminal.driver import SteadyDriver

    return SteadyDriver


async def _leave_when(closing: asyncio.Event, app: Any) -> None:
    await closing.wait()
    with suppress(Exception):
        app.exit("keep")
