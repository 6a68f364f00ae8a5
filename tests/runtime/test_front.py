"""What stands before an engine of its process: it is seen before the engine comes, and leaves in order whatever comes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from qkt.config import Config, overlaid
from qkt.host import Ending, Hosting, host
from qkt.runtime.control.link import EngineLink
from qkt.runtime.errors import StateError
from qkt.runtime.journal import FILE

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Front:
    """Takes down what happens to it, and ends the engine once that answers."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def stand(self, link: EngineLink, state: Path, ending: Ending, painted: Callable[[], None]) -> None:
        async def ask() -> None:
            self.heard.append((await link.health()).status)
            ending.ask()

        self.heard.append("journal" if (state / FILE).exists() else "no engine yet")
        painted()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await ending.wait()
            tasks.cancel_scope.cancel()
        self.heard.append("left")


def hosting(state: Path) -> Hosting:
    quiet = overlaid(Config(), "observe", {"serve": False, "shadow": False})
    return Hosting(state, overlaid(quiet, "feed", {"source": "synthetic", "symbols": ["SIM:EURUSD"]}))


async def test_it_is_seen_before_the_engine_is_made_and_hears_it_when_it_stands(tmp_path: Path) -> None:
    front = Front()
    with anyio.fail_after(30):
        await host(hosting(tmp_path), lambda _: None, front.stand)
    assert front.heard == ["no engine yet", "ready", "left"]


async def test_where_no_engine_comes_of_it_it_leaves_and_the_reason_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("no database, whatever its name says" * 100)
    front = Front()
    with anyio.fail_after(30), pytest.raises(BaseExceptionGroup) as told:
        await host(hosting(tmp_path), lambda _: None, front.stand)
    assert told.group_contains(StateError, match="the journal cannot be used")
    assert front.heard == ["journal", "left"]
