"""The control API on its socket, inside the engine's own loop."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import uvicorn

from qkt.runtime.control.app import make_app
from qkt.runtime.control.endpoint import Endpoint, announce, listen, withdraw
from qkt.runtime.control.engine import EngineControl
from qkt.runtime.control.errors import ControlError
from qkt.runtime.control.hub import Hub, open_hub

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
async def serving(engine: EngineControl, state_dir: Path, *, tcp: bool | None = None) -> AsyncIterator[tuple[Hub, Endpoint]]:
    """Serve the engine for as long as this is entered; on leaving, readers are told and requests get a moment to end.

    Raises ControlError when the socket cannot be bound.
    """
    listener = listen(state_dir) if tcp is None else listen(state_dir, tcp=tcp)
    try:
        async with open_hub(engine) as hub, anyio.create_task_group() as tasks:
            server = LoopServer(_config(hub, listener.endpoint))
            ended = anyio.Event()

            async def run() -> None:
                try:
                    await server.serve(sockets=[listener.socket])
                except SystemExit:  # how uvicorn says that it could not start
                    raise ControlError("the control server could not start", where=listener.endpoint.path) from None
                finally:
                    ended.set()

            tasks.start_soon(run)
            announce(state_dir, listener.endpoint)
            try:
                yield hub, listener.endpoint
            finally:
                with anyio.CancelScope(shield=True):
                    await _stop(hub, server, ended)
                tasks.cancel_scope.cancel()
    finally:
        withdraw(state_dir, listener.endpoint)
        listener.close()


async def _stop(hub: Hub, server: uvicorn.Server, ended: anyio.Event) -> None:
    hub.close(hub.closing or "the engine ends")
    await hub.desk.rest(GRACE)
    server.should_exit = True
    with anyio.move_on_after(DEADLINE):
        await ended.wait()
        return
    server.force_exit = True


def _config(hub: Hub, endpoint: Endpoint) -> uvicorn.Config:
    return uvicorn.Config(
        make_app(hub, endpoint.token),
        log_config=None,
        access_log=False,
        lifespan="off",
        http="h11",
        ws="websockets-sansio",
        ws_max_size=1 << 16,
        ws_max_queue=8,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=GRACE,
    )
