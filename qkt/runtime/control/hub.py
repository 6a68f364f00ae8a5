"""One engine, many readers: commands go in, and each subscriber gets frames at its own rate."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel

from qkt.core.errors import UsageError
from qkt.runtime.control.desk import CommandDesk
from qkt.runtime.control.engine import EngineControl
from qkt.runtime.control.errors import ControlError, UnknownSessionError
from qkt.runtime.control.frames import (
    TABLES,
    Ack,
    Bye,
    Frame,
    Lines,
    Snapshot,
    Subscribe,
    Tables,
    difference,
    table,
)

SUBSCRIBERS = 16

# Lines in one frame, and answers kept for a reader that does not keep up.
LINES = 500
ANSWERS = 256

# Seconds after which a frame comes though nothing changed.
HEARTBEAT = 2.0

# Seconds that commands under way get to settle when the hub closes.
SETTLE = 2.0


class Hub:
    """Where whoever operates an engine meets it. Made by `open_hub`."""

    def __init__(self, engine: EngineControl) -> None:
        self.engine = engine
        self.desk: CommandDesk
        self._subscriptions: set[Subscription] = set()
        self._awaited = anyio.Event()
        self._latest: Snapshot | None = None
        self._latest_version = -1
        self.closing: str | None = None

    def latest(self) -> Snapshot:
        """The state now; built once for all who ask between two changes."""
        version = self.engine.version
        if self._latest is None or version != self._latest_version:
            self._latest, self._latest_version = self.engine.snapshot(), version
        return self._latest

    def age(self) -> None:
        """Build the state anew for whoever asks next: time has passed, if nothing else has happened."""
        self._latest_version = -1

    def subscribe(self, wanted: Subscribe) -> Subscription:
        """A stream of frames. Raises ControlError when too many read already."""
        if len(self._subscriptions) >= SUBSCRIBERS:
            raise ControlError(f"{SUBSCRIBERS} subscribers read already", remedy="close one first")
        subscription = Subscription(self, wanted)
        self._subscriptions.add(subscription)
        return subscription

    @property
    def subscribers(self) -> int:
        return len(self._subscriptions)

    def forget(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)

    def close(self, reason: str) -> None:
        """Tell every reader that the engine ends."""
        self.closing = reason
        for subscription in self._subscriptions:
            subscription.wake()

    def heard(self, ack: Ack) -> None:
        for subscription in self._subscriptions:
            subscription.tell(ack)

    async def watch(self) -> None:
        """Wake readers that wait for a change. An engine changes all the time, so nobody looks while none of them does."""
        while True:
            self._awaited = anyio.Event()
            version = self.engine.version
            waiting = [one for one in self._subscriptions if one.idle and not one.heed()]
            await (self.engine.changed(version) if waiting else self._awaited.wait())

    def await_change(self) -> None:
        """A reader does from now on."""
        self._awaited.set()


@asynccontextmanager
async def open_hub(engine: EngineControl) -> AsyncIterator[Hub]:
    """A hub for as long as it is entered. On leaving, commands under way get a moment to settle."""
    hub = Hub(engine)
    async with anyio.create_task_group() as tasks:
        hub.desk = CommandDesk(engine, tasks, hub.heard)
        tasks.start_soon(hub.watch)
        try:
            yield hub
        finally:
            hub.close(hub.closing or "the engine ends")
            with anyio.CancelScope(shield=True):
                await hub.desk.rest(SETTLE)
            tasks.cancel_scope.cancel()


class Subscription:
    """The frames of one reader, built when it is ready for them: a slow one gets the latest state and no backlog."""

    def __init__(self, hub: Hub, wanted: Subscribe) -> None:
        self._hub = hub
        self._acks: deque[Ack] = deque(maxlen=ANSWERS)
        self._woken = anyio.Event()
        # It waits for a change; where one has come already it waits for its time.
        self.idle = False
        self._sent: Snapshot | None = None
        self._sent_version = -1
        self.want(wanted)
        self._last_line = wanted.after if wanted.after is not None else self._newest_line()

    def want(self, wanted: Subscribe) -> None:
        """See something else from now on. Raises UsageError for a table that is not."""
        unknown = set(wanted.tables or ()) - set(TABLES)
        if unknown:
            raise UsageError(f"no table named {', '.join(sorted(unknown))}", expected=f"some of {', '.join(TABLES)}")
        self._wanted = wanted
        self._tables = TABLES if wanted.tables is None else wanted.tables
        self._sent_version = -1
        self.wake()

    def wake(self) -> None:
        self._woken.set()

    def heed(self) -> bool:
        """Whether the engine is another than the one that was told of; then it waits no longer."""
        if not self._behind():
            return False
        self.idle = False
        self.wake()
        return True

    def tell(self, ack: Ack) -> None:
        self._acks.append(ack)
        self.wake()

    def close(self) -> None:
        self._hub.forget(self)

    async def frames(self) -> AsyncGenerator[Frame, None]:
        """Hello, the state, then what changed, until the engine ends."""
        yield self._hub.engine.hello()
        due = anyio.current_time()
        beat = due
        while True:
            self._woken = anyio.Event()
            while self._acks:
                yield self._acks.popleft()
            if self._hub.closing is not None:
                yield Bye(reason=self._hub.closing)
                return
            now = anyio.current_time()
            if now >= due and (self._behind() or now >= beat):
                if not self._behind():
                    self._hub.age()
                for frame in await self._news():
                    yield frame
                due = now + 1 / self._wanted.rate
                beat = now + HEARTBEAT
            self.idle = not self._behind()
            if self.idle:
                self._hub.await_change()
            await self._pause(beat if self.idle else due)

    def _behind(self) -> bool:
        return self._sent_version != self._hub.engine.version

    async def _pause(self, until: float) -> None:
        """Until the time is there or something woke this reader."""
        with anyio.move_on_at(until):
            await self._woken.wait()

    async def _news(self) -> list[Frame]:
        self._sent_version = self._hub.engine.version
        state = self._visible()
        await anyio.lowlevel.checkpoint()  # trading goes on between building the state and comparing it
        frames: list[Frame] = [state if self._sent is None else difference(self._sent, state)]
        self._sent = state
        if self._wanted.lines and (lines := self._new_lines()) is not None:
            frames.append(lines)
        return frames

    def _visible(self) -> Snapshot:
        latest = self._hub.latest()
        shown: dict[str, Any] = {name: latest.tables.of(name) for name in self._tables}
        if self._wanted.rules is not None and "rules" in shown:
            shown["rules"] = self._rules(self._wanted.rules)
        return Snapshot.model_construct(version=latest.version, ts=latest.ts, tables=Tables.model_construct(**shown))

    def _rules(self, session: str) -> dict[str, Any]:
        try:
            return table(self._hub.engine.rules(session))
        except UnknownSessionError:
            return {}  # it was stopped while someone looked at it

    def _new_lines(self) -> Lines | None:
        lines = self._hub.engine.lines(self._last_line, limit=LINES)
        if not lines:
            return None
        missed = lines[0].number - self._last_line - 1
        self._last_line = lines[-1].number
        return Lines(lines=tuple(lines), missed=missed)

    def _newest_line(self) -> int:
        lines = self._hub.engine.lines(0, limit=1)
        return lines[-1].number if lines else 0
