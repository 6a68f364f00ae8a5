"""Many conversations over one pair of pipes, each at the pace of its slowest part.

What is sent is cut into messages: a head with the kind, the number of the conversation and a length, then that many bytes. A
side sends no more of a conversation than the other has granted, and more is granted only when what came has been passed on. So
neither side ever keeps more than a window of it, and whoever produces it notices a slow line by not being read: an engine then
sends the latest state instead of all that led to it.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import IntEnum

import anyio
from anyio.abc import TaskGroup

from qkt.runtime.control.errors import ControlError

HEAD = struct.Struct("!BII")
GRANTED = struct.Struct("!I")
WINDOW = 32 * 1024
PIECE = 8 * 1024
"""Bytes of a conversation that may be on their way, and that go in one message."""

CONVERSATIONS = 64

BEAT = 2.5
SILENCE = 12.0
"""Seconds between two signs of life that are asked for, and without any after which the other side is given up."""


class WireError(ControlError):
    """The pipes broke, or the other side does not keep to what is agreed."""


class Kind(IntEnum):
    OPEN = 1
    DATA = 2
    GRANT = 3
    END = 4
    PING = 5
    PONG = 6


Read = Callable[[], Awaitable[bytes]]
Write = Callable[[bytes], Awaitable[None]]
Dial = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class _Conversation:
    def __init__(self) -> None:
        self.credit = WINDOW
        self.granted = asyncio.Event()
        self.waiting: asyncio.Queue[bytes] = asyncio.Queue()
        self.held = 0


class Wire:
    """One end. `dial` answers conversations that the other end opens; without it none are taken. Run it with `run`.

    `sent` and `received` count bytes, `round_trip` is the last one measured, in seconds.
    """

    def __init__(self, read: Read, write: Write, *, dial: Dial | None = None) -> None:
        self._read = read
        self._write = write
        self._dial = dial
        self._lock = anyio.Lock()
        self._talks: dict[int, _Conversation] = {}
        self._last = 0
        self._tasks: TaskGroup
        self._heard = 0.0
        self._pinged = 0.0
        self.sent = 0
        self.received = 0
        self.round_trip: float | None = None

    async def run(self) -> None:
        """Until the other side closes its pipe. Raises WireError when it breaks or falls silent, and whatever `dial` raises
        that is no OSError."""
        self._heard = anyio.current_time()
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                tasks.start_soon(self._watch)
                if self._dial is None:
                    tasks.start_soon(self._beat)
                await self._listen()
                tasks.cancel_scope.cancel()
        finally:
            self._talks.clear()  # also those whose engine had not answered yet

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes = b"") -> None:
        """Open a conversation and carry it until either side ends it. `first` is what has been read of it already."""
        self._last += 1
        number, talk = self._last, _Conversation()
        self._talks[number] = talk
        await self._send(Kind.OPEN, number)
        if first:
            talk.credit -= len(first)
            await self._send(Kind.DATA, number, first)
        await self._carry(number, talk, reader, writer)

    # ------------------------------------------------------------ what is received

    async def _listen(self) -> None:
        buffer = bytearray()
        while chunk := await self._read():
            self.received += len(chunk)
            self._heard = anyio.current_time()
            buffer += chunk
            while len(buffer) >= HEAD.size:
                kind, number, length = HEAD.unpack_from(buffer)
                if length > PIECE:
                    raise WireError(f"a message of {length:,} bytes came over the line", expected=f"{PIECE:,} at most")
                if len(buffer) < HEAD.size + length:
                    break
                payload = bytes(buffer[HEAD.size : HEAD.size + length])
                del buffer[: HEAD.size + length]
                await self._take(kind, number, payload)

    async def _take(self, kind: int, number: int, payload: bytes) -> None:
        talk = self._talks.get(number)
        if kind == Kind.PING:
            await self._send(Kind.PONG, number)
        elif kind == Kind.PONG:
            self.round_trip = anyio.current_time() - self._pinged
        elif kind == Kind.OPEN and self._dial is not None and talk is None and len(self._talks) < CONVERSATIONS:
            self._talks[number] = talk = _Conversation()
            self._tasks.start_soon(self._answer, number, talk, self._dial)
        elif kind == Kind.DATA:
            if talk is not None:  # one that has ended here may still be spoken to
                talk.held += len(payload)
                if talk.held > WINDOW:
                    raise WireError("more came over the line than was granted")
                talk.waiting.put_nowait(payload)
        elif kind == Kind.GRANT and len(payload) == GRANTED.size:
            if talk is not None:
                talk.credit += GRANTED.unpack(payload)[0]
                talk.granted.set()
        elif kind == Kind.END:
            if talk is not None:
                talk.waiting.put_nowait(b"")
        else:
            raise WireError(f"a message of kind {kind} came over the line, which means nothing here")

    async def _answer(self, number: int, talk: _Conversation, dial: Dial) -> None:
        try:
            reader, writer = await dial()
        except OSError:
            self._talks.pop(number, None)
            await self._send(Kind.END, number)
            return
        await self._carry(number, talk, reader, writer)

    # ------------------------------------------------------------------ what is sent

    async def _carry(
        self, number: int, talk: _Conversation, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Until either side has said all it had to say."""
        try:
            async with anyio.create_task_group() as tasks:

                async def half(work: Awaitable[None]) -> None:
                    with suppress(OSError):  # whoever spoke here has gone
                        await work
                    tasks.cancel_scope.cancel()

                tasks.start_soon(half, self._outward(number, talk, reader))
                tasks.start_soon(half, self._inward(number, talk, writer))
        finally:
            self._talks.pop(number, None)
            writer.close()
        await self._send(Kind.END, number)

    async def _outward(self, number: int, talk: _Conversation, reader: asyncio.StreamReader) -> None:
        while True:
            while talk.credit <= 0:
                talk.granted.clear()
                await talk.granted.wait()
            piece = await reader.read(min(PIECE, talk.credit))
            if not piece:
                return
            talk.credit -= len(piece)
            await self._send(Kind.DATA, number, piece)

    async def _inward(self, number: int, talk: _Conversation, writer: asyncio.StreamWriter) -> None:
        while piece := await talk.waiting.get():
            writer.write(piece)
            await writer.drain()
            talk.held -= len(piece)
            await self._send(Kind.GRANT, number, GRANTED.pack(len(piece)))

    async def _send(self, kind: Kind, number: int, payload: bytes = b"") -> None:
        message = HEAD.pack(kind, number, len(payload)) + payload
        async with self._lock:
            self.sent += len(message)
            try:
                await self._write(message)
            except OSError as problem:
                raise WireError(f"the line broke ({problem.strerror or type(problem).__name__})") from None

    # ---------------------------------------------------------------- signs of life

    async def _beat(self) -> None:
        while True:
            self._pinged = anyio.current_time()
            await self._send(Kind.PING, 0)
            await anyio.sleep(BEAT)

    async def _watch(self) -> None:
        """In a task of its own: a line that takes nothing more is noticed too."""
        while (rest := self._heard + SILENCE - anyio.current_time()) > 0:
            await anyio.sleep(rest)
        raise WireError(f"nothing came over the line for {SILENCE:g} s")
