"""Whoever looks at an engine is received by a process of its own. The engine only hands it what it asks for, now and then, and
its lines as they come; a hundred requests a second, and readers that never read, are no business of the loop that trades.

The engine holds the socket. The process is started when somebody knocks for the first time, and again when it was lost.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import anyio
import anyio.abc
import anyio.lowlevel
from anyio.streams.buffered import BufferedByteReceiveStream

from qkt.runtime.control.rows import Line

WAITING = 25_000
"""Lines that wait for a process that does not take them; older ones are dropped."""
AT_ONCE = 20
"""Lines that are handed over before others get their turn."""
LONGEST = 4096
"""Bytes of a question."""
RESTART, LONGEST_REST, PROVEN = 1.0, 60.0, 60.0
"""Seconds before a process that was lost is started again: twice as many each time, up to the second figure, unless it lived
for the third."""
ENDING = 1.0
"""Seconds that it gets to end by itself."""
NICE = 10
"""Whoever trades comes first."""

Make = Callable[[], Awaitable[bytes]]

log = logging.getLogger(__name__)


class Reception:
    """Hands out `pages`, by name, and lines to the process that receives. `past` gives the lines that were told before it was
    there. `followers` is how many readers it has, `missed` how many lines they or it were too slow for."""

    def __init__(self, pages: Mapping[str, Make], past: Callable[[], Sequence[Line]], opening: Mapping[str, Any]) -> None:
        self._pages = pages
        self._past = past
        self._opening = opening
        self._lines: deque[Line] = deque()
        self._news = anyio.Event()
        self._open = False
        self._last = 0
        self._dropped = 0
        self._unread = 0
        self.followers = 0

    @property
    def missed(self) -> int:
        return self._dropped + self._unread

    def line(self, line: Line) -> None:
        """Take a line, if there is anybody to hand it to."""
        if not self._open or line.number <= self._last:
            return
        if len(self._lines) >= WAITING:
            self._lines.popleft()
            self._dropped += 1
        self._lines.append(line)
        self._news.set()

    async def receive(self, bound: socket.socket) -> None:
        """Have everybody received who knocks at this socket, until it is cancelled."""
        rest = RESTART
        while True:
            await anyio.wait_readable(bound)
            began = anyio.current_time()
            await self._open_for(bound)
            log.warning("the process that serves metrics, status and logs was lost, and is started again when it is needed")
            if anyio.current_time() - began > PROVEN:
                rest = RESTART
            await anyio.sleep(rest)
            rest = min(2 * rest, LONGEST_REST)

    async def _open_for(self, bound: socket.socket) -> None:
        """One process, from its start until it ends."""
        handed: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": None}
        if sys.platform != "win32":
            handed |= {"pass_fds": [bound.fileno()], "start_new_session": True}
        process = await anyio.open_process(
            [sys.executable, "-m", "qkt.observe.reception_child"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            **handed,
        )
        wire = _Wire(process)
        try:
            await wire.send({"socket": _given(bound, process.pid), "nice": NICE, **self._opening})
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._hand_over, wire)
                async for asked in wire:
                    self.followers, self._unread = asked["followers"], asked["missed"]
                    tasks.start_soon(self._answer, wire, asked["want"])
                tasks.cancel_scope.cancel()
        except* (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            pass  # it has gone, and whoever called hears of it by this ending
        finally:
            self._open = False
            self.followers = 0
            self._lines.clear()
            with anyio.CancelScope(shield=True):
                await wire.close()

    async def _answer(self, wire: _Wire, name: str) -> None:
        try:
            body = await self._pages[name]()
        except Exception as problem:
            log.exception("%s could not be made", name)
            await wire.send({"page": name, "problem": type(problem).__name__})
            return
        await wire.send({"page": name}, body)

    async def _hand_over(self, wire: _Wire) -> None:
        """Lines, those of the past first."""
        self._lines.extend(self._past())
        self._last = self._lines[-1].number if self._lines else 0
        self._open = True
        while True:
            while self._lines:
                some = [self._lines.popleft() for _ in range(min(AT_ONCE, len(self._lines)))]
                await wire.send({"lines": len(some)}, "\n".join(line.model_dump_json() for line in some).encode())
                await anyio.lowlevel.checkpoint()
            self._news = anyio.Event()
            await self._news.wait()


class _Wire:
    """Frames to a process, a line of JSON and then bytes, and its questions, a line each."""

    def __init__(self, process: anyio.abc.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._out = process.stdin
        self._in = BufferedByteReceiveStream(process.stdout)
        self._one = anyio.Lock()

    async def send(self, head: Mapping[str, Any], body: bytes = b"") -> None:
        frame = json.dumps({**head, "size": len(body)}).encode() + b"\n" + body
        async with self._one:
            await self._out.send(frame)

    def __aiter__(self) -> _Wire:
        return self

    async def __anext__(self) -> dict[str, Any]:
        try:
            asked: dict[str, Any] = json.loads(await self._in.receive_until(b"\n", LONGEST))
        except (anyio.IncompleteRead, anyio.EndOfStream):
            raise StopAsyncIteration from None
        return asked

    async def close(self) -> None:
        """Let the process end, and see to it that it does."""
        await self._out.aclose()
        with anyio.move_on_after(ENDING):
            await self._process.wait()
        if self._process.returncode is None:
            self._process.kill()
        await self._process.aclose()


def _given(bound: socket.socket, pid: int) -> int | str:
    """What another process makes the socket of."""
    if sys.platform == "win32":
        return base64.b64encode(bound.share(pid)).decode("ascii")
    return bound.fileno()
