"""An engine in a process of its own, from start to stop."""

from __future__ import annotations

import os
import signal
import tempfile
import time

import pytest

STRATEGY = """STRATEGY buys VERSION 1

SYMBOLS
    eur = BACKTEST:EURUSD EVERY 1m

RULES
    WHEN eur.close > 0 AND POSITION.eur = 0 THEN BUY eur SIZING 0.1
"""


@pytest.fixture
def state(tmp_path, monkeypatch):
    with tempfile.TemporaryDirectory(prefix="qkt") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        monkeypatch.setenv("QKT_STATE_DIR", str(tmp_path / "state"))
        yield tmp_path / "state"


def until(happened, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_daemon_from_start_to_stop(qkt, state, tape, tmp_path):
    file = tmp_path / "buys.qkt"
    file.write_text(STRATEGY)
    started = qkt("daemon", "start", "--data", f"EURUSD={tape}", "--speed", "fast", "--json")
    assert started.code == 0, started.err
    pid = started.json["pid"]
    try:
        second = qkt("daemon", "start")
        assert (second.code, f"an engine is running already (pid {pid})" in second.err) == (1, True)
        assert qkt("deploy", file).code == 0
        assert until(lambda: qkt("trades", "buys", "--json").json)[0]["side"] == "BUY"
        os.kill(pid, signal.SIGHUP)
        assert qkt("daemon", "status", "--json").json["sessions"][0]["name"] == "buys"
        before = qkt("trades", "--json").json
        os.kill(pid, signal.SIGKILL)
        until(lambda: qkt("list").code == 1)
        (tmp_path / "broken.qkt").write_text("STRATEGY")
        again = qkt("daemon", "start", "--data", f"EURUSD={tape}", "--speed", "fast", "--load-dir", tmp_path, "--json").json
        pid = again["pid"]
        assert [one["name"] for one in again["sessions"]] == ["buys"]
        assert "broken.qkt was not deployed" in (state / "daemon.log").read_text()
        assert qkt("trades", "--json").json == before
        assert [row["side"] for row in qkt("positions", "--json").json] == ["LONG"]
        killed = qkt("kill", "--flatten", "--json")
        assert (killed.code, killed.json["flat"]) == (0, True)
        assert qkt("positions", "--json").json == []
        assert qkt("stop", "buys").code == 0
        assert qkt("daemon", "stop").out == "engine stopped\n"
        assert qkt("daemon", "status").code == 1
        pid = None
    finally:
        if pid is not None:
            os.kill(pid, signal.SIGKILL)


LOSING = """STRATEGY loses VERSION 1

SYMBOLS
    eur = BACKTEST:EURUSD EVERY 1m

RULES
    WHEN eur.close > eur.open AND POSITION.eur = 0 THEN SELL eur SIZING 0.1 BRACKET { STOP LOSS BY 0.0001, TAKE PROFIT BY 0.01 }
"""

LIMITED = """[risk.per_strategy.risky]
max_daily_loss = 1.5
loss_streak_halt = 2
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_halts_survive_a_process_that_is_killed(qkt, state, tape, tmp_path):
    (tmp_path / "loses.qkt").write_text(LOSING)
    (tmp_path / "buys.qkt").write_text(STRATEGY)
    (tmp_path / "limits.toml").write_text(LIMITED)
    start = ("daemon", "start", "--data", f"EURUSD={tape}", "--speed", "fast", "--config", tmp_path / "limits.toml", "--json")

    def halts() -> list[tuple[str, str]]:
        rows = qkt("status", "--json").json["tables"]["halts"]
        return sorted((row["scope"], row["reason"]) for row in rows.values())

    pid = qkt(*start).json["pid"]
    try:
        assert qkt("deploy", tmp_path / "loses.qkt", "--as", "risky").code == 0
        assert qkt("deploy", tmp_path / "buys.qkt").code == 0
        until(lambda: len(halts()) == 2)
        assert qkt("halt", "buys", "--reason", "lunch").code == 0
        before = halts()
        assert [scope for scope, _ in before] == ["buys", "risky", "risky"]
        os.kill(pid, signal.SIGKILL)
        until(lambda: qkt("list").code == 1)
        pid = qkt(*start).json["pid"]
        assert halts() == before
        assert "HALT buys: lunch" in qkt("list").out
        answer = qkt("resume", "risky", "--reason", "looked at it").out
        assert answer.startswith("cleared risky: daily loss 2.00000000 exceeds max 1.5; risky: 2 losing closes in a row")
        assert "still holds and will halt again: risky: daily loss" in answer
        assert qkt("resume", "buys").out == "cleared buys: lunch\n"
        os.kill(pid, signal.SIGKILL)
        until(lambda: qkt("list").code == 1)
        pid = qkt(*start).json["pid"]
        assert "buys" not in dict(halts())
        assert "losing closes" not in str(halts())  # the row begins anew
        assert qkt("daemon", "stop", "--leave-unprotected").code == 0
        pid = None
    finally:
        if pid is not None:
            os.kill(pid, signal.SIGKILL)


def test_a_daemon_that_cannot_start_says_why(qkt, state):
    answer = qkt("daemon", "start", "--feed", "file")
    assert answer.code == 1
    assert "the engine ended at once: qkt: feed.data: a file feed needs files" in answer.err


def test_one_strategy_in_the_foreground(qkt, state, tape, tmp_path):
    file = tmp_path / "buys.qkt"
    file.write_text(STRATEGY)
    answer = qkt("run", file, "--data", f"EURUSD={tape}", "--speed", "fast", "--json")
    assert answer.code == 0, answer.err
    assert (answer.json["name"], answer.json["trades"]) == ("buys", 1)
