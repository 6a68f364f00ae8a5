"""What happened, as numbered lines: the last of them at hand, for whoever reads along."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Literal, TypeAlias

from qkt.runtime.control.rows import FillRow, Level, Line

LineKind: TypeAlias = Literal["log", "fill", "order", "halt", "feed", "operator", "engine"]

KEPT = 20_000


class LineBook:
    """The latest lines of the process."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque(maxlen=KEPT)
        self.number = 0

    def add(self, ts: int, level: Level, kind: LineKind, scope: str, text: str, fill: FillRow | None = None) -> Line:
        """Write a line down; it gets the next number."""
        self.number += 1
        line = Line(number=self.number, ts=max(ts, 0), level=level, kind=kind, scope=scope, text=text, fill=fill)
        self._lines.append(line)
        return line

    def after(self, number: int, scope: str | None, since: int | None, limit: int) -> Sequence[Line]:
        """Lines with a greater number, oldest first, the latest `limit` of them."""
        found = deque[Line](maxlen=max(limit, 0))
        for line in self._lines:
            if line.number > number and scope in (None, line.scope) and (since is None or line.ts >= since):
                found.append(line)
        return list(found)
