"""The package lives in a process of its own: one that hangs is killed, and what became of its last call is asked."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from qkt.brokers.dispatch import Act, Report, Request, What
from qkt.brokers.mt5.account import AccountTerms
from qkt.brokers.mt5.desk import Desk
from qkt.brokers.mt5.distant import DistantTerminal
from qkt.brokers.mt5.names import Names
from qkt.brokers.mt5.pipe import Pipe
from qkt.brokers.mt5.server_time import ServerClock
from qkt.brokers.mt5.shaping import Shaper
from qkt.brokers.mt5.terminal import TerminalError
from qkt.core.terms import Side

START = 1_704_880_800_000


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_hung_child_is_killed_and_its_last_call_resolved_by_asking(tmp_path: Path, when: str) -> None:
    command = (sys.executable, "-m", "tests.brokers.mt5.hanging_child", str(tmp_path / "account"), when)
    pipe = Pipe({"path": None, "login": {}}, command=command, seconds=0.7)
    terminal, now = DistantTerminal(pipe), [START + 1_000]
    terminal.initialize()
    first = pipe.pid
    names = Names("sim")
    names.theirs("SIM:EURUSD")
    desk = Desk(terminal, names, Shaper(ServerClock(), 7, 20), AccountTerms(), "abcdef", lambda: now[0])
    request = Request("abcdef-1", Act.OPEN, "o", "SIM:EURUSD", Side.BUY, Decimal("0.10"))
    desk.submit(request)
    reports: list[Report] = []
    with pytest.raises(TerminalError, match="was ended"):
        desk.step()
    assert pipe.pid is None
    terminal.initialize()
    assert pipe.pid not in (None, first)
    while not desk.idle or desk.due <= now[0]:
        now[0] = max(now[0] + 1, desk.due)
        reports += desk.step()
    terminal.shutdown()
    told = [one.what for one in reports if one.what in (What.TAKEN, What.REFUSED, What.DEAL)]
    assert sorted(told) == (sorted([What.TAKEN, What.DEAL]) if when == "after" else [What.REFUSED])


def test_importing_qkt_never_imports_the_package() -> None:
    code = (
        "import sys, qkt, qkt.host, qkt.runtime.engine, qkt.brokers.mt5.link, qkt.cli.mt5; print('MetaTrader5' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.skipif(sys.platform == "win32", reason="the package may be installed there")
def test_without_the_package_it_says_exactly_what_to_do(tmp_path: Path) -> None:
    config = tmp_path / "qkt.toml"
    config.write_text('[mt5.exness]\nlogin = 1\n[feed]\nsource = "synthetic"\nsymbols = ["EURUSD"]\n[observe]\nserve = false\n')
    command = [
        sys.executable,
        "-m",
        "qkt.cli.main",
        "up",
        "--broker",
        "mt5",
        "--config",
        str(config),
        "--state-dir",
        str(tmp_path / "s"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "Windows" in done.stderr
    assert "qkt mt5-gateway" in done.stderr
    assert "gateway_url" in done.stderr
    assert "Traceback" not in done.stderr
