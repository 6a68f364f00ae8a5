"""What stands before an engine of its process: it is seen before the engine comes, and leaves in order whatever comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from qkt.config import Config, ConfigError, overlaid
from qkt.deck import front
from qkt.ending import Ending
from qkt.host import Hosting, host
from qkt.runtime.control.client import connect, new_id, wait_until_ready
from qkt.runtime.control.commands import Shutdown
from qkt.runtime.control.errors import ControlError
from qkt.runtime.control.link import LocalLink
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

    async def stand(self, link: LocalLink, state: Path, ending: Ending, painted: Callable[[], None]) -> None:
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


@contextmanager
def hosting() -> Iterator[Hosting]:
    quiet = overlaid(Config(), "observe", {"serve": False, "shadow": False})
    yield Hosting(overlaid(quiet, "feed", {"source": "synthetic", "symbols": ["SIM:EURUSD"]}))


async def test_it_is_seen_before_the_engine_is_made_and_hears_it_when_it_stands(tmp_path: Path) -> None:
    waits = Front()
    with anyio.fail_after(30):
        await host(tmp_path, hosting, lambda _: None, waits.stand)
    assert waits.heard == ["no engine yet", "ready", "left"]


async def test_a_dashboard_that_fails_before_it_is_seen_keeps_no_engine_from_coming(tmp_path: Path) -> None:
    async def broken(*_: object, **__: object) -> str:
        raise OSError("no terminal")

    told: list[str] = []
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(host, tmp_path, hosting, told.append, front(broken, {}, told.append))
            await wait_until_ready(tmp_path, 20)
            async with connect(tmp_path) as client:
                await client.perform(Shutdown(id=new_id(), author="me"))
    assert told[0] == "the dashboard failed (OSError), its log says why"
    assert told[-1] == "the engine ends as an operator asked"


async def test_whoever_asks_an_engine_that_has_ended_hears_so(tmp_path: Path) -> None:
    link = LocalLink()
    link.leave()
    with pytest.raises(ControlError, match="the engine has ended"):
        await link.health()


async def test_where_no_engine_comes_of_it_it_leaves_and_the_reason_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("no database, whatever its name says" * 100)
    waits = Front()
    with anyio.fail_after(30), pytest.raises(BaseExceptionGroup) as told:
        await host(tmp_path, hosting, lambda _: None, waits.stand)
    assert told.group_contains(StateError, match="the journal cannot be used")
    assert waits.heard == ["journal", "left"]


async def test_what_is_wrong_with_the_settings_is_told_once_it_has_left(tmp_path: Path) -> None:
    @contextmanager
    def unsound() -> Iterator[Hosting]:
        raise ConfigError("unknown key 'nonsense'")
        yield

    waits = Front()
    with anyio.fail_after(30), pytest.raises(BaseExceptionGroup) as told:
        await host(tmp_path, unsound, lambda _: None, waits.stand)
    assert told.group_contains(ConfigError, match="nonsense")
    assert waits.heard == ["no engine yet", "left"]
