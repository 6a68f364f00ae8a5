"""An engine of rows in memory, for tests of what is between it and its operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import anyio

from qkt.runtime.control.answers import Answer, Changed, Done, Failed, Remaining, Step
from qkt.runtime.control.commands import Command, Deploy, Halt, Kill, Reconcile, Resume, Stop
from qkt.runtime.control.desk import stem
from qkt.runtime.control.details import (
    CandleRow,
    Chart,
    CheckReport,
    CheckRequest,
    Digest,
    FileRow,
    OrderLife,
    RunResult,
    ScenePage,
    ScenePart,
    Story,
    Way,
)
from qkt.runtime.control.engine import Health, SessionHealth
from qkt.runtime.control.errors import ControlError, UnknownSessionError
from qkt.runtime.control.frames import Hello, Snapshot, Tables
from qkt.runtime.control.rows import (
    EquityPoint,
    FillRow,
    HaltRow,
    Line,
    MarketRow,
    PositionRow,
    Row,
    RuleRow,
    RuleTerms,
    StrategyRow,
    Term,
)

NOW = 1_704_873_600_000


def strategy(name: str, **values: Any) -> StrategyRow:
    zero = Decimal(0)
    given = {
        "state": "RUN",
        "account": "paper",
        "mode": "PAPER",
        "file": f"/strategies/{name}.qkt",
        "started": NOW,
        "symbols": ("PAPER:XAUUSD",),
        "equity": Decimal(10_000),
        "balance": Decimal(10_000),
        **dict.fromkeys(("day_pnl", "open_pnl", "realised", "drawdown_pct", "max_drawdown_pct"), zero),
        **dict.fromkeys(("positions", "orders", "trades"), 0),
    }
    return StrategyRow.model_validate({"name": name, **given, **values})


def rested(name: str, positions: int = 1) -> StrategyRow:
    """A session as it is read from the journal, which has no prices."""
    unknown = ("day_pnl", "drawdown_pct", "max_drawdown_pct", *(("equity", "open_pnl") if positions else ()))
    return strategy(name, state="STOPPED", symbols=(), positions=positions, **dict.fromkeys(unknown))


def position(session: str, leg: str = "1", **values: Any) -> PositionRow:
    given = {
        "account": "paper",
        "symbol": "PAPER:XAUUSD",
        "side": "LONG",
        "quantity": Decimal("0.10"),
        "entry": Decimal("2411.35"),
        "opened": NOW,
    }
    return PositionRow.model_validate({"session": session, "leg": leg, **given, **values})


def fill(session: str, number: int) -> FillRow:
    return FillRow(
        session=session,
        account="paper",
        number=number,
        ts=NOW + number,
        order=f"o{number}",
        symbol="PAPER:XAUUSD",
        side="BUY",
        quantity=Decimal("0.10"),
        price=Decimal("2411.350"),
        cost=Decimal("0.35"),
        purpose="entry",
    )


class FakeEngine:
    """Holds what it is given; a test changes it with `put`, `drop`, `say`. `hold` keeps commands from settling until set."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Any]] = {name: {} for name in Tables.model_fields}
        self.said: list[Line] = []
        self.filled: list[FillRow] = []
        self.performed: list[Command] = []
        self.begun: list[Command] = []
        # What an engine keeps beyond its own life.
        self.recorded: dict[str, tuple[Command, Answer]] = {}
        self.snapshots = 0
        self.hold: anyio.Event | None = None
        self.touch: dict[str, int] = {}
        self._version = 1
        self._changed = anyio.Event()

    def put(self, name: str, row: Row, *, touch: str | None = None) -> None:
        self.tables[name] = {**self.tables[name], row.key: row}
        self._bump(touch)

    def drop(self, name: str, key: str) -> None:
        self.tables[name] = {one: row for one, row in self.tables[name].items() if one != key}
        self._bump()

    def say(self, text: str, **values: Any) -> None:
        given = {"ts": NOW, "level": "INFO", "kind": "log", "scope": "engine"}
        self.said.append(Line.model_validate({"number": len(self.said) + 1, "text": text, **given, **values}))
        self._bump()

    def _bump(self, touch: str | None = None) -> None:
        self._version += 1
        if touch is not None:
            self.touch[touch] = self._version
        self._changed.set()
        self._changed = anyio.Event()

    def hello(self) -> Hello:
        return Hello(version="0", pid=1, mode="PAPER", account="paper", started=NOW, state_dir="/state")

    def health(self) -> Health:
        sessions = tuple(
            SessionHealth(name=row.name, state=row.state, halted=row.halt is not None)
            for row in self.tables["strategies"].values()
        )
        issues = tuple(f"{one.name} is halted" for one in sessions if one.halted)
        return Health(status="ready", pid=1, uptime_s=90061.0, sessions=sessions, issues=issues)

    @property
    def version(self) -> int:
        return self._version

    def snapshot(self) -> Snapshot:
        self.snapshots += 1
        return Snapshot(version=self._version, ts=NOW, tables=Tables.model_validate(self.tables))

    async def changed(self, version: int) -> None:
        while self._version == version:
            await self._changed.wait()

    def touched(self, sessions: Sequence[str]) -> int:
        return max((self.touch.get(name, 0) for name in sessions or self.touch), default=0)

    def recall(self, command_id: str) -> tuple[Command, Answer] | None:
        return self.recorded.get(command_id)

    async def begin_command(self, command: Command) -> None:
        self.begun.append(command)

    async def settle_command(self, command: Command, answer: Answer) -> None:
        self.recorded[command.id] = command, answer

    async def perform(self, command: Command, progress: Callable[[Step], None]) -> Done | Failed | Changed:
        self.performed.append(command)
        progress(Step(done=0, of=1))
        if self.hold is not None:
            await self.hold.wait()
        names = self._affected(command)
        match command:
            case Deploy():
                if names[0] in self.tables["strategies"]:
                    raise ControlError(f"the name '{names[0]}' is taken", remedy="choose another with --as")
                self.put("strategies", strategy(names[0]), touch=names[0])
            case Halt(reason=reason):
                for name in names:
                    self.put("strategies", strategy(name, halt="operator"), touch=name)
                    self.put("halts", HaltRow(scope=name, kind="operator", reason=reason, since=NOW))
            case Resume():
                for name in names:
                    self.put("strategies", strategy(name), touch=name)
            case Stop(flatten=False, leave_unprotected=False) if held := self._unprotected(names):
                return Failed(id=command.id, kind="unprotected", found="1 position would be unprotected", remaining=held)
            case Stop():
                self.put("strategies", strategy(names[0], state="STOPPED"), touch=names[0])
            case Kill(flatten=True) if left := self._unprotected(names):
                found = "not everything could be closed"
                return Failed(id=command.id, kind="refused", found=found, affected=names, remaining=left)
            case Kill(flatten=flatten):
                return Done(id=command.id, affected=names, flat=True if flatten else None)
            case Reconcile():
                return Done(id=command.id, affected=names, text="books and venue agree")
            case _:
                raise ValueError("a defect")
        return Done(id=command.id, affected=names)

    def _affected(self, command: Command) -> tuple[str, ...]:
        known = self.tables["strategies"]
        if isinstance(command, Deploy):
            return (command.name or stem(command.path),)
        name = getattr(command, "name", None)
        if name is not None and name not in known:
            raise UnknownSessionError(name, known)
        return tuple(known) if name is None else (name,)

    def _unprotected(self, names: Sequence[str]) -> tuple[Remaining, ...]:
        return tuple(
            Remaining(
                session=row.session,
                symbol=row.symbol,
                leg=row.leg,
                side=row.side,
                quantity=row.quantity,
                protection=", ".join(row.engine_held),
            )
            for row in self.tables["positions"].values()
            if row.session in names and row.engine_held
        )

    def rules(self, session: str) -> Sequence[RuleRow]:
        if session not in self.tables["strategies"]:
            raise UnknownSessionError(session, self.tables["strategies"])
        return [
            RuleRow(session=session, number=1, line=7, text="WHEN atr(gold, 14) > 1.2 THEN BUY gold", value="1.34", true=True)
        ]

    def terms(self, session: str, rule: int) -> RuleTerms:
        return RuleTerms(rule=self.rules(session)[rule - 1], terms=(Term(text="atr(gold, 14)", value="1.34"),))

    def lines(self, after: int, *, session: str | None = None, since: int | None = None, limit: int = 1000) -> Sequence[Line]:
        found = [
            line
            for line in self.said[after:]
            if (session is None or line.scope == session) and (since is None or line.ts >= since)
        ]
        return found[-limit:]

    def fills(self, session: str | None = None, *, limit: int = 1000) -> Sequence[FillRow]:
        return [one for one in self.filled if session in (None, one.session)][-limit:]

    def equity(self, session: str | None = None, *, since: int = 0, most: int | None = None) -> Sequence[EquityPoint]:
        return [EquityPoint(ts=NOW, equity=Decimal("10000.50"), balance=Decimal(10_000))]

    def chart(self, session: str, stream: str | None = None, *, limit: int = 500) -> Chart:
        bar = CandleRow(start=NOW, end=NOW + 60_000, open=1.0, high=2.0, low=0.5, close=1.5, volume=3.0)
        return Chart(session=session, stream=stream or "gold", symbol="PAPER:XAUUSD", timeframe="1m", candles=(bar,))

    def orders(self, session: str | None = None, *, order: str | None = None, limit: int = 200) -> Sequence[OrderLife]:
        return []

    def digest(self, since: int) -> Digest:
        return Digest(since=since, until=NOW)

    async def check(self, wanted: CheckRequest) -> CheckReport:
        return CheckReport(path=wanted.path, ok=True)

    async def files(self) -> Sequence[FileRow]:
        return []

    async def run(self, run: str) -> RunResult:
        raise ControlError(f"there is no run {run}")

    async def story(self, session: str, *, fill: int | None = None, order: str | None = None, width: int = 100) -> Story:
        return Story(run=session, lines=(f"fill {fill} of order {order}", f"{width} columns"))

    async def travel(self, run: str, way: Way) -> ScenePage:
        part = ScenePart(title="Happened", lines=(f"{way.stride} {way.by}",))
        return ScenePage(
            run=run,
            place=(way.place or 1) + way.by,
            length=1000,
            at=NOW,
            fills=2,
            balance=Decimal(10_000),
            equity=Decimal(10_001),
            counts={"tick": 1000, "bar": 50, "fill": 2, "rule": 3},
            parts=(part,),
        )


def market(symbol: str, bid: str) -> MarketRow:
    return MarketRow(symbol=symbol, feed="file", bid=Decimal(bid), ticks=1, rate=Decimal(1), ts=NOW)
