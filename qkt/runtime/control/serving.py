"""The control API on its socket, inside the engine's own loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from qkt.runtime.control.answers import ANSWER
from qkt.runtime.control.app import make_app
from qkt.runtime.control.commands import COMMAND
from qkt.runtime.control.endpoint import Endpoint, announce, listen, withdraw
from qkt.runtime.control.engine import EngineControl
from qkt.runtime.control.frames import FRAME, Ack, Delta, Hello, Lines, Snapshot
from qkt.runtime.control.hub import Hub, open_hub
from qkt.runtime.control.loop_server import GRACE, answering

for words in (COMMAND, ANSWER, FRAME):  # now, as no session waits for it yet: the first reader would hold the loop up
    words.rebuild()
for frame in (Hello, Snapshot, Delta, Lines, Ack):
    frame.model_rebuild()


@asynccontextmanager
async def serving(engine: EngineControl, state_dir: Path, *, tcp: bool | None = None) -> AsyncIterator[tuple[Hub, Endpoint]]:
    """Serve the engine for as long as this is entered; on leaving, readers are told and requests get a moment to end.

    Raises ControlError when the socket cannot be bound.
    """
    listener = listen(state_dir) if tcp is None else listen(state_dir, tcp=tcp)
    endpoint = listener.endpoint
    try:
        async with open_hub(engine) as hub:

            async def end() -> None:
                hub.close(hub.closing or "the engine ends")
                await hub.desk.rest(GRACE)

            app = make_app(hub, endpoint.token)
            async with answering(app, listener.socket, name=endpoint.path or "the control API", before_end=end):
                announce(state_dir, endpoint)
                yield hub, endpoint
    finally:
        withdraw(state_dir, endpoint)
        listener.close()
