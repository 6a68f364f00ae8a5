"""What a subscriber is told: hello, the whole state once, then what changed, lines as they come, and answers to commands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, TypeAdapter

from qkt.runtime.control.answers import Answer
from qkt.runtime.control.rows import (
    AccountRow,
    AlertRow,
    ExposureRow,
    FeedRow,
    FillRow,
    HaltRow,
    LimitRow,
    Line,
    MarketRow,
    Mode,
    OrderRow,
    PositionRow,
    Row,
    RuleRow,
    RunRow,
    StrategyRow,
    StreamRow,
    SystemRow,
)
from qkt.runtime.control.values import LATER, PROTOCOL, Millis, SessionName, Word

R = TypeVar("R", bound=Row)


def table(rows: Iterable[R]) -> dict[str, R]:
    """Rows by key."""
    return {row.key: row for row in rows}


class Tables(Word):
    """Everything that is shown, by table and key. The order of rows means nothing; a reader keeps each in its place."""

    strategies: dict[str, StrategyRow] = Field(default_factory=dict)
    positions: dict[str, PositionRow] = Field(default_factory=dict)
    orders: dict[str, OrderRow] = Field(default_factory=dict)
    fills: dict[str, FillRow] = Field(default_factory=dict)
    market: dict[str, MarketRow] = Field(default_factory=dict)
    limits: dict[str, LimitRow] = Field(default_factory=dict)
    halts: dict[str, HaltRow] = Field(default_factory=dict)
    alerts: dict[str, AlertRow] = Field(default_factory=dict)
    feeds: dict[str, FeedRow] = Field(default_factory=dict)
    accounts: dict[str, AccountRow] = Field(default_factory=dict)
    exposure: dict[str, ExposureRow] = Field(default_factory=dict)
    streams: dict[str, StreamRow] = Field(default_factory=dict)
    # Back-tests.
    runs: dict[str, RunRow] = Field(default_factory=dict)
    system: dict[str, SystemRow] = Field(default_factory=dict)
    # Of the session a subscriber looks at, only where it asked for one.
    rules: dict[str, RuleRow] = Field(default_factory=dict)

    def of(self, name: str) -> Mapping[str, Row]:
        rows: Mapping[str, Row] = getattr(self, name)
        return rows


TABLES: tuple[str, ...] = tuple(Tables.model_fields)


class Hello(Word):
    """Who answers: the first frame of every stream."""

    frame: Literal["hello"] = "hello"
    protocol: int = PROTOCOL
    version: str
    pid: int
    mode: Mode
    account: str
    started: Millis
    state_dir: str
    # The markets are invented, and their time is not the world's.
    demo: bool = False
    # The folder of the strategies that can be deployed by name.
    strategies_dir: str | None = None


class Snapshot(Word):
    """The whole state at one moment between two events. `version` grows with every change of it."""

    frame: Literal["snapshot"] = "snapshot"
    version: int
    ts: Millis
    tables: Tables


class Delta(Word):
    """What differs from the state at `base`: rows that are new or differ, and the keys of rows that are gone."""

    frame: Literal["delta"] = "delta"
    base: int
    version: int
    ts: Millis
    rows: Tables
    gone: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class Lines(Word):
    """Lines in order. `missed` counts those between the last one sent and the first of these that are no longer at hand."""

    frame: Literal["lines"] = "lines"
    lines: tuple[Line, ...]
    missed: int = 0


class Ack(Word):
    """How a command fares, told to everyone who listens, with who gave it."""

    frame: Literal["ack"] = "ack"
    author: str
    command: str
    answer: Answer


class Bye(Word):
    """The engine ends, and says so."""

    frame: Literal["bye"] = "bye"
    reason: str


class Subscribe(Word):
    """What a subscriber wants to see; it may say so anew at any time.

    `rate` is frames a second. No `tables` means all. `after` is the number of the last line it has, None for none of the
    past. `rules` names the session whose rules it looks at. Without `lines` none are sent.
    """

    protocol: int = PROTOCOL
    rate: Annotated[float, Field(ge=0.1, le=20)] = 4
    tables: tuple[str, ...] | None = None
    after: Annotated[int, Field(ge=0)] | None = None
    rules: SessionName | None = None
    lines: bool = True


Frame = Annotated[Hello | Snapshot | Delta | Lines | Ack | Bye, Field(discriminator="frame")]
FRAME: TypeAdapter[Frame] = TypeAdapter(Frame, config=LATER)


def difference(old: Snapshot, new: Snapshot) -> Delta:
    """What turns the old state into the new one."""
    rows: dict[str, Any] = {}
    gone: dict[str, tuple[str, ...]] = {}
    for name in TABLES:
        before, after = old.tables.of(name), new.tables.of(name)
        changed = {key: row for key, row in after.items() if (seen := before.get(key)) is not row and _differs(seen, row)}
        if changed:
            rows[name] = changed
        if left := before.keys() - after.keys():
            gone[name] = tuple(left)
    return Delta(base=old.version, version=new.version, ts=new.ts, rows=Tables.model_construct(**rows), gone=gone)


def _differs(old: Row | None, new: Row) -> bool:
    """Whether two rows of a table differ. Their fields are compared at once, as rows of a table are of one type."""
    return old is None or old.__dict__ != new.__dict__


def fold(state: Snapshot, delta: Delta) -> Snapshot:
    """The state after a delta. Raises ValueError when it is one of another state."""
    if delta.base != state.version:
        raise ValueError(f"a delta from version {delta.base} does not fit a state of version {state.version}")
    tables: dict[str, Any] = {}
    for name in TABLES:
        rows, new, left = state.tables.of(name), delta.rows.of(name), set(delta.gone.get(name, ()))
        if left:
            rows = {key: row for key, row in rows.items() if key not in left}
        tables[name] = {**rows, **new} if new else rows
    return Snapshot(version=delta.version, ts=delta.ts, tables=Tables.model_construct(**tables))
