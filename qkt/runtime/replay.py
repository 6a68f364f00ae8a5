"""Replays what a session recorded, and compares what comes out with what it did.

A recording of nothing but ticks goes through the back-test, as any history would, and every trade must be the same. What an
operator, a timer or the disk had a part in is done again input by input, and every effect must be the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from qkt.backtest.runner import run
from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.events import Tick
from qkt.ledger import TradeRow
from qkt.runtime.errors import StateError
from qkt.runtime.inputs import CommandInput, TickInput
from qkt.runtime.journal import Journal, Registration
from qkt.runtime.machine import SessionMachine
from qkt.runtime.recorder import tape_folder
from qkt.runtime.recording import opened, registered
from qkt.runtime.recovery import Recovery
from qkt.runtime.setup import Terms, load_strategy
from qkt.runtime.state import owner
from qkt.runtime.tape import read_tape
from qkt.runtime.tape_source import RecordedTicks, in_total_order

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay found. `divergence` names the first difference, None when there is none; `fills` were compared.

    `way` is `back-test` for a recording of ticks alone, else `inputs`.
    """

    session: str
    run: int
    inputs: int
    ticks: int
    fills: int
    way: Literal["back-test", "inputs"]
    divergence: str | None


def replay(state: Path, name: str, day: dt.date | None = None) -> Replay:
    """Replay a session from its beginning, of one that runs as far as its journal goes now; with a `day` (UTC) only the fills
    of that day are compared.

    Raises SessionError when no such session is registered, StateError when its state cannot be read.
    """
    with opened(state) as journal, TemporaryDirectory() as scratch:
        return _replayed(state, journal, registered(journal, state, name), day, Path(scratch))


def _replayed(state: Path, journal: Journal, registration: Registration, day: dt.date | None, scratch: Path) -> Replay:
    tape = tape_folder(state, registration.run)
    ticks: list[Tick] = []
    inputs, alone = 0, True
    # An engine that runs goes on writing both: what its journal does not know yet is left out of both.
    known = journal.last_input(registration.run) if owner(state) is not None else None
    for number, item in read_tape(tape, journal.kept(registration.run)):
        if known is not None and number > known:
            break
        inputs = number
        if isinstance(item, TickInput) and not item.history:
            ticks.append(item.tick)
        elif not (isinstance(item, CommandInput) and item.command == "source"):
            alone = False
    terms = Terms.from_json(registration.settings)
    settings = terms.settings(scratch)
    strategy = load_strategy(registration.file, registration.source, registration.params, scratch, terms.book)
    alone = alone and not journal.of_kind(registration.run, ["fault"], 1)
    symbols = list(dict.fromkeys((*(s.symbol for s in strategy.streams if s.fed), *settings.markets)))
    fills = [(at, effect.value) for at, effect in journal.of_kind(registration.run, ["fill"], 1 << 31)]
    kept = [value for at, value in fills if at <= inputs and _on(value["timestamp"], day)]
    if not (alone and ticks and in_total_order(ticks, symbols)):
        clock = EventClock()
        machine = SessionMachine(registration.name, strategy, settings, EventBus(clock), clock)
        try:
            Recovery(machine, tape, journal, registration.run).run()
            divergence = None
        except StateError as problem:
            divergence = problem.found
        return Replay(registration.name, registration.run, inputs, len(ticks), len(kept), "inputs", divergence)
    sources = {symbol: RecordedTicks(symbol, [tick for tick in ticks if tick.symbol == symbol]) for symbol in symbols}
    record = run(strategy, sources, settings, start=settings.begin, params=registration.params)
    trades = [row for row in record.trades if _on(row.timestamp, day)]
    return Replay(
        registration.name, registration.run, inputs, len(ticks), len(kept), "back-test", first_difference(kept, trades)
    )


def first_difference(journaled: Sequence[dict[str, Any]], trades: Sequence[TradeRow]) -> str | None:
    """The first fill that differs, in words; None when all are the same to the last digit."""
    for place, (was, now) in enumerate(zip(journaled, trades, strict=False), 1):
        for field in fields(TradeRow):
            old, new = was.get(field.name), _plain(getattr(now, field.name))
            if old != new:
                return f"fill {place} ({now.order_id} at {now.timestamp}): {field.name} was {old!r}, the replay has {new!r}"
    if len(journaled) != len(trades):
        more = journaled[len(trades)]["order_id"] if len(journaled) > len(trades) else trades[len(journaled)].order_id
        return f"{len(journaled)} fills were journaled, the replay has {len(trades)}; the first that differs is {more}"
    return None


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value) if isinstance(value, str) else value


def _on(ts: int, day: dt.date | None) -> bool:
    if day is None:
        return True
    midnight = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
    return ts // DAY_MS == round(midnight.timestamp()) * 1000 // DAY_MS
