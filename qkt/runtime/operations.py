"""Carries out what operators ask of an engine. Each command ends in exactly one answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from qkt.core.errors import QktError
from qkt.core.numbers import ZERO
from qkt.risk import Cause
from qkt.runtime.control import commands as ask
from qkt.runtime.control.answers import Changed, Difference, Done, Failed, Remaining, Step
from qkt.runtime.control.errors import UnknownSessionError
from qkt.runtime.effects import Effect
from qkt.runtime.errors import SessionError
from qkt.runtime.leaving import exposed_legs, leave_levels, taken_back
from qkt.runtime.members import start_child, stays, stopped_child, wound_down
from qkt.runtime.narration import modification, narrated
from qkt.runtime.registrar import changes, compiled
from qkt.runtime.roster import check_name
from qkt.runtime.session import LiveSession
from qkt.runtime.views.positions import position_rows

if TYPE_CHECKING:
    from qkt.lang.portfolio import Child
    from qkt.runtime.engine import Engine

FLAT_WITHIN = 10.0
"""Seconds that a flatten may take to be proven."""
Progress = Callable[[Step], None]
Answer = Done | Failed | Changed

RECORDED = (ask.Halt, ask.Resume, ask.Kill, ask.Cancel, ask.Flatten, ask.Modify)
"""Commands that are nothing but inputs of sessions; the others stand in the journal, or change nothing."""
UNWRITTEN = "but the disk takes no records: until it does, this ends with the process"
STOPPING = "stopping"
"""Why a session takes no entries while it is made flat to be stopped; a start clears that halt, and no other."""


async def perform(engine: Engine, command: ask.Command, progress: Progress) -> Answer:
    """Do it, and say what came of it."""
    try:
        return await Operations(engine, command.id, command.author, progress).perform(command)
    except UnknownSessionError as problem:
        return _failed(command.id, "unknown", problem)
    except QktError as problem:
        return _failed(command.id, "refused", problem)
    except sqlite3.Error as problem:
        return Failed(id=command.id, kind="fault", found=f"the journal refuses ({problem})", where=str(engine.state))


class Operations:
    """One command of one operator."""

    def __init__(self, engine: Engine, id_: str, author: str, progress: Progress) -> None:
        self._engine = engine
        self._id = id_
        self._author = author
        self._progress = progress

    async def perform(self, command: ask.Command) -> Answer:
        """Do it. What is done but not durable is told so: it holds for as long as this process lives, or the disk takes it."""
        answer = await self._perform(command)
        if isinstance(answer, Done) and isinstance(command, RECORDED):
            running = (self._engine.hosted.get(name) for name in answer.affected)
            if any(hosted is not None and hosted.live.recorder.refused is not None for hosted in running):
                return answer.model_copy(update={"text": f"{answer.text}, {UNWRITTEN}"})
        return answer

    async def _perform(self, command: ask.Command) -> Answer:
        match command:
            case ask.Deploy():
                return await self._deploy(command)
            case ask.Resync():
                return await self._resync(command)
            case ask.Start():
                return await self._start(command)
            case ask.Stop():
                return await self._stop(command)
            case ask.Halt():
                return await self._each(command.name, "halt", reason=command.reason)
            case ask.Resume():
                return await self._resume(command)
            case ask.Kill():
                return await self._kill(command)
            case ask.Cancel():
                return await self._cancel(command)
            case ask.Flatten():
                return await self._flatten(command)
            case ask.Reconcile():
                return await self._reconcile(command)
            case ask.Backtest():
                return self._backtest(command)
            case ask.Modify():
                return await self._modify(command)
            case ask.CancelRun():
                return self._cancel_run(command)
            case ask.Acknowledge():
                return self._acknowledge(command)
            case ask.Shutdown():
                return await self._shutdown(command)

    # ---------------------------------------------------------- come and go

    async def _deploy(self, command: ask.Deploy) -> Answer:
        path = Path(command.path)
        name = _deploy_name(command.name, path)
        if name in self._engine.known():
            return self._failed_as("taken", f"'{name}' is deployed already", remedy="choose another name, or resync it")
        with self._engine.roster.changing(name):
            live = await self._engine.deploy(path, name, dict(command.params))
        return self._done(f"{name} is {live.state}", [name])

    async def _resync(self, command: ask.Resync) -> Answer:
        """The new source is compiled before the old session is touched. Its account in the books goes with it, so it must be
        flat, and what it has working is taken back first."""
        path, params = Path(command.path), dict(command.params)
        name = _deploy_name(command.name, path)
        engine = self._engine
        with engine.roster.changing(name):
            old = engine.registration(name)
            source, terms = await compiled(engine, path, params)
            changed = changes(old, source, params)
            if command.dry_run:
                return self._done("compiles; " + (changed or "nothing would change"), [name])
            hosted = engine.hosted.get(name)
            if hosted is not None:
                refusal = await self._made_replaceable(hosted.live)
                if refusal is not None:
                    return refusal
                await hosted.live.command("ended", self._author)
                await engine.end(hosted.live)
            live = await engine.replace(old, path, source, params, terms)
        return self._done(f"{name} is {live.state}; {changed or 'nothing changed'}", [name])

    async def _made_replaceable(self, live: LiveSession) -> Answer | None:
        """Take back what works. Returns why the session cannot be replaced, None when it can; then it is halted."""
        if not self._remaining([live]):
            working = await taken_back(live, self._author)
            left = self._remaining([live])
            if not left and not working:
                return None
            await live.command("unblock", self._author, cause=Cause.RESYNC)
            if not left:
                found = f"{working} entries still work at the venue"
                return self._failed_as("refused", found, where=live.name, remedy="try again when they are gone")
        found = f"{live.name} holds positions, and its account in the books ends with it"
        remedy = f"qkt kill {live.name} --flatten first"
        return self._failed_as("refused", found, remedy=remedy, remaining=self._remaining([live]))

    async def _start(self, command: ask.Start) -> Answer:
        name = command.name
        if "/" in name:
            return self._done(await start_child(*self._engine.find_child(name), self._author), [name])
        with self._engine.roster.changing(name):
            return await self._started(name)

    async def _started(self, name: str) -> Answer:
        if name in self._engine.hosted:
            return self._done(f"{name} runs already", [name])
        registration = self._engine.registration(name)
        self._engine.journal.want(registration.run, "running")
        live = await self._engine.begin(registration)
        if live.machine.session.risk.halts.get(Cause.STOPPING) is not None:
            await live.command("unblock", self._author, cause=Cause.STOPPING)
        return self._done(f"{name} is {live.state}", [name])

    async def _stop(self, command: ask.Stop) -> Answer:
        if "/" in command.name:
            return await self._stop_child(command)
        with self._engine.roster.changing(command.name):
            return await self._stopped(command)

    async def _stopped(self, command: ask.Stop) -> Answer:
        engine = self._engine
        live = engine.find(command.name)
        flat: bool | None = None
        text = f"{live.name} stopped"
        if not command.flatten:
            await leave_levels(live, engine.hosted[live.name].seat, self._author)
        if command.flatten:
            await live.command("halt", self._author, reason=STOPPING, cause=Cause.STOPPING)
            flat = await self._flattened(live)
            if not flat:
                return self._failed_as("refused", f"{live.name} is not flat", remaining=self._remaining([live]))
        elif not command.leave_unprotected:
            unprotected = [row for row in self._remaining([live], held=True) if stays(live, row.leg)]
            if unprotected:
                return self._unprotected(tuple(unprotected))
        if live.machine.session.supervisor is not None and not command.flatten:
            await live.command("halt", self._author, reason=STOPPING, cause=Cause.STOPPING)
            text, flat = await wound_down(live, self._author, FLAT_WITHIN)
            if not flat:
                return self._failed_as("refused", f"{live.name} is not flat", remaining=self._remaining([live]))
        engine.journal.want(live.registration.run, "stopped")
        await live.command("ended", self._author)
        await engine.end(live)
        return self._done(text, [live.name], flat=flat)

    async def _stop_child(self, command: ask.Stop) -> Answer:
        """The child is out and the session goes on. It gets out as its gate would make it, or altogether."""
        live, state = self._engine.find_child(command.name)
        text, flat = await stopped_child(live, state, self._author, FLAT_WITHIN, flatten=command.flatten)
        if flat is False:
            return self._failed_as("refused", f"{command.name} is not flat", remaining=self._remaining([live]))
        return self._done(text, [command.name], flat=flat)

    async def _shutdown(self, command: ask.Shutdown) -> Answer:
        for hosted in list(self._engine.hosted.values()):
            await leave_levels(hosted.live, hosted.seat, self._author)
        lives = [hosted.live for hosted in self._engine.hosted.values()]
        unprotected = self._remaining(lives, held=True)
        if unprotected and not command.leave_unprotected:
            return self._unprotected(unprotected)
        self._engine.shutdown_asked.set()
        return self._done("stopping", [live.name for live in lives])

    # ------------------------------------------------------- halts and orders

    async def _each(self, name: str | None, what: str, **values: str) -> Answer:
        """One command for a session or all; what one of them refuses does not keep the others from it."""
        lives = self._lives(name)
        problems = await self._together(lives, lambda live: live.command(what, self._author, **values))
        affected = [live.name for live in lives if live.name not in problems]
        if problems:
            return Failed(id=self._id, found="; ".join(problems.values()), affected=tuple(affected))
        return self._done(f"{what} of {_sessions(len(affected))}", affected)

    async def _together(self, lives: Sequence[LiveSession], do: Callable[[LiveSession], Awaitable[object]]) -> dict[str, str]:
        """The same for several sessions at one time, so that none waits for another. Returns what was refused, by name."""
        refused: dict[str, str] = {}
        done = 0

        async def one(live: LiveSession) -> None:
            nonlocal done
            try:
                await do(live)
            except SessionError as problem:
                refused[live.name] = str(problem)
            done += 1
            self._progress(Step(done=done, of=len(lives)))

        async with anyio.create_task_group() as tasks:
            for live in lives:
                tasks.start_soon(one, live)
        return {live.name: refused[live.name] for live in lives if live.name in refused}

    async def _resume(self, command: ask.Resume) -> Answer:
        """Clear, and say what was cleared and which limits are still broken."""
        lives = self._lives(command.name)
        told: dict[str, list[Effect]] = {}

        async def resume(live: LiveSession) -> None:
            told[live.name] = await live.command("resume", self._author, reason=command.reason)

        problems = await self._together(lives, resume)
        affected = [live.name for live in lives if live.name in told]
        cleared = [f"{name}: {one.value['reason']}" for name in affected for one in told[name] if one.kind == "lifted"]
        still = [f"{name}: {one.value['reason']}" for name in affected for one in told[name] if one.kind == "standing"]
        text = "cleared " + "; ".join(cleared) if cleared else "nothing was halted"
        if still:
            text += "; still holds and will halt again: " + "; ".join(still)
        if problems:
            return Failed(id=self._id, found="; ".join(problems.values()), affected=tuple(affected))
        return self._done(text, affected)

    async def _kill(self, command: ask.Kill) -> Answer:
        lives = self._lives(command.name)
        answer = await self._each(command.name, "halt", reason="operator kill", cause=Cause.KILL)
        if not command.flatten:
            return answer
        kept = answer.found if isinstance(answer, Failed) else ""
        return await self._closed(lives, f"{_sessions(len(lives))} halted and flat", kept=kept)

    async def _closed(
        self,
        lives: Sequence[LiveSession],
        text: str,
        symbol: str | None = None,
        leg: int | None = None,
        child: Child | None = None,
        kept: str = "",
    ) -> Answer:
        """Flatten sessions, whatever one of them refuses. `text` tells that all is done, `kept` what was refused before."""
        names = [live.name for live in lives]
        open_: list[str] = []

        async def close(live: LiveSession) -> None:
            if not await self._flattened(live, symbol, leg, child):
                open_.append(live.name)

        refused = await self._together(lives, close)
        if not (kept or refused or open_):
            return self._done(text, names, flat=True)
        problems = [kept, *refused.values(), "not everything could be closed" if open_ else ""]
        found = "; ".join(dict.fromkeys(filter(None, problems)))
        return self._failed_as("refused", found, affected=names, remaining=self._remaining(lives))

    async def _cancel(self, command: ask.Cancel) -> Answer:
        live = self._engine.find(command.name)
        if command.order is not None and all(o.id != command.order for o in live.machine.session.orders.live_orders()):
            return self._failed_as("unknown", f"{live.name} has no working order {command.order}")
        effects = await live.command("cancel", self._author, order=command.order)
        told = [(effect.kind, effect.value.get("order_id")) for effect in effects]  # the command itself is one, about no order
        gone = {order for kind, order in told if kind == "cancelled"}
        asked = {order for kind, order in told if kind == "cancel" and order is not None} - gone
        waits = f", {len(asked)} more asked of the venue, which has not acknowledged it yet" if asked else ""
        return self._done(f"{len(gone)} orders cancelled{waits}", [live.name])

    async def _flatten(self, command: ask.Flatten) -> Answer:
        child = None
        if command.name is not None and "/" in command.name:
            live, state = self._engine.find_child(command.name)
            lives, child = [live], state.child
        else:
            lives = self._lives(command.name)
        leg = None
        if command.leg is not None:
            if not command.leg.isdigit():
                return self._failed_as("invalid", f"'{command.leg}' is no leg", expected="its number")
            leg = int(command.leg)
        whole = command.symbol is None and leg is None
        text = f"{'everything' if whole else 'what was named'} is closed"
        return await self._closed(lives, text, command.symbol, leg, child)

    async def _modify(self, command: ask.Modify) -> Answer:
        """The session decides, as it would in a replay of its tape; what it refuses changes nothing."""
        live = self._engine.find(command.name)
        levels = ("leg", "order", "stop", "target", "close", "level")
        wanted = {name: None if (value := getattr(command, name)) is None else str(value) for name in levels}
        effects = await live.command("modify", self._author, break_even=command.break_even or None, **wanted)
        problem = next((effect.value["reason"] for effect in effects if effect.kind == "unmodified"), None)
        if problem is not None:
            return self._failed_as("refused", problem, where=live.name)
        said = [said.text for effect in effects if (said := narrated(effect.kind, effect.value)) is not None]
        if command.level is not None and all(effect.kind != "moved" for effect in effects):
            return self._done("the venue has been asked and has not acknowledged it yet", [live.name])
        return self._done("; ".join(said[1:]) or modification({**wanted, "break_even": command.break_even}), [live.name])

    async def _flattened(
        self, live: LiveSession, symbol: str | None = None, leg: int | None = None, child: Child | None = None
    ) -> bool:
        """Ask, then look at the paper book until it shows nothing of that kind."""

        way_out, owner = live.machine.session.way_out, None if child is None else child.id

        def left() -> bool:
            return (leg is None and way_out.under_way(owner)) or any(
                symbol in (None, row.symbol)
                and (leg is None or row.leg == str(leg))
                and (child is None or row.child == child.alias)
                for row in position_rows(live)
            )

        await live.flatten(self._author, symbol, leg, owner)
        with anyio.move_on_after(FLAT_WITHIN):
            while left():
                await anyio.sleep(0.02)
        return not left()

    # --------------------------------------------------------------- the rest

    async def _reconcile(self, command: ask.Reconcile) -> Answer:
        """The legs against the executions of the paper venue, the order room against its book; at a real venue what the
        account shows."""
        live = self._engine.find(command.name)
        seat = self._engine.hosted[live.name].seat
        if seat is not None:
            rows = await seat.compare()
            told = [
                Difference(what=f"{row.kind} {row.number} {row.symbol}", engine=row.session, venue=row.venue) for row in rows
            ]
            text = f"{len(told)} differences" if told else "engine and venue agree"
            return self._done(text, [live.name]).model_copy(update={"differences": tuple(told)})
        session = live.machine.session
        found = []
        for symbol, executed in session.books.account.items():
            venue = executed.quantity
            own = sum((book.book(symbol).net for book in session.books.strategies.values()), ZERO)
            if own != venue:
                found.append(Difference(what=symbol, engine=f"{own:f}", venue=f"{venue:f}"))
        ours = {order.id for order in session.orders.live_orders() if not order.held}
        theirs = set(session.broker.working())
        found += [Difference(what=f"order {one}", engine="working", venue="unknown") for one in sorted(ours - theirs)]
        found += [Difference(what=f"order {one}", engine="unknown", venue="working") for one in sorted(theirs - ours)]
        text = f"{len(found)} differences" if found else "engine and venue agree"
        return self._done(text, [live.name]).model_copy(update={"differences": tuple(found)})

    def _backtest(self, command: ask.Backtest) -> Answer:
        if not Path(command.path).is_file():
            return self._failed_as("invalid", "no such file", where=command.path, expected="a strategy, .qkt or .py")
        run = self._engine.runs.put(command)
        return self._done(f"run {run} stands in the queue", []).model_copy(update={"run": run})

    def _cancel_run(self, command: ask.CancelRun) -> Answer:
        self._engine.runs.cancel(command.run)
        return self._done(f"run {command.run} is cancelled", []).model_copy(update={"run": command.run})

    def _acknowledge(self, command: ask.Acknowledge) -> Answer:
        alerts = self._engine.alerts
        if command.alert is not None and command.alert not in alerts:
            return self._failed_as("unknown", f"there is no alert {command.alert}")
        count = alerts.acknowledge(self._author, command.alert)
        self._engine.moved()
        return self._done(f"{count} alerts acknowledged", [])

    def _lives(self, name: str | None) -> list[LiveSession]:
        if name is not None:
            return [self._engine.find(name)]
        return [hosted.live for hosted in self._engine.hosted.values()]

    def _remaining(self, lives: Sequence[LiveSession], *, held: bool = False) -> tuple[Remaining, ...]:
        """Positions that are open; with `held`, those whose stops live in this process only."""
        return tuple(
            Remaining(
                session=live.name,
                symbol=row.symbol,
                leg=row.leg,
                side=row.side,
                quantity=row.quantity,
                protection=", ".join(row.engine_held) or None,
            )
            for live in lives
            for exposed in [exposed_legs(live)]
            for row in position_rows(live)
            if row.leg in exposed or not held
        )

    def _unprotected(self, left: tuple[Remaining, ...]) -> Failed:
        found = f"{len(left)} positions are protected by this process only"
        remedy = "flatten them, or leave them so with --leave-unprotected"
        return self._failed_as("unprotected", found, remedy=remedy, remaining=left)

    def _done(self, text: str, affected: Sequence[str], flat: bool | None = None) -> Done:
        return Done(id=self._id, text=text, affected=tuple(affected), flat=flat)

    def _failed_as(self, kind: str, found: str, **values: object) -> Failed:
        return Failed.model_validate({"id": self._id, "kind": kind, "found": found, **values})


def _sessions(count: int) -> str:
    return f"{count} session{'' if count == 1 else 's'}"


def _deploy_name(given: str | None, path: Path) -> str:
    """The name that was given, else the file's. Raises SessionError for a file whose name cannot be one."""
    name = given or path.stem
    check_name(name)
    return name


def _failed(id_: str, kind: str, problem: QktError) -> Failed:
    told = {name: getattr(problem, name) for name in ("found", "where", "expected", "remedy")}
    return Failed.model_validate({"id": id_, "kind": kind, **told})
