"""A web server inside the engine's own loop, on a socket of ours."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import anyio
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from qkt.runtime.control.errors import ControlError

# Seconds: requests may take this long to end when the server stops, and the server this much more.
GRACE = 2
DEADLINE = 5.0

CONNECTIONS = 128
HEAD = 1 << 16
"""Bytes that the head of a request may have."""
WAITING = 1 << 15
"""Bytes of an answer that may wait in this process, and in the system, for a reader that does not keep up."""


DATED = 1.0
"""Seconds for which the date that answers carry is right."""


def _no_error(record: logging.LogRecord) -> bool:
    """Text that is none is the client's mistake: a warning, without a traceback of ours."""
    if isinstance(record.exc_info, tuple) and isinstance(record.exc_info[1], UnicodeDecodeError):
        record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
    return True


logging.getLogger("uvicorn.error").addFilter(_no_error)


class LoopServer(uvicorn.Server):
    """Leaves signals to the engine: its own handler would take them and deliver them twice. It sleeps until it is to end, where
    the original looks ten times a second: that is most of what a server costs that nobody asks."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._end = anyio.Event()

    def end(self) -> None:
        """Take no more requests, and end."""
        self.should_exit = True
        self._end.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            with anyio.move_on_after(DATED):
                await self._end.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Protocol(HttpToolsProtocol):
    """Hangs up on a head without end, which the parser would keep as it comes, and lets little wait for a slow reader: what
    waits has grown old by the time it is read."""

    _held = 0
    _in_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=WAITING)
        if (bound := transport.get_extra_info("socket")) is not None:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, WAITING)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._held += len(data)
            if self._held > HEAD:
                self.transport.abort()

    def on_message_begin(self) -> None:
        self._held, self._in_head = 0, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()


@asynccontextmanager
async def answering(
    app: ASGIApp,
    bound: socket.socket,
    *,
    name: str,
    connections: int = CONNECTIONS,
    before_end: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[None]:
    """Answer requests on a bound socket for as long as this is entered.

    On leaving, `before_end` is awaited first and requests get a moment to end. Raises ControlError, which calls the server
    `name`, when it cannot start.
    """
    server = LoopServer(_config(app, connections))
    ended = anyio.Event()

    async def run() -> None:
        try:
            await server.serve(sockets=[bound])
        except SystemExit:  # how uvicorn says that it could not start
            raise ControlError("the server could not start", where=name) from None
        finally:
            ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                if before_end is not None:
                    await before_end()
                await _stop(server, ended)
            tasks.cancel_scope.cancel()


async def _stop(server: LoopServer, ended: anyio.Event) -> None:
    server.end()
    with anyio.move_on_after(DEADLINE):
        await ended.wait()
        return
    server.force_exit = True


def _config(app: ASGIApp, connections: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        http=Protocol,
        ws="websockets-sansio",
        ws_max_size=1 << 16,
        ws_max_queue=8,
        server_header=False,
        limit_concurrency=connections,
        timeout_graceful_shutdown=GRACE,
    )
