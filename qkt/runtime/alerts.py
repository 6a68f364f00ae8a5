"""What somebody should see: alerts, each told once, acknowledged by a person or mended by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from qkt.runtime.control.rows import AlertRow, Level

Source: TypeAlias = Literal["disk", "fault", "halt", "feed", "order", "recovery", "risk", "engine"]

KEPT = 200


class AlertBook:
    """The latest alerts of the process. An alert stands open while its cause does; the same cause tells itself once."""

    def __init__(self) -> None:
        self._rows: dict[int, AlertRow] = {}
        self._standing: dict[tuple[str, str], int] = {}
        self._number = 0

    def __iter__(self) -> Iterator[AlertRow]:
        return iter(self._rows.values())

    def add(self, ts: int, level: Level, source: Source, scope: str, text: str, cause: str | None = None) -> AlertRow | None:
        """Tell it. With a `cause`, None when that stands already in this scope."""
        if cause is not None and (scope, cause) in self._standing:
            return None
        self._number += 1
        row = AlertRow(number=self._number, ts=ts, level=level, source=source, scope=scope, text=text)
        self._rows[row.number] = row
        if cause is not None:
            self._standing[scope, cause] = row.number
        if len(self._rows) > KEPT:
            del self._rows[next(iter(self._rows))]
        return row

    def mend(self, ts: int, scope: str, cause: str) -> None:
        """The cause is gone."""
        number = self._standing.pop((scope, cause), None)
        if number in self._rows:
            self._rows[number] = self._rows[number].model_copy(update={"mended": ts})

    def standing(self, scope: str, cause: str) -> bool:
        return (scope, cause) in self._standing

    def acknowledge(self, author: str, number: int | None = None) -> int:
        """Somebody has seen one, or all. Returns how many were new to anybody."""
        seen = [row for row in self._rows.values() if row.acknowledged is None and number in (None, row.number)]
        for row in seen:
            self._rows[row.number] = row.model_copy(update={"acknowledged": author})
        return len(seen)

    def __contains__(self, number: object) -> bool:
        return number in self._rows
