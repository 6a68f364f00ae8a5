"""What can be done again: a back-test by its recipe. (A session's tape is read in the room that writes it.)"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from qkt.backtest.api import backtest
from qkt.backtest.recipe import Recipe
from qkt.core.errors import RecordingError
from qkt.engine import Stage

Attend = Callable[[Stage], None]

RESULT = "result.json"


class Recording(Protocol):
    """A run that can be done again as often as one likes, with the same events every time."""

    @property
    def name(self) -> str: ...

    @property
    def fills(self) -> int:
        """How many there were."""
        ...

    def fill(self, number: int) -> Mapping[str, Any]:
        """A fill, from 1, as it was written down."""
        ...

    @property
    def length(self) -> int:
        """How many inputs it had; known once it was played whole."""
        ...

    def play(self, attend: Attend, until: int | None = None) -> None:
        """Do it again from its beginning, whole or up to an input. `attend` gets the session before its first one."""
        ...


@dataclass
class BacktestRecording:
    """A back-test, from the file of its result. Its inputs are ticks."""

    path: Path
    recipe: Recipe
    trades: list[dict[str, Any]]
    length: int = 0

    @classmethod
    def read(cls, path: Path) -> BacktestRecording:
        """Of a result's file, or of the folder of a report. Raises RecordingError for anything that is not the result of a run
        from a file."""
        file = path / RESULT if path.is_dir() else path
        expected = "a result of qkt backtest, written with --json or --report"
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except OSError as problem:
            raise RecordingError(f"cannot be read: {problem.strerror}", where=str(file), expected=expected) from None
        except ValueError:
            raise RecordingError("is no JSON document", where=str(file), expected=expected) from None
        if not isinstance(found, dict) or "trades" not in found:
            raise RecordingError("is no result", where=str(file), expected=expected)
        if not found.get("recipe"):
            remedy = "run it again from a strategy's file, with this version"
            raise RecordingError("does not tell how it was made", where=str(file), remedy=remedy)
        try:
            recipe = Recipe.from_json(found["recipe"])
        except (KeyError, TypeError, ValueError):
            raise RecordingError(
                "has a recipe that cannot be read", where=str(file), remedy="run the back-test again"
            ) from None
        return cls(file, recipe, found["trades"])

    @property
    def name(self) -> str:
        return self.path.parent.name if self.path.name == RESULT else self.path.stem

    @property
    def fills(self) -> int:
        return len(self.trades)

    def fill(self, number: int) -> Mapping[str, Any]:
        return self.trades[number - 1]

    def play(self, attend: Attend, until: int | None = None) -> None:
        # Of a run that compares both orders of a bar's extremes the first is the result.
        attended = False

        def once(stage: Stage) -> None:
            nonlocal attended
            if not attended:
                attended = True
                attend(stage)

        result = backtest(self.recipe.strategy, **self.recipe.arguments(), attend=once, limit=until)
        if until is None:
            self.length = result.record.ticks
