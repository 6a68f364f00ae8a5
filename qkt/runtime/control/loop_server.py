"""A web server inside the engine's own loop, on a socket of ours."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import anyio
import uvicorn
from starlette.types import ASGIApp

from qkt.runtime.control.errors import ControlError

# Seconds: requests may take this long to end when the server stops, and the server this much more.
GRACE = 2
DEADLINE = 5.0

CONNECTIONS = 128


class LoopServer(uvicorn.Server):
    """Leaves signals to the engine: its own handler would take them and deliver them twice."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


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


async def _stop(server: uvicorn.Server, ended: anyio.Event) -> None:
    server.should_exit = True
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
        http="h11",
        ws="websockets-sansio",
        ws_max_size=1 << 16,
        ws_max_queue=8,
        server_header=False,
        limit_concurrency=connections,
        timeout_graceful_shutdown=GRACE,
    )
