"""An engine served on a socket in a folder of the test."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from qkt.runtime.control.client import connect
from qkt.runtime.control.serving import serving
from tests.runtime.control.fake import FakeEngine


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def runtime_dir(monkeypatch):
    """A runtime folder with a short path, as a socket's must be."""
    with tempfile.TemporaryDirectory(prefix="qkt") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)


@pytest.fixture
def state_dir(tmp_path, runtime_dir):
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.fixture
async def engine(anyio_backend):
    return FakeEngine()


@pytest.fixture(params=["unix", "tcp"])
def tcp(request):
    return request.param == "tcp"


@pytest.fixture
async def client(engine, state_dir):
    async with serving(engine, state_dir), connect(state_dir) as client:
        yield client
