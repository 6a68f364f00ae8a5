"""What somebody should see: alerts, each told once, acknowledged by a person or mended by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

from qkt.core.secrets import redacted
from qkt.runtime.control.rows import AlertRow, Level
from qkt.runtime.effects import Effect
from qkt.runtime.narration import narrated

Source: TypeAlias = Literal["disk", "fault", "halt", "feed", "order", "recovery", "risk", "engine"]

KEPT = 200
FEED = "feed"
TROUBLE: dict[str, tuple[Level, Source]] = {
    "fault": ("ERROR", "fault"),
    "halt": ("WARN", "halt"),
    "halted": ("ERROR", "risk"),
    "rejected": ("WARN", "order"),
    "block": ("ERROR", "feed"),
}
"""Effects that somebody should see."""
HEARD = {*TROUBLE, "distrust", "unblock", "lifted", "resume"}


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
            oldest = next(iter(self._rows))
            del self._rows[oldest]
            # What nobody can see any more is told again when it is found again.
            self._standing = {key: told for key, told in self._standing.items() if told != oldest}
        return row

    def mend(self, ts: int, scope: str, cause: str | None) -> None:
        """The cause is gone."""
        number = None if cause is None else self._standing.pop((scope, cause), None)
        if number in self._rows:
            self._rows[number] = self._rows[number].model_copy(update={"mended": ts})

    def forget(self, ts: int, scope: str) -> None:
        """What had this scope is over, and its troubles with it; whoever has it next tells its own."""
        for own, cause in [key for key in self._standing if key[0] == scope]:
            self.mend(ts, own, cause)

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

    def hear(self, ts: int, scope: str, effect: Effect) -> None:
        """Take in what a session did; its line is told already. What goes bad is told once, until it comes right."""
        kind = effect.kind
        if kind not in HEARD:
            return
        value = effect.value
        if kind == "distrust":
            self._data(ts, scope, value)
        elif kind == "unblock":
            self.mend(ts, scope, _cause("block", value))
        elif kind == "lifted":
            self.mend(ts, scope, _cause("halted", value))
        elif kind == "resume":
            for cause in ("halt", "fault"):
                self.mend(ts, scope, cause)
        else:
            self._trouble(ts, scope, kind, value)

    def _trouble(self, ts: int, scope: str, kind: str, value: dict[str, Any]) -> None:
        level, source = TROUBLE[kind]
        if kind == "block" and value["cause"] != FEED:
            return  # the disk speaks for itself
        said = narrated(kind, value)
        if said is not None:  # what is told by another effect is alerted by that
            self.add(ts, level, source, scope, redacted(said.text), _cause(kind, value))

    def _data(self, ts: int, scope: str, value: dict[str, Any]) -> None:
        """One symbol's data goes bad or comes right; the episode is one alert however many faults it has."""
        cause = f"data {value['symbol']}"
        if value.get("reason") is None:
            self.mend(ts, scope, cause)
        else:
            self.add(ts, "WARN", "feed", scope, f"{value['symbol']} is {value['reason']}", cause)


def _cause(kind: str, value: dict[str, Any]) -> str | None:
    """What keeps standing behind an alert, None for what is over as it happens."""
    match kind:
        case "rejected":
            return None
        case "block":
            return f"block {value['cause']}"
        case "halted":
            return f"halted {value['cause']} {value['strategy']}"
        case _:
            return kind
