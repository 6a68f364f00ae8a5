"""Secrets of the configuration, of the environment and in what venues say appear nowhere that somebody else may read."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import anyio
import httpx
import pytest

from qkt.config import load_config
from qkt.core.clock import SystemClock
from qkt.data.feeds import FeedHealth, FeedState
from qkt.observe.app import make_app
from qkt.observe.incident import Incident
from qkt.observe.logs import LogFiles, logging_to
from qkt.observe.observer import LOOPBACK, Observer
from qkt.runtime.control.answers import Done
from qkt.runtime.control.commands import Halt as HaltCommand
from qkt.runtime.control.commands import Resume as ResumeCommand
from qkt.runtime.engine import Engine
from qkt.runtime.markets import OwnFeeds
from tests.observe.conftest import looking_at
from tests.runtime.samples import FAILING, ListFeed, strategy_file, ticks

pytestmark = pytest.mark.anyio

TOKEN, KEY, HOOK, PASSWORD = "tv-token-qx47zz11", "env/key+qx47zz11", "hook-word-qx47zz11", "venue-pass-qx47zz11"
CONFIG = f"""
[feed]
token = "{TOKEN}"
[observe]
heartbeat_url = "https://watch.example/{HOOK}"
[alerts.channels.ops]
url = "json://eva:{PASSWORD}@localhost/{HOOK}"
"""


class SpeakingFeed(ListFeed):
    """A feed whose server repeats to us what we sent it."""

    async def __anext__(self):
        if self._at == 300 and not self._told:
            self._told = True
            return FeedHealth(FeedState.LOST, 0, f"login with {TOKEN} failed: key={KEY}")
        item = await super().__anext__()
        if self._at == 900:
            raise ConnectionError(f"wss://eva:{PASSWORD}@venue.example/?k={KEY} closed")
        return item


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("VENUE_API_KEY", KEY)
    path = tmp_path / "qkt.toml"
    path.write_text(CONFIG)
    return load_config(path)[0]


def leaks(text):
    return [secret for secret in (TOKEN, KEY, HOOK, PASSWORD, "qx47zz11") if secret in text]


async def test_they_appear_in_no_log_no_page_no_bundle_and_no_traceback(tmp_path, config):
    state = tmp_path / "state"
    files = LogFiles(state / "logs", "debug", megabytes=1, files=2)
    failing = FAILING.replace("no idea", f"asked with {TOKEN} and {KEY}")
    with logging_to(files):
        async with Engine(state, OwnFeeds(lambda: SpeakingFeed(list(ticks(1200))))) as engine:
            observer = Observer(engine, config, files)
            await engine.deploy(strategy_file(tmp_path), "one", {})
            await engine.deploy(strategy_file(tmp_path, failing, "fails.py"), "fails", {})
            with anyio.fail_after(20):
                for name in ("one", "fails"):
                    await engine.hosted[name].pump.ended.wait()
            said = f"the password is {PASSWORD}, key={KEY}"
            for number, word in enumerate((HaltCommand, ResumeCommand, HaltCommand)):
                command = word(id=f"command-{number}", author=HOOK, name="one", reason=said)
                await engine.begin_command(command)
                answer = await engine.perform(command, print)
                await engine.settle_command(command, answer)
                assert isinstance(answer, Done)
            observer.tail.drain()
            asked = {
                "snapshot": repr(engine.snapshot()),
                "health": repr(engine.health()),
                "digest": repr(engine.digest(0)),
                "orders": repr(engine.orders()),
            }
            app = make_app(looking_at(observer, engine), token=None, hosts=LOOPBACK)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
                pages = {path: (await client.get(path)).text for path in ("/status", "/health", "/metrics", "/logs?limit=5000")}
    logs = {path.name: path.read_text() for path in (state / "logs").rglob("*.log")}
    assert "Traceback" in logs["engine.log"]
    assert '"session": "fails"' in logs["engine.log"]
    assert any("***" in text for text in pages.values())
    assert "the strategy failed with ValueError: asked with ***" in asked["snapshot"]
    bundles = {}
    for name in ("one", "fails"):
        target = tmp_path / f"{name}.zip"
        Incident(state, name, 86_400_000, SystemClock().now()).write(target, config, {"status.json": pages["/status"]})
        with zipfile.ZipFile(target) as bundle:
            bundles |= {f"{name}: {entry}": bundle.read(entry).decode() for entry in bundle.namelist()}
    assert len(bundles) > 12
    kept = {path: path.read_bytes() for path in state.rglob("*") if path.is_file() and path.name != "qkt.toml"}
    assert b"the password is ***" in b"".join(kept.values())
    assert not [path for path, found in kept.items() for secret in (PASSWORD, HOOK) if secret.encode() in found]
    found = {where: leaks(text) for where, text in (pages | asked | logs | bundles).items() if leaks(text)}
    assert not found


def test_the_command_line_hides_them_in_sentences_and_tracebacks(tmp_path):
    code = (
        "from qkt.config import load_config; from qkt.cli.errors import reporting; from pathlib import Path\n"
        "with reporting(as_json=False):\n"
        "    token = load_config(Path('qkt.toml'))[0].feed.token.get_secret_value()\n"
        "    raise OSError(f'venue refused {token}')\n"
    )
    (tmp_path / "qkt.toml").write_text(CONFIG)
    root = str(Path(__file__).parents[2])
    environment = {"PYTHONPATH": root, "QKT_DEBUG": "1", "PATH": "", "VENUE_API_KEY": KEY}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert "Traceback" in done.stderr
    assert "venue refused ***" in done.stderr
    assert not leaks(done.stdout + done.stderr)
