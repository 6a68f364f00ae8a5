"""The life of one session in an engine, from its first turn until nothing of it is left. Whatever happens in here ends here."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import anyio

from qkt.core.errors import QktError
from qkt.runtime.errors import SessionError
from qkt.runtime.leaving import leave_levels
from qkt.runtime.lines import SESSION
from qkt.runtime.roster import Hosted
from qkt.runtime.venues import Seat
from qkt.runtime.views.sessions import ended_row

if TYPE_CHECKING:
    from qkt.runtime.engine import Engine

log = logging.getLogger(__name__)

COMPARED = 30.0
"""Seconds between two comparisons of a session with its venue."""


async def host(engine: Engine, hosted: Hosted) -> None:
    """Feed it and let it run until it ends; then let go of all that it had."""
    live, pump = hosted.live, hosted.pump
    defect: str | None = None
    SESSION.set(live.name)
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(pump.run)
            if not pump.drives_clock:
                group.start_soon(pump.timers, engine.wall)
            if hosted.seat is not None:
                group.start_soon(_compare, engine, hosted, hosted.seat)
            await live.run()
            group.cancel_scope.cancel()
    except Exception:
        log.exception("session %s ended", live.name)
        defect = "ended by a defect of the engine; its log has the details"
        engine.alert("ERROR", live.name, defect, "defect")
    finally:
        with anyio.CancelScope(shield=True):
            await pump.close()
            if hosted.seat is not None:
                await hosted.seat.aclose()
            await live.close(engine.committer)
        del engine.hosted[live.name]
        engine.resting[live.name] = (live.registration, defect)
        engine.line("INFO", "engine", live.name, f"run {live.registration.run} ended", event="ended")
        engine.markets.forget(live.name)
        engine.shown.forget(live.name)
        engine.touch(live.name)
        try:
            engine.rest_rows[live.name] = ended_row(hosted, defect)
        except Exception:  # the journal's row does for one that a defect has left unreadable
            log.exception("what session %s came to cannot be told", live.name)
        live.gone.set()


async def _compare(engine: Engine, hosted: Hosted, seat: Seat) -> None:
    """Hold a session to its venue now and then. What differs twice is no fill on its way, and is told once."""
    before: set[str] = set()
    told: set[str] = set()
    while True:
        await anyio.sleep(COMPARED)
        try:
            now = {str(row) for row in await seat.compare()}
        except SessionError:
            continue  # the link says so itself
        hosted.differing = len(now & before)
        for text in sorted((now & before) - told):
            engine.alert("ERROR", hosted.live.name, text, source="recovery")
        told = (told | (now & before)) & now
        before = now


async def end_all(engine: Engine) -> None:
    """Let every session leave what it must at its venue, finish what it is at, and go."""
    async with anyio.create_task_group() as leaving:
        for hosted in engine.hosted.values():
            leaving.start_soon(_leave, engine, hosted)
    for hosted in list(engine.hosted.values()):
        hosted.live.end()
    for hosted in list(engine.hosted.values()):
        await hosted.live.gone.wait()


async def _leave(engine: Engine, hosted: Hosted) -> None:
    """Leave the levels of a real account's stops at the venue, and say which of them end with this process."""
    live = hosted.live
    try:
        await leave_levels(live, hosted.seat, "engine")
    except QktError as problem:
        engine.alert("ERROR", live.name, f"its stops could not be left at the venue: {problem}")
    if hosted.seat is not None and live.machine.exposed():
        engine.alert("ERROR", live.name, f"{len(live.machine.exposed())} stops end with this process", cause="exposed")
