"""Each finding says how to mend it, and what must be mended fails."""

from __future__ import annotations

import json
import os
import socket

import pytest

from qkt.cli.main import main
from qkt.config import load_config
from qkt.observe.doctor import Verdict, engine, examined, installation, machine, outside, visit

TOML = """
[feed]
source = "synthetic"
symbols = ["SIM:EURUSD"]
[observe]
port = 0
"""


@pytest.fixture
def doctor(tmp_path, capsys):
    """Runs the command on a configuration; returns its exit code and findings by check."""

    def run(text=TOML):
        path = tmp_path / "qkt.toml"
        path.write_text(text)
        path.chmod(0o600)
        code = 0
        try:
            main(["doctor", "--config", str(path), "--state-dir", str(tmp_path / "state"), "--json"])
        except SystemExit as ended:
            code = int(ended.code or 0)
        found = json.loads(capsys.readouterr().out)
        assert all(one["remedy"] for one in found if one["verdict"] != "ok")
        return code, {(one["check"], one["verdict"]): one["found"] for one in found}

    return run


def test_a_sound_machine_passes(doctor):
    code, found = doctor()
    assert code == 0
    assert found["broker", "ok"].startswith("paper")
    assert found["feed", "ok"] == "invents SIM:EURUSD"
    assert "nobody is told" in found["alerts", "warn"]


@pytest.mark.parametrize(
    ("text", "check", "said"),
    [
        ("[fed]\n", "config", "unknown key 'fed'"),
        ("[mt5.demo]\nloginn = 3\n", "config", "unknown key 'loginn' in [mt5.demo]; did you mean 'login'?"),
        ("[risk.each_strategy]\nmax_positions = 3\n", "config", "unknown key 'max_positions' in [risk.each_strategy]"),
        ("[mt5.Demo]\nlogin = 3\n", "config", "mt5.Demo: "),
        ('instruments = "none.toml"\n' + TOML, "config", "no file none.toml"),
        ('[feed]\nsource = "file"\ndata = ["missing.csv"]\n[observe]\nport = 0\n', "feed", "missing.csv"),
        (TOML + '[alerts.channels.ops]\nurl = "pigeon://roof"\n', "alerts", "no URL that Apprise knows"),
        (TOML + 'heartbeat_file = "/no/such/folder/beat"\n', "heartbeat", "no folder"),
    ],
)
def test_what_must_be_mended_fails(doctor, text, check, said):
    code, found = doctor(text)
    assert code == 1
    assert said in found[check, "fail"]


GATEWAY = '[mt5.exness]\ngateway_url = "http://127.0.0.1:9"\napi_key = "key-of-the-gateway-4711"\nlogin = 7\n'


def test_an_account_that_cannot_be_reached_fails_where_it_is_used(doctor):
    code, found = doctor('broker = "mt5"\n' + TOML + GATEWAY)
    assert code == 1
    assert "mt5.exness: terminal http://127.0.0.1:9" in found["broker", "fail"]
    code, found = doctor(TOML + GATEWAY)
    assert code == 0
    assert found["broker", "ok"].startswith("paper")
    assert "mt5.exness" in found["broker", "warn"]
    code, found = doctor('broker = "mt5"\n' + TOML)
    assert (code, found["broker", "fail"]) == (1, "no MetaTrader 5 account is configured")


def test_an_account_on_a_machine_without_its_package_fails(doctor, monkeypatch):
    monkeypatch.setattr("qkt.brokers.mt5.native.find_spec", lambda _: None)
    code, found = doctor('broker = "mt5"\n' + TOML + "[mt5.exness]\nlogin = 7\n")
    assert code == 1
    assert "not installed here" in found["broker", "fail"]


def test_an_account_that_answers_is_told_of(monkeypatch):
    from qkt.brokers.mt5.native import NativeTerminal
    from qkt.brokers.mt5.profile import Profile
    from qkt.brokers.mt5.simulator import SimSymbol, SimulatedPackage, Venue

    package = SimulatedPackage(Venue([SimSymbol("EURUSDm")]))
    monkeypatch.setattr(Profile, "terminal", lambda _: NativeTerminal(package))
    monkeypatch.setattr("qkt.brokers.mt5.native.find_spec", lambda _: True)
    config = load_config(None)[0].model_copy(update={"broker": "mt5", "mt5": {}})
    monkeypatch.setattr(type(config), "profiles", lambda _: {"sim": Profile("sim", suffix="m")})
    found = list(outside.brokers(config))
    assert [one.verdict for one in found] == [Verdict.OK] * len(found)
    assert "mt5.sim: account" in found[-1].found


def test_a_check_that_breaks_is_a_finding(monkeypatch, tmp_path):
    monkeypatch.setattr(visit.machine, "limits", lambda: 1 / 0)
    found = list(examined(None, lambda config: tmp_path))
    assert any(one.check == "limits" and one.verdict is Verdict.WARN and "ZeroDivision" in one.found for one in found)


def test_a_file_of_secrets_that_others_can_read_is_found(tmp_path):
    path = tmp_path / "qkt.toml"
    path.write_text('[feed]\ntoken = "short"\n[mt5.exness]\nlogin = 7\n')  # whose api_key is empty
    path.chmod(0o644)
    config, _ = load_config(path)
    said = [one.found for one in installation.secrecy(path, config) if one.verdict is Verdict.WARN]
    assert len(said) == 2
    assert "others can read" in said[0]


@pytest.mark.parametrize(("line", "verdict"), [("KillUserProcesses=yes", "fail"), ("#KillUserProcesses=yes", "ok")])
def test_a_machine_that_ends_daemons_with_their_session_is_found(tmp_path, monkeypatch, line, verdict):
    monkeypatch.setattr(machine, "_asked", lambda *command: "no")
    (tmp_path / "logind.conf.d").mkdir()
    (tmp_path / "logind.conf").write_text("[Login]\nKillUserProcesses=no\n")
    (tmp_path / "logind.conf.d" / "x.conf").write_text(f"[Login]\n{line}\n")
    (found,) = machine.logind(tmp_path)
    assert found.verdict == verdict


def test_a_clock_that_went_back_is_found(tmp_path):
    (tmp_path / "journal.sqlite").write_text("")
    os.utime(tmp_path / "journal.sqlite", (4e9, 4e9))
    assert next(iter(machine.clock(tmp_path))).verdict is Verdict.FAIL


def test_a_state_that_others_can_read_is_found(tmp_path):
    tmp_path.chmod(0o755)
    assert any("others can look" in one.found for one in machine.permissions(tmp_path))


def test_a_port_in_use_is_found(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (tmp_path / "qkt.toml").write_text(f"[observe]\nport = {taken.getsockname()[1]}\n")
        config, _ = load_config(tmp_path / "qkt.toml")
        (found,) = engine.port(tmp_path / "none", config)
    assert found.verdict is Verdict.WARN


def test_a_server_that_does_not_answer_is_found():
    with socket.create_server(("127.0.0.1", 0)) as there:
        port = there.getsockname()[1]
        assert [one.verdict for one in outside._answers("feed", f"http://127.0.0.1:{port}/")] == [Verdict.OK]
    assert [one.verdict for one in outside._answers("feed", f"ws://127.0.0.1:{port}/")] == [Verdict.FAIL]


def test_a_damaged_journal_is_found(tmp_path):
    (tmp_path / "journal.sqlite").write_bytes(b"no database" * 100)
    assert next(iter(engine.state(tmp_path))).verdict is Verdict.FAIL
