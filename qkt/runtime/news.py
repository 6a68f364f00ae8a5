"""What an engine tells: its lines and alerts, and a version that grows with whatever is shown."""

from __future__ import annotations

from collections.abc import Sequence

import anyio

from qkt.core.clock import Clock
from qkt.core.secrets import redacted
from qkt.runtime.alerts import AlertBook, Source
from qkt.runtime.control.rows import FillRow, Level, Line
from qkt.runtime.lines import LineBook, LineKind

SOURCES: dict[str, Source] = {"down": "recovery", "defect": "fault"}
"""Where an alert of an event comes from."""


class News:
    """Whoever looks waits here for something new. Times are the wall's unless one is given."""

    def __init__(self, wall: Clock) -> None:
        self._wall = wall
        self._book = LineBook()
        self.alerts = AlertBook()
        self.version = 1
        self._touched: dict[str, int] = {}
        self._something = anyio.Event()

    def begin(self, started_at: int) -> None:
        """Versions of another life of the engine are all smaller, so what was seen of one is known to be old."""
        self.version = started_at * 1000

    def line(
        self,
        level: Level,
        kind: LineKind,
        scope: str,
        text: str,
        ts: int | None = None,
        *,
        event: str = "",
        order: str | None = None,
        trace: str | None = None,
        fill: FillRow | None = None,
    ) -> Line:
        """Say what happened, to whoever reads along."""
        at = self._wall.now() if ts is None else ts
        line = self._book.add(at, level, kind, scope, text, fill, event=event, order=order, trace=trace)
        self.moved()
        return line

    def lines(self, after: int, *, session: str | None = None, since: int | None = None, limit: int = 1000) -> Sequence[Line]:
        """Lines with a greater number, oldest first; when there are more than `limit`, the latest of them."""
        return self._book.after(after, session, since, limit)

    def alert(
        self, level: Level, scope: str, text: str, event: str = "alert", *, source: Source = "engine", cause: str | None = None
    ) -> None:
        """Say what somebody should see; of a `cause` that stands already nothing is said again."""
        if self.alerts.add(self._wall.now(), level, SOURCES.get(event, source), scope, redacted(text), cause) is not None:
            self.line(level, "engine", scope, text, event=event)

    def moved(self) -> None:
        """Something that is shown has changed."""
        self.version += 1
        if not self._something.is_set():
            self._something.set()

    def touch(self, name: str) -> None:
        """State, positions or orders of a session have changed."""
        self.moved()
        self._touched[name] = self.version

    async def changed(self, version: int) -> None:
        """Return once `version` is no longer the latest one."""
        while self.version == version:
            if self._something.is_set():
                self._something = anyio.Event()
            await self._something.wait()

    def touched(self, sessions: Sequence[str]) -> int:
        """Version at which one of these sessions was last touched; of any, when none is named."""
        names = sessions or list(self._touched)
        return max((self._touched.get(name, 0) for name in names), default=0)
