"""A recording that is skimmed leaves the same session behind as one that is done again tick by tick, to the bit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qkt.core.events import Tick
from qkt.engine import TickCandles
from qkt.runtime.inputs import CommandInput, Input, TickInput, TimerInput
from qkt.runtime.journal import Journal
from qkt.runtime.machine import SessionMachine
from qkt.runtime.recovery import Recovery
from qkt.runtime.skim import Skimmer
from qkt.runtime.tape import TapeWriter, read_runs, read_tape
from qkt.runtime.tape_runs import TickRun
from tests.runtime.samples import CROSS, START, machine

SYMBOLS = ("SIM:EURUSD", "SIM:GBPUSD")
MANY = """STRATEGY many VERSION 1
SYMBOLS
    eu = SIM:EURUSD EVERY 1m,
    slow = SIM:EURUSD EVERY 5m,
    gb = SIM:GBPUSD EVERY 1m
LET quick = ema(eu.close, 3), calm = ema(slow.close, 4)
RULES
    WHEN quick CROSSES ABOVE calm AND POSITION.eu = 0
    THEN BUY eu SIZING 0.3 BRACKET { STOP LOSS TRAILING 0.0004 AFTER MFE >= 0.0002, TAKE PROFIT BY 0.0020 }
    WHEN quick CROSSES BELOW calm AND OPEN_ORDERS.eu = 0
    THEN SELL eu SIZING 0.1 LIMIT AT eu.close + 0.0004 BRACKET { STOP LOSS BY 0.0009, TAKE PROFIT RR 1 } TIF GTD UNTIL NOW + 9m
    WHEN ema(gb.close, 2) CROSSES ABOVE ema(gb.close, 5) AND POSITION.gb = 0
    THEN BUY gb SIZING 0.2 STOP AT gb.close + 0.0002 BRACKET { STOP LOSS BY 0.0007, TAKE PROFIT BY 0.0007 } TIME_EXIT AFTER 6m
"""


def market(rng: random.Random, count: int, volumes: bool) -> Iterator[Input]:
    """Quotes of two symbols at an uneven pace, with stillness, jumps, ticks at one time, operators and timers between."""
    ts, middles = START, {symbol: 1.1 + place for place, symbol in enumerate(SYMBOLS)}
    for n in range(count):
        ts += rng.choice((0, 100, 400, 900, 900, 30_000)) if rng.random() < 0.3 else 250
        symbol = SYMBOLS[rng.random() < 0.4]
        middles[symbol] = round(
            middles[symbol] + rng.choice((-1, 0, 1)) * rng.choice((1, 1, 2, 25 if rng.random() < 0.01 else 1)) * 1e-5, 5
        )
        bid, ask = round(middles[symbol] - 4e-5, 5), round(middles[symbol] + 4e-5, 5)
        tick = Tick(symbol, ts, round((bid + ask) / 2, 6), bid, ask, rng.randrange(9) / 7 if volumes else None)
        if rng.random() < 0.0005:
            tick.bid = tick.ask = None
        yield TickInput(tick, n + 1)
        if rng.random() < 0.0007:
            yield TimerInput(ts)
        if rng.random() < 0.0004:
            yield CommandInput(ts, *rng.choice((("flatten", "me"), ("cancel", "me"))))


def state_of(one: SessionMachine) -> dict[str, Any]:
    """All that can be seen of a session, and what it waits for."""
    session = one.session
    feed = session.candles
    assert isinstance(feed, TickCandles)
    books = session.books
    return {
        "trades": books.trades,
        "trips": books.round_trips,
        "legs": [
            (leg.id, leg.high, leg.low, leg.quantity)
            for book in books.strategies.values()
            for legs in book.open_books()
            for leg in legs
        ],
        "peaks": [book.peak_f for book in books.strategies.values()],
        "candles": [[builder.unfinished for builder in feed.builders(symbol)] for symbol in SYMBOLS],
        "bars": [list(one.candles.bars(stream.alias, 1000)) for stream in one.strategy.streams],
        "quotes": [(one.board.quote(symbol), one.board.spread(symbol)) for symbol in SYMBOLS],
        "orders": [(order.id, order.state, order.stop, order.limit, order.quantity) for order in session.orders.live_orders()],
        "waits": [repr(watch) for watch in session.waits.watches()],
        "history": list(one.history.samples.since(0)),
        "time": (one.last_ts, session.last_ts, one.ticks, session.due, session.next_timer),
    }


@pytest.mark.parametrize("text", [CROSS, MANY], ids=["cross", "many"])
@pytest.mark.parametrize("seed", range(3))
def test_a_skimmed_recording_leaves_the_same_session(tmp_path: Path, text: str, seed: int) -> None:
    rng = random.Random(seed)
    inputs = list(market(rng, 9000, volumes=bool(seed % 2)))
    cut = len(inputs) * 2 // 3
    done, writer = machine(tmp_path, text), TapeWriter(tmp_path / "tape")
    journal = Journal(tmp_path)
    led = []
    for item in inputs[:cut]:
        number = writer.append(item)
        done.handle(item)
        effects = done.effects.take()
        if effects:
            led.append((number, effects))
        if rng.random() < 0.03:
            writer.flush()
    writer.close()
    assert len(done.session.books.trades) >= 3
    skimmed = machine(tmp_path, text)
    assert Skimmer(skimmed).able
    recovery = Recovery(skimmed, tmp_path / "tape", journal, 1)  # to which nobody says where something happened
    visited = sum(1 for _ in recovery)
    assert visited < cut * 0.8
    assert recovery.done.unsaved == led
    assert state_of(skimmed) == state_of(done)
    for item in inputs[cut:]:
        done.handle(item)
        skimmed.handle(item)
    assert state_of(skimmed) == state_of(done)


@pytest.mark.parametrize("seed", range(4))
def test_runs_hold_what_the_tape_holds(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    writer = TapeWriter(tmp_path, segment_bytes=30_000)
    for item in market(rng, 3000, volumes=seed < 2):
        writer.append(item)
        if rng.random() < 0.05:
            writer.flush()
    writer.close()
    found: list[tuple[int, Input]] = []
    for item in read_runs(tmp_path):
        found += [(item.first + at, item.tick(at)) for at in range(len(item))] if isinstance(item, TickRun) else [item]
    assert found == list(read_tape(tmp_path))
