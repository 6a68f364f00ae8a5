"""What an engine answers on demand: too much for every frame, and asked for by who looks at it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from qkt.runtime.control.rows import FillRow, LegSide, OrderRow, RunRow, Side
from qkt.runtime.control.values import Exact, Millis, Quoted, SessionName, Spoken, Text, Word


class CandleRow(Word):
    """A bar over [start, end). The one that is not `closed` goes on."""

    start: Millis
    end: Millis
    open: float
    high: float
    low: float
    close: float
    volume: float
    closed: bool = True


class Chart(Word):
    """The latest bars of a stream, oldest first, with what the session did in them: its fills on the symbol, its working
    orders, and its other streams, which can be asked for instead."""

    session: SessionName
    stream: str
    symbol: str
    timeframe: str
    digits: int | None = None
    candles: tuple[CandleRow, ...]
    fills: tuple[FillRow, ...] = ()
    orders: tuple[OrderRow, ...] = ()
    streams: tuple[str, ...] = ()


class OrderStep(Word):
    """One thing that happened to an order: `what` is a word such as submitted, accepted, filled, cancelled, refused."""

    ts: Millis | None = None
    what: str
    text: Quoted = ""


class OrderLife(Word):
    """An order from its beginning to what became of it. `status` is its last step's, `rule` numbered from 1. Of one that risk
    refused, side, kind and purpose are not known."""

    session: SessionName
    order: str
    symbol: str
    side: Side | None = None
    kind: str | None = None
    purpose: str | None = None
    status: str
    quantity: Exact
    filled: Exact
    price: Exact | None = None
    stop: Exact | None = None
    placed: Millis
    ended: Millis | None = None
    rule: int | None = None
    parent: str | None = None
    leg: str | None = None
    # Why it was refused or cancelled.
    reason: Quoted | None = None
    steps: tuple[OrderStep, ...] = ()


class SessionDigest(Word):
    """What a session did in a span of time."""

    session: SessionName
    account: str
    fills: int = 0
    realised: Exact
    refused: int = 0
    halts: tuple[Quoted, ...] = ()


class AccountDigest(Word):
    """What an account was worth at the beginning of a span, None where it is not known, and now."""

    account: str
    currency: str
    before: Exact | None = None
    now: Exact


class Digest(Word):
    """What happened while nobody looked: for whoever comes back."""

    since: Millis
    until: Millis
    # When the engine began anew.
    starts: tuple[Millis, ...] = ()
    sessions: tuple[SessionDigest, ...] = ()
    accounts: tuple[AccountDigest, ...] = ()


class Problem(Word):
    """Something wrong with a file, at a place of it; lines and columns from 1."""

    code: str
    severity: Literal["error", "warning"]
    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    hint: str | None = None


class CheckRequest(Word):
    """A strategy file of the engine's machine to be checked; with `text`, this text in the place of its content."""

    path: Text
    text: str | None = None


class ParamRow(Word):
    """A PARAM that can be given another value."""

    name: str
    value: str


class CheckReport(Word):
    """What is wrong with a file, and what it declares when it can be read."""

    path: str
    ok: bool
    kind: Literal["strategy", "portfolio", "python", "unknown"] = "unknown"
    name: str | None = None
    problems: tuple[Problem, ...] = ()
    symbols: tuple[str, ...] = ()
    params: tuple[ParamRow, ...] = ()
    # Why it could not be read at all.
    error: str | None = None


class FileRow(Word):
    """A strategy file that can be deployed. `deployed` names the sessions that run it."""

    path: str
    name: str
    folder: str
    kind: Literal["qkt", "python"]
    modified: Millis
    size: int
    deployed: tuple[SessionName, ...] = ()


class RunPoint(Word):
    """The curve of a back-test at a moment: equity in account currency, the fall from the peak in percent, at most zero."""

    ts: Millis
    equity: float
    drawdown_pct: float


class RunTrade(Word):
    """A closed trade of a back-test."""

    number: int
    symbol: str
    side: LegSide
    quantity: Exact
    opened: Millis
    closed: Millis
    entry: Exact
    exit: Exact
    pnl: Exact
    r: Exact | None = None
    reason: str


class RunResult(Word):
    """What came of a back-test; empty until it is done. `metrics` are those of `qkt backtest --json`, `warnings` too."""

    row: RunRow
    metrics: dict[str, str | float | int | bool | None] = Field(default_factory=dict)
    curve: tuple[RunPoint, ...] = ()
    trades: tuple[RunTrade, ...] = ()
    warnings: tuple[str, ...] = ()


class Story(Word):
    """Why a fill happened, as text."""

    run: str
    lines: tuple[Spoken, ...]


class ScenePart(Word):
    """What a scene shows of one thing."""

    title: Text
    lines: tuple[Spoken, ...]


class ScenePage(Word):
    """A run as it stood after its `place`-th input of `length`. `counts` tells how many there are of what one can step to."""

    run: str
    place: int
    length: int
    at: Millis
    fills: int
    balance: Exact
    equity: Exact
    counts: dict[str, int]
    parts: tuple[ScenePart, ...]


class Way(Word):
    """Where to go in a run: to a place, so many strides from it, or to the `number`-th of what a stride goes to; to its
    beginning when nothing is said."""

    place: int | None = None
    stride: Literal["tick", "bar", "fill", "rule"] = "tick"
    by: int = 0
    number: int | None = None
    width: int = Field(default=100, ge=40, le=400)
