"""Back-tests that operators ask a running engine for: one after the other, each in a process of its own at low priority."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import anyio.to_thread
from anyio.streams.text import TextReceiveStream
from pydantic import ValidationError

from qkt.core.clock import Clock
from qkt.runtime.control.commands import Backtest
from qkt.runtime.control.details import RunResult
from qkt.runtime.control.errors import ControlError
from qkt.runtime.control.rows import RunRow

KEPT = 50
"""Runs remembered; the oldest that are over go."""
QUEUED = 20
NICE = 15
LINE = 1 << 26
"""Characters of one message of a run: its result is one."""

log = logging.getLogger(__name__)


class Runs:
    """The queue and what came of it. `work` is the task that carries it out; `moved` is called when something shown changed.

    `data` and `balance` are what a run gets that names no data of its own.
    """

    def __init__(self, moved: Callable[[], None], wall: Clock) -> None:
        self.data: tuple[str, ...] = ()
        self.balance = Decimal(10_000)
        self.currency = "USD"
        self.instruments: Path | None = None
        self.nice = NICE
        self._moved = moved
        self._wall = wall
        self._rows: OrderedDict[str, RunRow] = OrderedDict()
        self._asked: dict[str, Backtest] = {}
        # As text: a tenth of what it takes as values.
        self._results: dict[str, bytes] = {}
        self._recipes: dict[str, dict[str, Any]] = {}
        self._news = anyio.Event()
        self._current: tuple[str, anyio.CancelScope] | None = None

    def __iter__(self) -> Iterator[RunRow]:
        return iter(self._rows.values())

    def put(self, asked: Backtest) -> str:
        """Stand in the queue; returns the number of the run. Raises ControlError when it is full."""
        waiting = sum(row.state in ("queued", "running") for row in self._rows.values())
        if waiting >= QUEUED:
            raise ControlError(f"{waiting} back-tests wait already", remedy="cancel one, or wait")
        number = str(max((int(run) for run in self._rows), default=0) + 1)
        self._asked[number] = asked
        path = Path(asked.path)
        now = self._wall.now()
        self._rows[number] = RunRow(run=number, file=asked.path, name=path.stem, author=asked.author, state="queued", asked=now)
        self._forget()
        self._moved()
        self._news.set()
        return number

    def cancel(self, run: str) -> None:
        """Take a run out of the queue, or end it. Raises ControlError for one that is over or not known."""
        row = self._row(run)
        if row.state == "queued":
            self._change(run, state="cancelled", ended=self._wall.now())
        elif row.state == "running" and self._current is not None and self._current[0] == run:
            self._current[1].cancel()
        else:
            raise ControlError(f"run {run} is {row.state}", expected="one that is queued or running")

    async def result(self, run: str) -> RunResult:
        """What came of a run so far. Raises ControlError for one that is not known."""
        row = self._row(run)
        known = self._results.get(run)
        if known is None:
            return RunResult(row=row)
        result = await anyio.to_thread.run_sync(RunResult.model_validate_json, known)
        return result.model_copy(update={"row": row})

    def recipe(self, run: str) -> dict[str, Any]:
        """How a run that is done is done again. Raises ControlError for any other."""
        row = self._row(run)
        if run not in self._recipes:
            raise ControlError(f"run {run} is {row.state}", expected="one that is done")
        return self._recipes[run]

    async def work(self) -> None:
        """Carry out what stands in the queue, as long as the engine lives."""
        while True:
            run = next((run for run, row in self._rows.items() if row.state == "queued"), None)
            if run is None:
                self._news = anyio.Event()
                await self._news.wait()
                continue
            try:
                await self._carry_out(run)
            except Exception as problem:
                log.exception("back-test %s failed", run)
                self._change(run, state="failed", error=f"{type(problem).__name__}: {problem}", ended=self._wall.now())

    async def _carry_out(self, run: str) -> None:
        self._change(run, state="running", started=self._wall.now())
        with anyio.CancelScope() as scope:
            self._current = run, scope
            try:
                await self._in_child(run)
            finally:
                self._current = None
        if scope.cancelled_caught:
            self._change(run, state="cancelled", ended=self._wall.now())

    async def _in_child(self, run: str) -> None:
        process = await anyio.open_process(
            [sys.executable, "-m", "qkt.runtime.run_child"],
            stdin=-1,
            stdout=-1,
            stderr=-1,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        async with process, anyio.create_task_group() as tasks:
            try:
                assert process.stdin is not None
                assert process.stderr is not None
                said: list[str] = []
                tasks.start_soon(_hear, process.stderr, said)
                await process.stdin.send((json.dumps(self._request(run)) + "\n").encode())
                await process.stdin.aclose()
                await self._follow(run, process)
                await process.wait()
                if self._rows[run].state == "running":
                    last = "".join(said).strip().splitlines()[-1:] or [f"it ended with {process.returncode}"]
                    self._change(run, state="failed", error=last[0], ended=self._wall.now())
            finally:
                if process.returncode is None:
                    process.kill()

    def _request(self, run: str) -> dict[str, Any]:
        asked = self._asked[run]
        return {
            "path": asked.path,
            "data": list(asked.data or self.data),
            "start": asked.start,
            "end": asked.end,
            "params": asked.params,
            "balance": str(self.balance),
            "currency": self.currency,
            "instruments": None if self.instruments is None else str(self.instruments),
            "nice": self.nice,
        }

    async def _follow(self, run: str, process: anyio.abc.Process) -> None:
        """Messages of the child, a JSON document on a line each."""
        assert process.stdout is not None
        waiting = ""
        async for text in TextReceiveStream(process.stdout):
            waiting += text
            *lines, waiting = waiting.split("\n")
            for line in lines:
                self._heard(run, json.loads(line))
            if len(waiting) > LINE:
                raise ControlError(f"run {run} sends more than {LINE:,} characters at once")

    def _heard(self, run: str, message: dict[str, Any]) -> None:
        if "progress" in message:
            self._change(run, **message["progress"])
        elif "error" in message:
            self._change(run, state="failed", error=message["error"], ended=self._wall.now())
        else:
            self._change(run, state="done", ended=self._wall.now(), progress_pct=Decimal(100), **message["figures"])
            try:
                self._recipes[run] = message["recipe"]
                result = RunResult.model_validate({"row": self._rows[run], **message["result"]})
                self._results[run] = result.model_dump_json().encode()
            except ValidationError as problem:
                self._change(run, state="failed", error=f"its result cannot be read: {problem.errors()[0]['msg']}")

    def _change(self, run: str, **values: Any) -> None:
        row = self._rows[run]
        self._rows[run] = RunRow.model_validate({**row.model_dump(), **values})
        self._moved()

    def _row(self, run: str) -> RunRow:
        row = self._rows.get(run)
        if row is None:
            known = ", ".join(self._rows) or "none yet"
            raise ControlError(f"there is no run {run}", expected=f"one of {known}")
        return row

    def _forget(self) -> None:
        over = [run for run, row in self._rows.items() if row.state not in ("queued", "running")]
        for run in over[: max(0, len(self._rows) - KEPT)]:
            for kept in (self._rows, self._asked, self._results, self._recipes):
                kept.pop(run, None)


async def _hear(stream: anyio.abc.ByteReceiveStream, said: list[str]) -> None:
    """What the child complains of, the end of it."""
    async for chunk in stream:
        said.append(chunk.decode(errors="replace"))
        del said[:-20]
