"""Requests that make no sense, to an engine that trades: `python -m tests.runtime.fuzz COUNT [SEED]`.

Malformed, cut off, oversized, deep, of wrong types, twice under one id, several at once. Each answer must be one of ours in a
sentence and no defect; the engine goes on trading, and nothing is done twice. Exit code 1 when anything was mistreated.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import anyio
import anyio.abc

from qkt.runtime.control.hub import Hub
from qkt.runtime.control.serving import serving
from qkt.runtime.engine import Engine
from qkt.runtime.markets import OwnFeeds
from tests.fuzzing import told
from tests.runtime.samples import ListFeed, strategy_file, ticks

PATHS = (
    "/health", "/v1/hello", "/v1/snapshot", "/v1/commands/abcdefgh", "/v1/lines?after=1&session=one&since=5&limit=9",
    "/v1/fills?session=one&limit=5", "/v1/equity?session=one&since=0", "/v1/rules/one?terms=1", "/v1/chart/one?limit=9",
    "/v1/orders?session=one&limit=3", "/v1/digest?since=3", "/v1/files", "/v1/runs/1",
)  # fmt: skip
COMMANDS: tuple[dict[str, Any], ...] = (
    {"command": "halt", "name": "one", "reason": "why"},
    {"command": "resume", "name": "one"},
    {"command": "cancel", "name": "one", "order": "x"},
    {"command": "flatten", "name": "one"},
    {"command": "modify", "name": "one", "leg": "1", "stop": "1.0"},
    {"command": "deploy", "path": "/nowhere/x.qkt", "name": "two", "params": {"a": "1"}},
    {"command": "resync", "path": "/nowhere/x.qkt", "name": "one", "dry_run": True},
    {"command": "acknowledge", "alert": 1},
    {"command": "cancel-run", "run": "7"},
    {"command": "reconcile", "name": "one"},
)
WORDS: tuple[Any, ...] = (
    None, True, -1, 0, 1e308, 10**40, "", "one", "../one", "\x00", "é" * 300, "Infinity", [], {}, [[]], {"a": {}}, "9" * 5000,
)  # fmt: skip
WAIT = 20.0


def request(rng: Random, number: int) -> tuple[bytes, bool]:
    """One request, a valid one with something wrong in most, and whether its body is shorter than it says."""
    if rng.random() < 0.4:
        path = rng.choice(PATHS)
        if rng.random() < 0.7:
            path = _mangled(rng, path)
        method = rng.choice(("GET", "GET", "GET", "POST", "PUT", "HEAD", "get", "\x7f"))
        return f"{method} {path} HTTP/1.1\r\nhost: q\r\nconnection: close\r\n\r\n".encode("latin-1", "replace"), False
    word = {**rng.choice(COMMANDS), "id": f"fuzz-{rng.randrange(number + 1):08d}", "author": "fuzz"}
    for _ in range(rng.randrange(3)):
        key = rng.choice([*word, "seen", "wait", "unknown"])
        if rng.random() < 0.2:
            word.pop(key, None)
        else:
            word[key] = rng.choice(WORDS)
    body = json.dumps(word).encode()
    sort = rng.randrange(8)
    if sort == 0:
        body = bytearray(body)  # type: ignore[assignment]
        for _ in range(rng.randrange(1, 4)):
            body[rng.randrange(len(body))] = rng.randrange(256)  # type: ignore[index]
    elif sort == 1:
        body = body[: rng.randrange(len(body))]
    elif sort == 2:
        depth = rng.choice((10, 1000, 100_000))
        body = b"[" * depth + b"]" * rng.choice((0, depth))
    elif sort == 3:
        body = body[:-1] + b',"reason":"' + b"x" * rng.choice((5000,) * 5 + (3_000_000,) * 2 + (18_000_000,)) + b'"}'
    elif sort == 4:
        body = body[:-1] + b',"command":"halt","id":"fuzz-twice"}'
    length = rng.choice((len(body),) * 8 + (len(body) + 9, max(0, len(body) - 9), -1, 10**12))
    path = rng.choice(("/v1/commands", "/v1/commands?wait=0", "/v1/commands?wait=x", "/v1/check"))
    head = f"POST {path} HTTP/1.1\r\nhost: q\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    return head.encode() + bytes(body), length > len(body)


def _mangled(rng: Random, path: str) -> str:
    at = rng.randrange(1, len(path))
    more = rng.choice(
        ("%00", "%ff", "..", "/", "?", "&limit=-1", "=x", "=1e999", "9" * 400, "\x01", "%2e%2e%2f", " ", "{", "nan")
    )
    return rng.choice((path[:at] + more + path[at:], path[:at], path + more))


class Fuzzed:
    """Sends requests to the socket of an engine and judges what comes back. `became` counts, `mistreated` tells."""

    def __init__(self, socket: str) -> None:
        self.became: Counter[str] = Counter()
        self.mistreated: list[str] = []
        self._socket = socket

    async def send(self, data: bytes, hang_up: bool = False) -> bytes:
        """Returns the answer, empty when there was none."""
        answer = bytearray()
        async with await anyio.connect_unix(self._socket) as stream:
            with suppress(anyio.BrokenResourceError, OSError):  # answered before all of it was read
                await stream.send(data)
            if hang_up:
                return b""
            try:
                with anyio.fail_after(WAIT):
                    while True:
                        answer += await stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                pass
            except TimeoutError:
                return b"late"
        return bytes(answer)

    async def judge(self, data: bytes, hang_up: bool) -> None:
        """Whoever hangs up gets none; nobody else may wait for long."""
        answer = await self.send(data, hang_up)
        if hang_up:
            self.became["hung up"] += 1
            return
        head, _, body = answer.partition(b"\r\n\r\n")
        status = head.split(b" ", 2)[1].decode() if head.count(b" ") > 1 else "none"
        self.became[status] += 1
        if status.startswith(("5", "none")) or b"Traceback" in answer or answer == b"late":
            self.mistreated.append(f"{status}: {data[:300]!r} -> {body[:300]!r}")
        elif status.startswith("4") and b"content-type: application/json" in head.lower() and body:
            found = json.loads(body).get("found", "")
            if not found or "\n" in found or len(found) > 600:
                self.mistreated.append(f"no sentence: {data[:200]!r} -> {found[:300]!r}")


@dataclass
class Trading:
    """An engine that trades, and the path of its socket."""

    engine: Engine
    hub: Hub
    socket: str
    going: anyio.Event

    async def trades_on(self) -> bool:
        """Whether it still does. Its market moves only now."""
        live = self.engine.hosted["one"].live
        before = live.machine.ticks
        self.going.set()
        with anyio.move_on_after(WAIT):
            while live.machine.ticks == before:
                await anyio.sleep(0.01)
        return live.machine.ticks > before and self.engine.health().status == "ready"


@asynccontextmanager
async def trading() -> AsyncIterator[Trading]:
    """An engine with a session called `one`, after 20,000 ticks."""
    with tempfile.TemporaryDirectory(prefix="qktf") as name:
        folder = Path(name)
        feed = ListFeed(list(ticks(60_000)), {20_000: (going := anyio.Event())})
        async with (
            Engine(folder / "state", OwnFeeds(lambda: feed)) as engine,
            serving(engine, folder / "state") as (hub, endpoint),
        ):
            await engine.deploy(strategy_file(folder), "one", {})
            yield Trading(engine, hub, endpoint.path, going)


async def fuzz(count: int, seed: int) -> Fuzzed:
    """Send so many requests, up to four at a time."""
    rng = Random(seed)
    async with trading() as there:
        fuzzed = Fuzzed(there.socket)
        for number in range(0, count, 4):
            async with anyio.create_task_group() as tasks:
                for at in range(number, min(number + 4, count)):
                    data, short = request(rng, at)
                    tasks.start_soon(fuzzed.judge, data, short or rng.random() < 0.05)
        await _once(there.engine, fuzzed)
        if not await there.trades_on():
            fuzzed.mistreated.append("the engine trades no more")
    return fuzzed


async def _once(engine: Engine, fuzzed: Fuzzed) -> None:
    """The same halt many times at once is one halt."""
    word = {"command": "halt", "name": "one", "reason": "only once", "id": "fuzz-only-once", "author": "fuzz"}
    body = json.dumps(word).encode()
    head = f"POST /v1/commands HTTP/1.1\r\nhost: q\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    answers: set[bytes] = set()

    async def give() -> None:
        answers.add((await fuzzed.send(head + body)).partition(b"\r\n\r\n")[2])

    async with anyio.create_task_group() as tasks:
        for _ in range(12):
            tasks.start_soon(give)
    run = engine.registration("one").run
    halts = [one for _, one in engine.journal.of_kind(run, ["halt"], 1 << 20) if one.value.get("reason") == "only once"]
    if len(halts) != 1 or len(answers) != 1:
        fuzzed.mistreated.append(f"one halt was performed {len(halts)} times, with {len(answers)} answers")


if __name__ == "__main__":
    sys.exit(told("requests", fuzz))
