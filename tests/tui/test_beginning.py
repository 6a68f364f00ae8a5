"""How a dashboard begins: seen at once, and complete soon after."""

from __future__ import annotations

import subprocess
import sys
import threading

import anyio

from qkt.config import ConfigError
from tests.tui.desk import Desk, begun, opened, run
from tests.tui.scripted import ManualClock, ScriptedLink, dashboard

FIRST = """import sys
import qkt.cli.main, qkt.cli.attach, qkt.deck, qkt.remote.reach, qkt.config
from qkt.config import configured_state
configured_state(), qkt.deck.find_dashboard()
import tui.app, tui.screens.overview, tui.terminal.driver
print(*(name for name in sys.modules if name.startswith(("pydantic", "httpx", "numpy", "qkt.config.", "qkt.runtime.control."))))
"""


def test_a_first_screen_waits_for_no_model_of_the_control_api_or_the_configuration() -> None:
    found = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, check=True).stdout.split()
    assert found == ["qkt.config.errors", "qkt.config.file", "qkt.runtime.control.errors", "qkt.runtime.control.link"]


def test_a_key_is_heard_while_the_users_keys_are_still_being_read() -> None:
    async def work() -> None:
        read = threading.Event()

        def keys() -> dict[str, str]:
            read.wait(10)
            return {"halt": "Z"}

        app = dashboard(ScriptedLink(), clock := ManualClock(), keys=keys)
        async with app.run_test(size=(120, 40)) as pilot:
            desk = Desk(pilot, app, app.link, clock)
            with anyio.fail_after(5):
                await desk.press("8")
                while app.current_mode != "logs":
                    await pilot.pause()
                assert not app.complete.is_set()
                read.set()
                await begun(pilot)
            assert app.current_mode == "logs"

    run(work)


def test_keys_that_cannot_be_had_cost_themselves_and_not_the_dashboard() -> None:
    def broken() -> dict[str, str]:
        raise ConfigError("unknown key 'nonsense'", where="qkt.toml")

    async def work() -> None:
        async with opened(keys=broken) as desk:
            assert "qkt.toml: unknown key 'nonsense' - the standard keys hold" in desk.second_line()
            await desk.press("8")
            assert desk.app.current_mode == "logs"

    run(work)
