"""`qkt backtest` from the arguments to the exit code."""

from __future__ import annotations

import json

import pytest

from qkt.backtest.runner import Progress
from qkt.cli.progress import progress_share
from qkt.cli.run_options import complete_store

PYTHON = """
import signal
from qkt.strategy import Strategy


class Stops(Strategy):
    streams = {"eur": "BACKTEST:EURUSD 1m"}
    params = {"signals": 1}

    def on_candle(self, candle):
        if not self.position("eur").quantity:
            self.buy("eur", "0.1")
            for _ in range(self.params["signals"]):
                signal.raise_signal(signal.SIGINT)
"""


def test_a_run_prints_its_result_and_ends_with_zero(qkt, strategy, tape):
    answer = qkt("backtest", strategy, "--data", tape)
    assert answer.code == 0
    assert answer.out.startswith("crosses  BACKTEST:EURUSD  1m\n")
    assert "Net P&L" in answer.out
    assert answer.err == ""
    assert max(map(len, answer.out.splitlines())) <= 80


def test_json_is_one_document_and_equal_but_for_the_timing(qkt, strategy, tape):
    one, other = (qkt("backtest", strategy, "--data", tape, "--json") for _ in range(2))
    assert one.err == ""
    first, second = one.json, other.json
    assert first["trade_count"] > 0
    assert first.pop("timing")["total"] > 0
    second.pop("timing")
    assert json.dumps(first) == json.dumps(second)


def test_quiet_is_one_line(qkt, strategy, tape):
    answer = qkt("backtest", strategy, "--data", tape, "--quiet")
    assert len(answer.out.splitlines()) == 1
    assert answer.out.startswith("crosses: ")


def test_files_are_written_and_agree_with_the_result(qkt, strategy, tape, tmp_path):
    names = {option: tmp_path / f"{option[2:]}.csv" for option in ("--trades", "--round-trips", "--equity")}
    options = [part for pair in names.items() for part in pair]
    result = qkt("backtest", strategy, "--data", tape, "--json", *options).json
    lines = {option: path.read_text().splitlines() for option, path in names.items()}
    assert len(lines["--trades"]) - 1 == result["trade_count"]
    assert len(lines["--round-trips"]) - 1 == result["metrics"]["closed_trades"]
    assert len(lines["--equity"]) - 1 == result["equity"]["samples"]


def test_settings_reach_the_run(qkt, strategy, tape):
    result = qkt(
        "backtest", strategy, "--data", tape, "--json", "--balance", "2500.50", "--param", "fast=5", "--fills", "mid",
        "--every-tick", "--from", "2024-01-10T08:30", "--to", "2024-01-10 09:00:00",
    ).json  # fmt: skip
    assert result["params"] == {"fast": "5"}
    recorded = result["settings"]
    assert recorded.pop("execution")["fills"] == "mid"
    assert recorded.pop("limits")["losses"]["max_daily_loss"] == "1000"
    assert recorded == {"balance": "2500.50", "currency": "USD", "fills": "mid", "replay": "every-tick"}
    assert result["period"]["start_iso"] == "2024-01-10T08:30:00.000Z"
    assert result["period"]["end_iso"] == "2024-01-10T08:59:59.000Z"


def test_columns_of_an_unknown_file_are_named(qkt, strategy, tape, tmp_path):
    odd = tmp_path / "odd.csv"
    odd.write_text(tape.read_text().replace("ts_ms,bid,ask", "when,b,a", 1))
    answer = qkt("backtest", strategy, "--data", f"EURUSD={odd}", "--columns", "ts=when,bid=b,ask=a", "--json")
    assert answer.json["period"]["ticks"] == 10_800


def test_the_log_is_shown_on_request_and_never_mixed_with_json(qkt, strategy, tape):
    assert "crossed" not in qkt("backtest", strategy, "--data", tape, "--quiet").out
    assert " INFO  crossed" in qkt("backtest", strategy, "--data", tape, "--quiet", "--log").out
    answer = qkt("backtest", strategy, "--data", tape, "--json", "--log")
    assert answer.json["strategy"] == "crosses"
    assert " INFO  crossed" in answer.err


