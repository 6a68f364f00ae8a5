"""The real program in a real terminal: a tour is operated by keys, loses its terminal, and is found trading again."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import anyio
import pytest

from qkt.runtime.control.client import connect
from qkt.runtime.control.rows import StrategyRow
from qkt.runtime.state import owner

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

T = TypeVar("T")

PATIENCE = 40.0
LOOK = 0.05
AGAIN = 2.0
"""Seconds: how long anything may take, between two looks, and until a question that stands there still is answered again."""
MINE = "coin_fade_2"
"""What a second session of a strategy of the tour is called when nobody says otherwise."""


def until(look: Callable[[], T], seen: Callable[[T], bool]) -> T:
    """What is looked at, as soon as it is what is waited for."""
    end = time.monotonic() + PATIENCE
    while not seen(found := look()):
        assert time.monotonic() < end, f"it did not happen in time; last was:\n{found}"
        time.sleep(LOOK)
    return found


class Terminal:
    """A tmux server of our own with one window. Nothing is waited for but what can be seen."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        variables = {
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "LANG": "C.UTF-8",
            **dict.fromkeys(("XDG_RUNTIME_DIR", "XDG_STATE_HOME", "TMPDIR"), str(folder)),
        }
        self._given = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]

    def tmux(self, *words: str) -> str:
        command = ["tmux", "-S", str(self.folder / "tmux"), "-f", "/dev/null", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout

    def open(self, *arguments: str) -> None:
        """Run qkt in a window of 160x48."""
        program = shlex.join([sys.executable, "-m", "qkt.cli.main", *arguments])
        self.tmux("new-session", "-d", "-s", "qkt", "-x", "160", "-y", "48", *self._given, program)

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", "-t", "qkt", *keys)

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", "qkt")

    def shows(self, *words: str) -> None:
        until(self.screen, lambda screen: all(word in screen for word in words))

    def answer(self, title: str, *keys: str) -> None:
        """Answer the question of this title, again while it stands there: what comes too early counts for nothing."""
        self.shows(title)
        typed = 0.0

        def gone(screen: str) -> bool:
            nonlocal typed
            if title in screen and time.monotonic() - typed > AGAIN:
                self.press(*["BSpace"] * (len(keys) - 1 if typed else 0), *keys)
                typed = time.monotonic()
            return title not in screen

        until(self.screen, gone)

    def states(self) -> list[Path]:
        """The state directories of the tours that were begun here."""
        return [path.parent for path in self.folder.glob("qkt-demo-*/control.json")]


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with tempfile.TemporaryDirectory(prefix="qkte", dir="/tmp") as folder:  # the path of a socket is short
        one = Terminal(Path(folder))
        try:
            yield one
        finally:
            one.tmux("kill-server")
            for pid in filter(None, map(owner, one.states())):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def sessions(state: Path) -> dict[str, StrategyRow]:
    """The sessions of the engine, asked over its socket by somebody who has no terminal."""

    async def ask() -> dict[str, StrategyRow]:
        async with connect(state) as client:
            return dict((await client.snapshot()).tables.strategies)

    return anyio.run(ask)


def test_a_tour_is_operated_loses_its_terminal_trades_on_and_is_attached_again(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(terminal.folder))
    terminal.open("demo", "--speed", "600")
    terminal.shows("STRATEGIES 6", "euro_trend")
    (state,) = terminal.states()
    pid = owner(state)
    assert pid is not None

    def fills() -> int:
        return sessions(state)[MINE].trades

    terminal.press("D")
    terminal.shows("Deploy", "coin_fade.qkt")
    terminal.press(*"coin")
    terminal.shows(f"as      {MINE}", "checked, no problems")
    terminal.press("Enter")
    terminal.answer(f"DEPLOY {MINE} -- PAPER", "y")
    terminal.shows("STRATEGIES 7", MINE)
    until(fills, bool)
    terminal.press("3", "Tab", "Tab", "/", *MINE, "Enter")
    until(terminal.screen, lambda screen: MINE in screen.partition("FILLS")[2].partition("\n")[2])

    terminal.tmux("kill-session", "-t", "qkt")  # the terminal goes, with SIGHUP for whoever sat there
    before = fills()
    until(fills, lambda now: now > before)
    assert owner(state) == pid

    terminal.open("attach", "--state-dir", str(state))
    terminal.shows("STRATEGIES 7", MINE)
    terminal.tmux("resize-window", "-t", "qkt", "-x", "80", "-y", "24")
    until(terminal.screen, lambda screen: len(screen.splitlines()) == 24 and "STRATEGIES 7" in screen)
    terminal.press("y")
    until(lambda: terminal.tmux("show-buffer"), lambda copied: "\tRUN\t" in copied)
    terminal.press("K")
    terminal.answer("KILL SWITCH", *"KILL", "Enter")
    until(lambda: sessions(state), lambda rows: all(row.halt == "operator" for row in rows.values()))
    terminal.shows("HALT o")

    terminal.press("q")
    until(lambda: terminal.tmux("list-sessions"), lambda left: not left)
    assert owner(state) == pid  # leaving changes nothing
    os.kill(pid, signal.SIGTERM)
    until(state.exists, lambda there: not there)
