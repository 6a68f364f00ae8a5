"""The commands that speak to a running engine: tables for people, data with --json, exit codes, refusals in one sentence."""

from __future__ import annotations

import json
import tempfile

import pytest
from anyio.from_thread import start_blocking_portal

from qkt.runtime.control.rows import HaltRow, OrderRow
from qkt.runtime.control.serving import serving
from tests.runtime.control.fake import NOW, FakeEngine, fill, position, rested, strategy


@pytest.fixture
def state(tmp_path, monkeypatch):
    with tempfile.TemporaryDirectory(prefix="qkt") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        monkeypatch.setenv("QKT_STATE_DIR", str(tmp_path))
        yield tmp_path


@pytest.fixture
def engine(state):
    """An engine with two sessions, served on a loop of its own."""
    fake = FakeEngine()
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serving(fake, state)):
        portal.call(fake.put, "strategies", strategy("gold", day_pnl="-97.60", positions=1, last_tick=NOW + 60_000))
        portal.call(fake.put, "strategies", strategy("silver"))
        yield fake


def test_the_list_is_a_table_for_people_and_data_for_programs(qkt, engine):
    shown = qkt("list").out.splitlines()
    assert shown[0].split() == ["NAME", "MODE", "STATE", "UP", "DAY", "P&L", "OPEN", "P&L", "POS", "ORD", "TRADES"]
    assert shown[1].split()[:5] == ["gold", "PAPER", "RUN", "0s", "-97.60"]
    assert [row["name"] for row in qkt("list", "--json").json] == ["gold", "silver"]


def test_a_halted_session_says_so(qkt, engine):
    assert qkt("halt", "gold").out == "gold  halted\n"
    assert "HALT operator" in qkt("list").out
    assert "HALT gold: operator (operator, until resumed)" in qkt("status").out
    deep = qkt("status", "--deep")
    assert (deep.code, deep.out, deep.err) == (1, "UNHEALTHY\n", "qkt: gold is halted\n")
    assert qkt("resume").out == "gold  resumed\nsilver  resumed\n"
    assert qkt("status", "--deep").code == 0


def test_what_is_not_known_of_a_session_that_rests_is_a_hyphen_and_no_zero(qkt, engine):
    engine.tables["strategies"] = {row.name: row for row in (rested("gold"), rested("silver", positions=0))}
    gold, silver = (line.split() for line in qkt("list").out.splitlines()[1:])
    assert gold[2:8] == ["STOPPED", "0s", "-", "-", "1", "0"]
    assert silver[2:8] == ["STOPPED", "0s", "-", "0.00", "0", "0"]
    shown = [line.split(maxsplit=1) for line in qkt("status", "silver").out.splitlines()]
    assert [words for words in shown if words[0] in ("equity", "drawdown")] == [
        ["equity", "10,000.00"],
        ["drawdown", "-, worst -"],
    ]
    assert "  equity     -\n  day P&L    -\n  open P&L   -\n" in qkt("status", "gold").out
    found = qkt("status", "gold", "--json").json
    assert {found[key] for key in ("equity", "day_pnl", "open_pnl", "drawdown_pct", "max_drawdown_pct")} == {None}
    assert qkt("list", "--json").json[1]["equity"] == "10000"


def test_a_name_that_is_not_there_is_one_sentence(qkt, engine):
    for command in (("stop", "gald"), ("status", "gald"), ("logs", "gald"), ("positions", "gald")):
        answer = qkt(*command)
        assert (answer.code, answer.err) == (1, "qkt: no session named 'gald'; did you mean 'gold'?\n")
    assert qkt("stop", "gald", "--json").json["remedy"] == "did you mean 'gold'?"


def test_a_name_that_is_none_is_a_mistake_in_the_command_line(qkt, engine):
    answer = qkt("stop", "../evil")
    assert answer.code == 2
    assert "'../evil' is no session's name" in answer.err


def test_deploying_sends_the_absolute_path_and_the_parameters(qkt, engine, strategy_file):
    assert qkt("deploy", strategy_file, "--as", "mine", "--param", "fast=5").out == "mine  deployed\n"
    sent = engine.performed[-1]
    assert (sent.path, sent.name, sent.params) == (str(strategy_file.resolve()), "mine", {"fast": "5"})
    assert sent.author.endswith("(cli)")
    again = qkt("deploy", strategy_file, "--as", "mine")
    assert (again.code, again.err) == (1, "qkt: the name 'mine' is taken; choose another with --as\n")


@pytest.fixture
def strategy_file(tmp_path):
    file = tmp_path / "mine.qkt"
    file.write_text("STRATEGY mine VERSION 1\n")
    return file