@pytest.mark.parametrize(
    ("options", "code", "part"),
    [
        (["--from", "2024-13-01"], 2, "--from is '2024-13-01', expected a UTC date or time"),
        (["--to", "soon"], 2, "--to is 'soon'"),
        (["--from", "2024-01-11", "--to", "2024-01-10"], 2, "2024-01-11"),
        (["--from", "2030-01-01"], 1, "no tick in the range"),
        (["--param", "fast"], 2, "--param 'fast' cannot be understood, expected NAME=VALUE"),
        (["--param", "=3"], 2, "cannot be understood"),
        (["--param", "fast=3", "--param", "fast=4"], 2, "gives 'fast' twice"),
        (["--param", "slow=3"], 1, "slow"),
        (["--balance", "-5"], 2, "the balance is -5"),
        (["--balance", "much"], 2, "the balance is 'much'"),
        (["--fills", "best"], 2, "best"),
        (["--columns", "ts"], 2, "--columns 'ts' cannot be understood"),
        (["--trades", "/nowhere/trades.csv"], 1, "there is no folder /nowhere"),
        (["--instruments", "/nowhere.json"], 1, "/nowhere.json"),
        (["--store"], 2, "--store"),
        (["--speed", "11"], 2, "--speed"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_clear_sentence(qkt, strategy, tape, options, code, part):
    answer = qkt("backtest", strategy, "--data", tape, *options)
    assert answer.code == code
    assert part in answer.err
    assert answer.out == ""
    assert "Traceback" not in answer.err


def test_without_data_the_remedy_is_named(qkt, strategy):
    answer = qkt("backtest", strategy)
    assert answer.code == 2
    assert "--data" in answer.err


def test_a_missing_strategy_file_is_one_sentence(qkt, tmp_path, tape):
    answer = qkt("backtest", tmp_path / "none.qkt", "--data", tape)
    assert answer.code == 1
    assert len(answer.err.splitlines()) == 1
    assert "none.qkt" in answer.err


def test_an_error_with_json_is_data_on_stdout(qkt, strategy, tape):
    answer = qkt("backtest", strategy, "--data", tape, "--json", "--balance", "0")
    assert answer.code == 2
    assert answer.err == ""
    assert answer.json["error"] == "UsageError"
    assert answer.json["expected"] == "a positive amount"
    assert "balance" in answer.json["message"]


def test_the_first_interrupt_ends_the_run_cleanly(qkt, tmp_path, tape):
    stops, trades = tmp_path / "stops.py", tmp_path / "trades.csv"
    stops.write_text(PYTHON)
    answer = qkt("backtest", stops, "--data", tape, "--trades", trades, "--every-tick")
    assert answer.code == 130
    assert "interrupted: this is what was done until then" in answer.out
    assert "10,800 ticks" not in answer.out
    assert "the result is partial" in answer.err
    assert len(trades.read_text().splitlines()) == 2


def test_the_second_interrupt_ends_it_at_once(qkt, tmp_path, tape):
    stops, trades = tmp_path / "stops.py", tmp_path / "trades.csv"
    stops.write_text(PYTHON)
    answer = qkt("backtest", stops, "--data", tape, "--trades", trades, "--param", "signals=2")
    assert answer.code == 130
    assert answer.out == ""
    assert not trades.exists()


@pytest.mark.parametrize(
    ("given", "completed"),
    [
        (["a.qkt", "--store"], ["a.qkt", "--store", ""]),
        (["a.qkt", "--store", "--quiet"], ["a.qkt", "--store", "", "--quiet"]),
        (["--store", "a.qkt"], ["--store", "", "a.qkt"]),
        (["--store", "ticks", "a.qkt"], ["--store", "ticks", "a.qkt"]),
        (["a.qkt", "--store=ticks"], ["a.qkt", "--store=ticks"]),
    ],
)
def test_store_may_stand_without_a_folder(given, completed):
    assert complete_store(given) == completed


@pytest.mark.parametrize(
    ("progress", "asked", "share"),
    [
        (Progress(25, 100, 0), None, 0.25),
        (Progress(25, None, 150), (100, 200), 0.5),
        (Progress(25, None, 900), (100, 200), 1.0),
        (Progress(25, None, 150), None, None),
    ],
)
def test_progress_is_a_share_of_the_ticks_or_else_of_the_time(progress, asked, share):
    assert progress_share(progress, asked) == share
