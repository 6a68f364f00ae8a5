"""The end of a wire beside the engine: what `qkt attach --stdio` does between its standard input and the engine's socket."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import ClassVar

import anyio
from pydantic import BaseModel, ConfigDict

from qkt.remote.wire import PIECE, Read, Wire, Write
from qkt.runtime.control.endpoint import Endpoint, announced, not_running
from qkt.runtime.control.errors import NotRunningError

MARK = b"qkt-relay "
"""Begins the one line that is said before the wire. What a shell prints while it starts stands before it and is skipped."""

WIRE = 1
"""Both ends must speak the same version of the wire."""

INPUT, OUTPUT = 0, 1
CHUNK = 1 << 16


class Greeting(BaseModel):
    """Who is at the other end. What a newer one says besides is not refused: versions are compared first."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore", frozen=True)

    wire: int
    protocol: int
    version: str
    pid: int
    # Of an engine that listens on the loopback of its machine.
    token: str = ""

    def line(self) -> bytes:
        return MARK + self.model_dump_json().encode() + b"\n"


async def relay(state: Path, read: Read, write: Write) -> None:
    """Carry conversations to the engine that owns a state directory, until the other end closes or the engine is gone.

    Raises NotRunningError when none runs, or no longer, and WireError when the line breaks.
    """
    endpoint = announced(state)
    if endpoint is None or not await _answers(endpoint):
        raise not_running(state)

    async def dial() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if announced(state) != endpoint:
            raise NotRunningError("the engine has ended since, or was started anew", where=str(state))
        try:
            return await _open(endpoint)
        except OSError:
            raise not_running(state) from None

    await write(greeting(endpoint).line())
    await Wire(read, write, dial=dial).run()


def greeting(endpoint: Endpoint) -> Greeting:
    from importlib.metadata import PackageNotFoundError, version

    try:
        ours = version("qkt")
    except PackageNotFoundError:
        ours = "from sources"
    return Greeting(wire=WIRE, protocol=endpoint.protocol, version=ours, pid=endpoint.pid, token=endpoint.token)


async def _open(endpoint: Endpoint) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if endpoint.kind == "unix":
        return await asyncio.open_unix_connection(endpoint.path, limit=PIECE)
    return await asyncio.open_connection("127.0.0.1", endpoint.port, limit=PIECE)


async def _answers(endpoint: Endpoint) -> bool:
    try:
        _, writer = await _open(endpoint)
    except OSError:
        return False
    writer.close()
    return True


def standard_pipes() -> tuple[Read, Write]:
    """Standard input and output of this process. Both wait in threads, as event loops cannot wait for every kind of pipe."""
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue(4)

    def feed() -> None:
        chunk = b"-"
        while chunk:
            try:
                chunk = os.read(INPUT, CHUNK)
            except OSError:
                chunk = b""
            asyncio.run_coroutine_threadsafe(chunks.put(chunk), loop).result()

    def put(message: bytes) -> None:
        view = memoryview(message)
        while view:
            view = view[os.write(OUTPUT, view) :]

    async def write(message: bytes) -> None:
        await anyio.to_thread.run_sync(put, message)

    threading.Thread(target=feed, name="standard input", daemon=True).start()
    return chunks.get, write
