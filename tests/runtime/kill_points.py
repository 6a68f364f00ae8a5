"""Kills an engine at random points of its work, as often as it takes, and compares what it comes to with a run left alone.

    python -m tests.runtime.kill_points --runs 300

Every engine is a process of its own that dies of SIGKILL: at a tick, in the middle of a block of its tape, before, inside or
after a transaction of its journal. The next one on the same state goes on. The market is a replay, so the end must be the
same: trades, positions, orders, levels, halts and equity, to the last digit, and a journal without a double.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import random
import shutil
import signal
import sqlite3
import tempfile
import traceback
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio

from qkt.core.events import Tick
from qkt.risk import LossLimits, RiskLimits, StrategyLimits
from qkt.runtime import committer, tape
from qkt.runtime.control import commands as ask
from qkt.runtime.control.answers import Done
from qkt.runtime.engine import Engine
from qkt.runtime.journal import Journal
from qkt.runtime.markets import OwnFeeds
from qkt.runtime.setup import Terms, load_strategy, read_strategy
from qkt.runtime.tape import TapeWriter
from qkt.runtime.tape_blocks import Block
from tests.runtime.samples import BOOK, CROSS, FAILING, ListFeed, strategy_file, ticks

TICKS = 1150
# The children of the book are the file before it.
STRATEGIES = {
    "cross": ("cross.qkt", CROSS),
    "fails": ("fails.py", FAILING),
    "book": ("book.qkt", BOOK),
    "streaky": ("streaky.qkt", CROSS.replace("STRATEGY cross", "STRATEGY streaky")),
}
LIMITS = RiskLimits(
    losses=LossLimits(max_daily_loss=Decimal(1_000), max_drawdown_pct=Decimal(5)),
    strategies={"streaky": StrategyLimits(loss_streak_halt=1)},
)
WITHIN = 90
"""Seconds that one engine may take."""


Point = tuple[str, int]
"""The n-th point of a kind: `event` or `write`."""


class Points:
    """Counts the points at which a process can die, and dies at one of them."""

    def __init__(self, fatal: Point | None) -> None:
        self.passed = {"event": 0, "write": 0}
        self._fatal = fatal

    def here(self, kind: str = "write", last_words: Callable[[], None] | None = None) -> None:
        self.passed[kind] += 1
        if (kind, self.passed[kind]) == self._fatal:
            if last_words is not None:
                last_words()
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """Put points into everything that handles an input or writes."""
        append, put, fsync = TapeWriter.append_tick, TapeWriter.write, os.fsync
        register, commit = Journal.register, Journal.commit

        def append_tick(writer: TapeWriter, *given: Any) -> int:
            self.here("event")
            return append(writer, *given)

        def write_block(writer: TapeWriter, block: Block) -> None:
            if writer._file is not None:
                self.here(last_words=lambda: _torn(writer, block))
            put(writer, block)

        def sync(handle: int) -> None:
            self.here()
            fsync(handle)

        def commit_effects(journal: Journal, *given: Any) -> None:
            self.here()
            journal._writer.set_trace_callback(self._statement)
            commit(journal, *given)
            journal._writer.set_trace_callback(None)
            self.here()

        def registered(journal: Journal, *args: Any, **given: Any) -> Any:
            self.here()
            found = register(journal, *args, **given)
            self.here()
            return found

        TapeWriter.append_tick = append_tick  # type: ignore[method-assign]
        TapeWriter.write = write_block  # type: ignore[method-assign]
        tape.os.fsync = sync  # type: ignore[attr-defined]
        Journal.commit = commit_effects  # type: ignore[method-assign, assignment]
        Journal.register = registered  # type: ignore[method-assign]

    def _statement(self, text: str) -> None:
        """Inside a transaction: after each row, and at its commit."""
        self.here()


def _torn(writer: TapeWriter, block: Block) -> None:
    """Half of a block reaches the file."""
    assert writer._file is not None
    writer._file.write(block.stored[: random.randrange(1, len(block.stored))])


async def _work(folder: Path, source: list[Tick]) -> dict[str, Any]:
    """One engine to the end of its market."""
    async with Engine(folder / "state", OwnFeeds(lambda: ListFeed(source)), terms=Terms(limits=LIMITS)) as engine:
        for name, (file, text) in STRATEGIES.items():
            if name in engine.hosted:
                continue
            path = strategy_file(folder, text, file)
            command: ask.Command = ask.Start(id=f"start-{name}", author="me", name=name)
            if name not in engine.known():
                command = ask.Deploy(id=f"deploy-{name}", author="me", path=str(path), name=name)
            answer = await engine.perform(command, lambda step: None)
            assert isinstance(answer, Done), answer
        for name in STRATEGIES:
            await engine.hosted[name].pump.ended.wait()
        return _result(engine)


def _result(engine: Engine) -> dict[str, Any]:
    shown = engine.snapshot().tables
    found: dict[str, Any] = {}
    for name, hosted in engine.hosted.items():
        books = hosted.live.machine.session.books
        journal = [
            (kind, data) for _, effects in engine.journal.effects(hosted.live.registration.run) for kind, data in effects
        ]
        found[name] = {
            "trades": [repr(row) for row in books.trades],
            "trips": [repr(row) for row in books.round_trips],
            "journal": [entry for entry in journal if entry[0] not in ("block", "unblock")],
            "equity": str(hosted.live.machine.equity()),
            "halted": repr(hosted.live.machine.halted),
            "inputs": hosted.live.recorder.next,
        }
    for name in ("positions", "orders", "halts"):
        found[name] = {key: row.model_dump(mode="json") for key, row in getattr(shown, name).items()}
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def _engine(folder: Path, source: list[Tick], fatal: Point | None) -> tuple[int, dict[str, int]]:
    """Run an engine in a process of its own. Returns its status, as `os.waitpid` has it, and the points it passed."""
    counted = folder / "points"
    counted.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(WITHIN)
            points = Points(fatal)
            points.install()
            committer.PATIENCE = math.inf  # a processor that is busy is no disk that hangs
            result = anyio.run(_work, folder, source)
            (folder / "result.json").write_text(json.dumps(result))
            counted.write_text(json.dumps(points.passed))
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    status = os.waitpid(child, 0)[1]
    return status, json.loads(counted.read_text()) if counted.exists() else {}


def main(runs: int, seed: int) -> int:
    """Returns how many of the runs came to something else. Prints the first that did."""
    rng = random.Random(seed)
    source = list(ticks(TICKS))
    logging.disable()  # one of the strategies fails on purpose
    with tempfile.TemporaryDirectory() as name:
        alone = Path(name) / "alone"
        alone.mkdir()
        for file, text in STRATEGIES.values():  # what is compiled once is there in every process
            load_strategy(file, read_strategy(strategy_file(alone, text, file)), {}, alone)
        status, points = _engine(alone, source, None)
        assert status == 0, "the run that is left alone failed"
        expected = json.loads((alone / "result.json").read_text())
        assert "loss" in expected["streaky"]["halted"], "no limit is broken"
        for trades in (expected["cross"]["trades"], expected["book"]["trades"]):
            assert len(trades) >= 8, "a sample hardly trades"
        wrong = kills = 0
        for run in range(runs):
            folder = Path(name) / str(run)
            folder.mkdir()
            trail: list[Point | None] = []
            while True:
                kind = rng.choice(sorted(points))
                fatal = (kind, rng.randrange(1, points[kind] + 1)) if len(trail) < 3 else None
                trail.append(fatal)
                status, _ = _engine(folder, source, fatal)
                if status == 0:
                    break
                if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
                    print(f"run {run}, killed at {trail}: the engine failed by itself ({status})")
                    return runs
                kills += 1
            got = json.loads((folder / "result.json").read_text())
            with sqlite3.connect(folder / "state" / "journal.sqlite") as db:
                sound = db.execute("pragma integrity_check").fetchone()[0] == "ok"
            if got != expected or not sound:
                wrong += 1
                print(f"run {run}, killed at {trail}: {_first_difference(got, expected) or 'the journal is not sound'}")
            shutil.rmtree(folder)
        print(
            f"{runs} runs, {kills} kills at {points['event']} events and {points['write']} writes, "
            f"{runs - wrong} equal to the run left alone"
        )
    return wrong


def _first_difference(got: dict[str, Any], expected: dict[str, Any]) -> str:
    for key in expected:
        if got.get(key) != expected[key]:
            if isinstance(expected[key], dict) and isinstance(got.get(key), dict):
                return f"{key}.{_first_difference(got[key], expected[key])}"
            return f"{key}: {str(got.get(key))[:600]} instead of {str(expected[key])[:600]}"
    return ""


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    raise SystemExit(1 if main(given.runs, given.seed) else 0)
