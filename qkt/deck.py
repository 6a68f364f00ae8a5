"""A dashboard before an engine: of another process or machine, or of this process, which goes on trading whatever becomes of
the terminal.

The dashboard enters through the entry point group `qkt.dashboard`; nothing here knows what it looks like.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
from collections.abc import Awaitable, Callable
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from qkt.core.errors import QktError

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from qkt.ending import Ending
    from qkt.host import Front
    from qkt.remote.contexts import Context
    from qkt.runtime.control.link import Fleet, LocalLink, Station

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


async def attach(context: Context, dashboard: Dashboard, options: dict[str, Any]) -> None:
    """Show the engine of a context until the operator leaves. Raises NotRunningError when there is none, LineError when the way
    to it is barred. One of this machine is asked nothing before the dashboard stands: that comes sooner so."""
    from qkt.runtime.state import owner

    async with anyio.create_task_group() as tasks:
        home = _station(context, tasks, asking=True)
        if home.away:
            await home.link.health()
        elif owner(state := _state_of(context)) is None:
            from qkt.runtime.control.endpoint import not_running

            raise not_running(state)
        await dashboard(home.link, fleet=_fleet(home, context, tasks), **options)
        tasks.cancel_scope.cancel()


def _station(context: Context, tasks: TaskGroup, *, asking: bool = False) -> Station:
    from qkt.remote.reach import reach
    from qkt.runtime.control.link import RemoteLink, Station

    away = context.address is not None
    words = f"--on {shlex.quote(context.name)}" if away else _reach(Path(context.state_dir)) if context.state_dir else ""
    return Station(context.name, context.where, RemoteLink(reach(context, tasks, asking=asking)), words, away)


def _fleet(home: Station, context: Context, tasks: TaskGroup) -> Fleet:
    """The engine that is shown first, under its name if it has one, and those of all other contexts. A file of contexts that
    cannot be used costs the others, not the dashboard."""
    from qkt.remote.contexts import load_contexts
    from qkt.runtime.control.link import Fleet

    try:
        known = load_contexts().known.values()
    except QktError as problem:
        log.warning("%s", problem)
        return Fleet([home], str(problem))
    same = [one for one in known if _place(one) == _place(context)]
    others = [_station(one, tasks) for one in known if one not in same]
    return Fleet([replace(home, name=same[0].name) if same else home, *others])


def _place(context: Context) -> tuple[object, str | None]:
    """What two names for one engine have in common."""
    if context.address is not None:
        return context.address, context.state_dir
    return None, str(_state_of(context).absolute())


def _state_of(context: Context) -> Path:
    """The state directory of an engine of this machine."""
    from qkt.runtime.state import state_dir

    return state_dir(None if context.state_dir is None else Path(context.state_dir))


def _reach(state: Path) -> str:
    """What commands need to be told to find the engine of a state directory: nothing where they look there anyway."""
    from qkt.runtime.state import state_dir

    return "" if state.absolute() == state_dir().absolute() else f"--state-dir {shlex.quote(str(state.absolute()))}"


def front(dashboard: Dashboard, options: dict[str, Any], tell: Callable[[str], None]) -> Front:
    """What stands before an engine of this process until that ends. However the dashboard ends, the engine goes on, unless it
    was told to stop; `tell` hears what a person should see once the terminal is free again."""

    async def stand(link: LocalLink, state: Path, ending: Ending, painted: Callable[[], None]) -> None:
        from qkt.remote.contexts import here
        from qkt.runtime.control.link import Station

        closing = asyncio.Event()
        over = anyio.Event()
        reach = _reach(state)
        context = here(state)

        async def show() -> None:
            try:
                home = Station(context.name, context.where, link, reach)
                fleet = _fleet(home, context, tasks)
                left = await dashboard(link, closing=closing, painted=painted, fleet=fleet, **options)
            except Exception as problem:
                log.exception("the dashboard failed; the engine goes on without it")
                if not ending.asked:
                    tell(f"the dashboard failed ({type(problem).__name__}), its log says why")
                left = "failed"
            finally:
                painted()  # the engine waits for it, also where it never came so far
                over.set()
            if left == "stop":
                ending.ask("the engine ends with its dashboard")
            elif not ending.asked:
                pid = os.getpid()
                goes_on = "keeps trading" if link.stands else "is still starting, and goes on with that"
                log.info("the engine %s without a dashboard", goes_on)
                back = f"qkt attach {reach}".rstrip()
                tell(f"the engine {goes_on}, pid {pid}; {back} brings the dashboard back, Ctrl-C ends the engine")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(show)
            await ending.wait()
            closing.set()
            with anyio.move_on_after(DEADLINE):
                await over.wait()
            tasks.cancel_scope.cancel()

    return stand
