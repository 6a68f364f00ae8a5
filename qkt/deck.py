"""A dashboard before an engine: of another process, or of this one, which goes on trading whatever becomes of the terminal.

The dashboard enters through the entry point group `qkt.dashboard`; nothing here knows what it looks like.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
from collections.abc import Awaitable, Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from qkt.core.errors import QktError

if TYPE_CHECKING:
    from qkt.host import Ending, Front
    from qkt.runtime.control.link import EngineLink

GROUP = "qkt.dashboard"
DEADLINE = 3.0
"""Seconds that a dashboard gets to leave in order when the process ends."""

log = logging.getLogger("qkt.deck")

Dashboard = Callable[..., Awaitable[str]]


class NoDashboardError(QktError):
    """No dashboard is installed."""


def find_dashboard() -> Dashboard:
    """The dashboard that is installed. Raises NoDashboardError."""
    for found in entry_points(group=GROUP):
        loaded: Dashboard = found.load()
        return loaded
    raise NoDashboardError(
        "no dashboard is installed",
        expected=f"an entry point of the group {GROUP}",
        remedy="install qkt with pip, or use qkt up",
    )


async def attach(state: Path, dashboard: Dashboard, options: dict[str, Any]) -> None:
    """Show the engine that owns a state directory until the operator leaves. Raises NotRunningError when there is none."""
    from qkt.runtime.control.link import RemoteLink

    link = RemoteLink(state)
    await link.health()
    await dashboard(link, reach=_reach(state), **options)


def _reach(state: Path) -> str:
    """What commands need to be told to find the engine of a state directory: nothing where they look there anyway."""
    from qkt.runtime.state import state_dir

    return "" if state.absolute() == state_dir().absolute() else f"--state-dir {shlex.quote(str(state.absolute()))}"


def front(dashboard: Dashboard, options: dict[str, Any], tell: Callable[[str], None]) -> Front:
    """What stands before an engine of this process until that ends. However the dashboard ends, the engine goes on, unless it
    was told to stop; `tell` hears what a person should see once the terminal is free again."""

    async def stand(link: EngineLink, ending: Ending) -> None:
        closing = asyncio.Event()
        over = anyio.Event()
        reach = _reach(Path((await link.hello()).state_dir))

        async def show() -> None:
            try:
                left = await dashboard(link, closing=closing, reach=reach, **options)
            except Exception as problem:
                log.exception("the dashboard failed; the engine goes on without it")
                tell(f"the dashboard failed ({type(problem).__name__}), its log says why")
                left = "failed"
            finally:
                over.set()
            if left == "stop":
                ending.ask()
            elif not ending.asked:
                pid = os.getpid()
                log.info("the engine keeps trading without a dashboard")
                back = f"qkt attach {reach}".rstrip()
                tell(f"the engine keeps trading, pid {pid}; {back} brings the dashboard back, Ctrl-C ends the engine")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(show)
            await ending.wait()
            closing.set()
            with anyio.move_on_after(DEADLINE):
                await over.wait()
            tasks.cancel_scope.cancel()

    return stand
