"""How the engine of a context is spoken to, wherever it is. What speaks is loaded when it first does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qkt.runtime.state import state_dir

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from qkt.remote.contexts import Context
    from qkt.runtime.control.client import ControlClient, Reach


def reach(context: Context, tasks: TaskGroup, *, asking: bool = False) -> Reach:
    """What makes a client of that engine at every call. A line to another machine lives in `tasks`, as `Line` tells."""
    if context.address is not None:
        from qkt.remote.line import Line

        return Line(context, tasks, asking=asking).connect
    return partial(_here, state_dir(None if context.state_dir is None else Path(context.state_dir)))


@asynccontextmanager
async def _here(state: Path) -> AsyncIterator[ControlClient]:
    from qkt.runtime.control.client import connect

    async with connect(state) as client:
        yield client
