"""An engine that has traded, and who looks at it."""

from __future__ import annotations

import anyio
import httpx
import pytest

from qkt.config import Config
from qkt.core import secrets
from qkt.observe.app import Looking, make_app
from qkt.observe.exposition import CONTENT_TYPE
from qkt.observe.followers import Followers, Said
from qkt.observe.observer import LOOPBACK, Observer
from qkt.runtime.engine import Engine
from qkt.runtime.markets import OwnFeeds
from tests.runtime.samples import ListFeed, strategy_file, ticks


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """No configuration and no environment of the machine's own, and no secret that the next test would hide too."""
    monkeypatch.setattr(secrets._process, "_values", set())
    monkeypatch.setattr(secrets._process, "_known", ())
    for name in ("QKT_CONFIG", "QKT_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "etc"))
    monkeypatch.setattr("qkt.observe.app.SOON", 0.0)


@pytest.fixture
async def engine(anyio_backend, tmp_path):
    """Two sessions, one of which an operator has halted."""
    source = list(ticks(1000))
    async with Engine(tmp_path / "state", OwnFeeds(lambda: ListFeed(source))) as engine:
        for name in ("one", "two"):
            await engine.deploy(strategy_file(tmp_path), name, {})
        with anyio.fail_after(20):
            for name in ("one", "two"):
                await engine.hosted[name].pump.ended.wait()
        await engine.find("two").command("halt", "eva", reason="lunch")
        yield engine


@pytest.fixture
async def observer(engine):
    observer = Observer(engine, Config())
    observer.tail.drain()
    return observer


@pytest.fixture
async def looking(observer, engine):
    return looking_at(observer, engine)


@pytest.fixture
async def client(looking):
    app = make_app(looking, token=None, hosts=LOOPBACK)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        yield client


def looking_at(observer, engine):
    """What is served, without a process of its own. Its followers hear what the observer's tail hands out."""
    followers = Followers()
    for line in engine.lines(0, limit=20_000):
        followers.offer(Said.of(line.model_dump_json()))
    observer.tail.listen(lambda line: followers.offer(Said.of(line.model_dump_json())))

    async def ask(name):
        return await getattr(observer, name)()

    return Looking(ask, followers, CONTENT_TYPE)
