"""A line of the log as thousands of them are kept: what is looked at as words, and what is seldom asked for packed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from qkt.runtime import control

if TYPE_CHECKING:
    from qkt.runtime.control.rows import Level, Line


SHOWN = {"number", "ts", "level", "kind", "scope", "text"}


@dataclass(frozen=True, slots=True)
class Said:
    """A line in a fifth of the memory that it takes as a word of the control API. `whole` is that word again."""

    number: int
    ts: int
    level: Level
    kind: str
    scope: str
    text: str
    # JSON of all else: the fill, the order, the decision it goes back to.
    rest: bytes

    @classmethod
    def of(cls, line: Line) -> Self:
        rest = line.model_dump_json(exclude=SHOWN, exclude_defaults=True).encode()
        return cls(line.number, line.ts, line.level, line.kind, line.scope, line.text, rest)

    @property
    def whole(self) -> Line:
        return control.rows.Line.model_validate(json.loads(self.rest) | {name: getattr(self, name) for name in SHOWN})
