"""What a worker is asked, and what it answers. Both are plain values that travel between processes and lie in files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

State = Literal["done", "pruned", "failed"]


@dataclass(frozen=True, slots=True)
class Pruning:
    """When a run need not go on: at each of `marks` (epoch ms) the figure `metric` of the equity so far is looked at, and the
    run ends where it is below the floor of that mark. A floor of None lets everything pass, and so does an undefined figure."""

    metric: str
    marks: tuple[int, ...]
    floors: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One run: `key` is its name among all runs of a job, `start` and `end` (epoch ms) the part of the market it sees,
    `execution` what it changes of the simulated venue. With `curve` the answer has the equity curve."""

    key: str
    params: Mapping[str, str]
    start: int | None = None
    end: int | None = None
    execution: Mapping[str, Any] = field(default_factory=dict)
    pruning: Pruning | None = None
    curve: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task. `figures` are those of the whole run, none of one that was pruned or failed; `parts` are the figures
    at the marks that were reached; `daily` the returns from trading day to trading day; `problem` why it failed."""

    key: str
    params: Mapping[str, str]
    state: State
    figures: Mapping[str, float | None] = field(default_factory=dict)
    parts: tuple[float | None, ...] = ()
    daily: tuple[float, ...] = ()
    problem: str | None = None
    curve: tuple[tuple[int, float], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Without what is empty."""
        return {name: value for name, value in asdict(self).items() if value not in (None, (), {})}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Outcome:
        """Raises KeyError, TypeError or ValueError for what is none."""
        given = dict(value)
        for name in ("parts", "daily"):
            given[name] = tuple(given.get(name, ()))
        given["curve"] = tuple((int(ts), float(equity)) for ts, equity in given.get("curve", ()))
        return cls(**given)


@dataclass(frozen=True, slots=True)
class Broken:
    """A worker that cannot go on, and why. `expected` of what can happen to users; else it is a defect with its traceback."""

    told: str
    expected: bool
