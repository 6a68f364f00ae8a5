"""What happened, as numbered lines: the last of them at hand, for whoever reads along."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Literal, TypeAlias

from qkt.core.secrets import redacted
from qkt.runtime.control.rows import FillRow, Level, Line

LineKind: TypeAlias = Literal["log", "fill", "order", "halt", "feed", "operator", "engine"]

KEPT = 10_000
"""They take 0.7 kB each; the log's files have them all."""

WHOLE = set(Line.model_fields)
"""Which of its fields a line was given: one set for all lines, as a set for each took as much as the line."""

SESSION: ContextVar[str | None] = ContextVar("session", default=None)
"""Whose session the running task serves: what the log says meanwhile is said of it."""


class LineBook:
    """The latest lines of the process."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque(maxlen=KEPT)
        self.number = 0

    def add(
        self,
        ts: int,
        level: Level,
        kind: LineKind,
        scope: str,
        text: str,
        fill: FillRow | None = None,
        *,
        event: str = "",
        order: str | None = None,
        trace: str | None = None,
    ) -> Line:
        """Write a line down, without the secrets it may hold; it gets the next number."""
        self.number += 1
        line = Line.model_construct(
            WHOLE,
            number=self.number,
            ts=max(ts, 0),
            level=level,
            kind=kind,
            scope=scope,
            text=redacted(text),
            fill=fill,
            event=event,
            order=order,
            trace=trace,
        )
        self._lines.append(line)
        return line

    def after(self, number: int, scope: str | None, since: int | None, limit: int) -> Sequence[Line]:
        """Lines with a greater number, oldest first, the latest `limit` of them."""
        found = deque[Line]()
        for line in reversed(self._lines):
            if line.number <= number or len(found) >= limit:
                break
            if scope in (None, line.scope) and (since is None or line.ts >= since):
                found.appendleft(line)
        return list(found)