def test_stopping_lists_what_would_lose_its_protection(qkt, engine):
    engine.tables["positions"] = {"gold:1": position("gold", engine_held=("trailing stop",))}
    refused = qkt("stop", "gold")
    assert refused.code == 1
    assert "gold: LONG 0.10 PAPER:XAUUSD (leg 1) stays, protected only by its trailing stop" in refused.err
    assert qkt("stop", "gold", "--leave-unprotected").code == 0


def test_a_kill_that_is_not_proven_flat_ends_with_one(qkt, engine):
    assert qkt("kill").out == "gold  halted\nsilver  halted\n"
    assert qkt("kill", "--flatten").out == "gold  halted, flat\nsilver  halted, flat\n"
    engine.tables["positions"] = {"gold:1": position("gold", engine_held=("trailing stop",))}
    killed = qkt("kill", "gold", "--flatten")
    assert (killed.code, killed.out) == (1, "")
    assert killed.err.splitlines() == [
        "qkt: gold: LONG 0.10 PAPER:XAUUSD (leg 1) stays, protected only by its trailing stop",
        "qkt: not everything could be closed",
    ]


def test_rows_are_shown_with_the_digits_that_matter(qkt, engine):
    engine.tables["positions"] = {"gold:1": position("gold", entry="2411.35000000", pnl="-31.8")}
    engine.tables["orders"] = {"silver:1": order("silver")}
    engine.filled = [fill("gold", 1), fill("silver", 2)]
    assert qkt("positions").out.splitlines()[1].split()[:7] == ["gold", "PAPER:XAUUSD", "LONG", "0.1", "2411.35", "-", "-31.80"]
    assert "1m00s" in qkt("positions").out
    assert qkt("positions", "silver").out == "no open positions\n"
    assert qkt("orders", "--json").json[0]["price"] == "2407.00"
    assert len(qkt("trades").out.splitlines()) == 3
    assert [one["number"] for one in qkt("trades", "gold", "--json").json] == [1]


def order(session):
    return OrderRow(
        session=session,
        account="paper",
        order="1",
        symbol="PAPER:XAUUSD",
        side="SELL",
        kind="STOP",
        purpose="entry",
        status="WORKING",
        quantity="0.10",
        filled="0",
        price="2407.00",
        time_in_force="GTC",
        placed=NOW,
    )


def test_logs_show_a_session_and_nothing_that_steers_a_terminal(qkt, engine):
    engine.say("bought\x1b[2J", scope="gold", level="WARN")
    engine.say("other", scope="silver")
    assert qkt("logs", "gold").out == "2024-01-10 08:00:00 WARN  bought?[2J\n"
    assert [line["text"] for line in qkt("logs", "silver", "--json").json] == ["other"]
    assert qkt("logs", "gold", "--since", "2030-01-01").out == ""


def test_a_clean_reconciliation_ends_with_zero(qkt, engine):
    answer = qkt("reconcile", "gold")
    assert (answer.code, answer.out) == (0, "books and venue agree\n")


def test_without_an_engine_every_command_says_how_to_start_one(qkt, state):
    for command in (["list"], ["halt"], ["daemon", "status"], ["daemon", "stop"]):
        answer = qkt(*command)
        assert answer.code == 1
        assert "no engine is running; start one with qkt daemon start or qkt up" in answer.err
    assert qkt("list", "--json").json["error"] == "NotRunningError"


def test_the_daemons_status_has_what_a_watchdog_needs(qkt, engine):
    health = qkt("daemon", "status", "--json").json
    assert {"pid", "uptime_s", "sessions"} <= set(health)
    assert qkt("daemon", "status").out == "engine ready, pid 1, up 1d01h, 2 sessions\n"


def test_a_halt_is_shown_until_it_ends(qkt, engine):
    engine.tables["halts"] = {"x": HaltRow(scope="gold", kind="daily", reason="max_daily_loss", since=NOW, until=NOW)}
    assert "HALT gold: max_daily_loss (daily, until 2024-01-10 08:00:00)" in qkt("status").out


def test_json_is_one_document(qkt, engine):
    for command in ("status", "status gold", "halt", "kill", "reconcile gold", "orders", "daemon status"):
        json.loads(qkt(*command.split(), "--json").out)


def test_every_command_looks_where_the_configuration_says_that_the_state_is(qkt, tmp_path, monkeypatch):
    monkeypatch.delenv("QKT_STATE_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "qkt.toml").write_text('state_dir = "there"\n')
    other = tmp_path / "other.toml"
    other.write_text('state_dir = "elsewhere"\n')
    for command in ("list", "replay one", "explain-trade one 1", "state inspect", "state verify", "incident one"):
        assert qkt(*command.split()).err.startswith("qkt: there"), command
    assert qkt("incident", "one", "--config", other).err.startswith("qkt: elsewhere")
    (tmp_path / "elsewhere").write_text("a file, so that no engine starts there")
    assert "elsewhere" in qkt("daemon", "start", "--config", other).err
