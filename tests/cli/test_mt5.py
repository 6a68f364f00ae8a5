"""Commands about MetaTrader 5 accounts, on a simulated one."""

from __future__ import annotations

import json
import sys
from decimal import Decimal

import pytest

from qkt.brokers.mt5.native import NativeTerminal
from qkt.brokers.mt5.profile import Profile
from qkt.brokers.mt5.server_time import ServerClock
from qkt.brokers.mt5.simulator import SimSymbol, SimulatedPackage, Venue
from qkt.core.clock import SystemClock

CONFIG = """[mt5.exness]
login = 1
expected_trade_mode = "demo"

[mt5.own]
server_time_zone = "Asia/Kolkata"
symbol_suffix = "m"
magic = 20001
expected_trade_mode = "real"
aliases = { EURO = "EURUSD" }
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "qkt.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def package(monkeypatch):
    """An account with EURUSDm, behind every profile."""
    venue = Venue([SimSymbol("EURUSDm", contract_size=Decimal(100_000))])
    venue.quote("EURUSDm", SystemClock().now(), Decimal("1.1"), Decimal("1.1001"))
    simulated = SimulatedPackage(venue, clock=ServerClock())
    monkeypatch.setattr(Profile, "terminal", lambda self: NativeTerminal(simulated))
    return simulated


def test_accounts_are_listed_with_what_is_known_of_their_brokers(qkt, config):
    rows = {row["name"]: row for row in json.loads(qkt("brokers", "list", "--json").out)}
    assert (rows["exness"]["suffix"], rows["exness"]["server_time"], rows["exness"]["magic"]) == ("m", "UTC", 10001)
    assert (rows["own"]["suffix"], rows["own"]["server_time"], rows["own"]["magic"]) == ("m", "Asia/Kolkata", 20001)
    assert "simulated" in qkt("brokers", "list").out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[mt5.own]\nlogin = 1\n", "server_time_zone is missing"),
        ('[mt5.own]\nextends = "ftmo"\nmagic = 10001\n[mt5.exness]\nlogin = 1\n', "magic 10001 is that of mt5.own too"),
        ('[mt5.exness]\ngateway_url = "http://here:1"\napi_key = "tiny-key"\n', "api_key is missing or too short"),
        ('[mt5.exness]\nserver_time_zone = "Mars/Olympus"\n', "Mars/Olympus"),
        ("[mt5.exness]\nsuffix = 'm'\n", "suffix"),
    ],
)
def test_a_profile_that_cannot_be_is_refused_with_its_name(qkt, config, text, said):
    config.write_text(text)
    answer = qkt("brokers", "list")
    assert answer.code == 1
    assert said in answer.err
    assert "mt5" in answer.err


def test_a_check_says_what_is_wrong_with_an_account(qkt, config, package):
    good = qkt("brokers", "check", "exness", "--symbol", "EXNESS:EURUSD")
    assert good.code == 0, good.out
    assert "demo, hedging, USD" in good.out
    other = qkt("brokers", "check", "own", "--symbol", "OWN:EURO", "--json")
    wrong = {row["what"]: row["wrong"] for row in other.json}
    assert other.code == 1
    assert "mode demo" in wrong["account"]
    assert wrong["OWN:EURO"] == ""
    package.clock = ServerClock("Asia/Tokyo")
    assert "set server_time_zone" in qkt("brokers", "check", "exness", "--symbol", "EXNESS:EURUSD").out
    unknown = qkt("brokers", "check", "exnes")
    assert unknown.code == 1
    assert "known are: exness, own" in unknown.err
    missing = qkt("brokers", "check", "exness", "--symbol", "EXNESS:NOTHING")
    assert missing.code == 1
    assert "no symbol NOTHINGm" in missing.out


def test_instruments_are_held_to_what_the_venue_says(qkt, config, package):
    assert qkt("instruments", "verify", "--broker", "exness", "EURUSD").code == 0
    package.venue.symbols["EURUSDm"].contract_size = Decimal(10_000)
    differs = qkt("instruments", "verify", "--broker", "exness", "EURUSD", "--json")
    assert differs.code == 1
    assert differs.json == [{"symbol": "EURUSD", "field": "contract_size", "configured": "100000", "venue": "10000"}]


def test_what_the_package_gives_is_written_down(qkt, config, package, monkeypatch, tmp_path):
    without = qkt("mt5-record", "EURUSDm", "-o", tmp_path / "none.json")
    assert without.code == 1
    assert "Windows" in without.err
    monkeypatch.setitem(sys.modules, "MetaTrader5", package)
    told = qkt("mt5-record", "EURUSDm", "-o", tmp_path / "record.json")
    assert told.code == 0, told.err
    assert "every field that is read is there" in told.out
    recorded = json.loads((tmp_path / "record.json").read_text())
    assert recorded["calls"]["account_info"]["result"]["login"] == "hidden"
    assert package.sends == 0


def test_a_gateway_that_cannot_be_served_says_why(qkt, config, monkeypatch):
    monkeypatch.delenv("QKT_MT5_TOKEN", raising=False)
    assert qkt("mt5-gateway").code == 2
    assert qkt("mt5-gateway", "--simulated", "--host", "0.0.0.0").code == 2
    short = qkt("mt5-gateway", "--simulated")
    assert short.code == 1
    assert "QKT_MT5_TOKEN" in short.err
    lost = qkt("mt5-gateway", "--simulated", "--token-file", "nowhere")
    assert lost.code == 1
    assert "nowhere" in lost.err
    if sys.platform != "win32":
        local = qkt("mt5-gateway", "--profile", "exness")
        assert local.code == 1
        assert "pip install '.[mt5]'" in local.err


def test_a_back_test_on_the_simulated_account_says_so_and_trades_as_on_paper(qkt, strategy, tape):
    strategy.write_text(strategy.read_text().replace("0.0008", "0.0002"))
    lines = tape.read_text().splitlines()
    tape.write_text(
        "\n".join([lines[0], *(f"{ts},{bid},{bid}" for ts, bid, _ in (line.split(",") for line in lines[1:]))]) + "\n"
    )
    paper = qkt("backtest", strategy, "--data", tape, "--json").json
    simulated = qkt("backtest", strategy, "--data", tape, "--broker", "mt5-sim", "--json")
    assert simulated.code == 0, simulated.err
    assert paper["metrics"]["closed_trades"] > 8
    for name in ("closed_trades", "total_pnl"):
        assert simulated.json["metrics"][name] == paper["metrics"][name]
    assert "mt5-sim" in simulated.out
    assert qkt("backtest", strategy, "--data", tape, "--broker", "mt5").code == 2
