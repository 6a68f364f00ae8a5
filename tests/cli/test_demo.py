"""The demo trades by itself and says what came of it; `qkt` alone explains itself where there is no terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal


def test_the_demo_trades_without_a_terminal_and_ends_with_a_summary(tmp_path):
    command = [sys.executable, "-m", "qkt.cli.main", "demo", "--headless", "--seconds", "4", "--speed", "600", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    came_to = json.loads(done.stdout)
    assert came_to["fills"] == sum(one["fills"] for one in came_to["sessions"]) > 0
    assert Decimal(came_to["pnl"]) == sum(Decimal(one["pnl"]) for one in came_to["sessions"])
    kinds = {one["name"]: one["kind"] for one in came_to["sessions"]}
    assert kinds == {
        "euro_trend": "strategy",
        "gold_breakout": "strategy",
        "coin_fade": "strategy",
        "metals_and_money": "portfolio",
    }
    assert not list(tmp_path.iterdir())


def test_qkt_alone_without_a_terminal_is_a_mistake_that_explains_itself(qkt):
    shown = qkt()
    assert (shown.code, shown.out) == (2, "")
    assert "Usage: qkt" in shown.err
    assert "deploy" in shown.err
