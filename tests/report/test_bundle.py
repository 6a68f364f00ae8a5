"""The folder of a report: what is in it, that its numbers agree, and that nothing else is ever lost to it."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import re
from dataclasses import replace
from decimal import Decimal
from html import unescape
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from qkt.backtest.result import BacktestResult
from qkt.core.errors import QktError
from qkt.report import bundle, write_report
from qkt.report.chance import Chance
from qkt.report.evidence import evidence
from qkt.report.page import page
from qkt.research.execution_study import Draws, ExecutionStudy
from qkt.research.monte_carlo import Quantiles
from tests.backtest.records import record
from tests.report.conftest import STRATEGIES

FILES = ["daily.csv", "equity.parquet", "financing.csv", "rejections.csv", "report.html", "result.json", "roundtrips.csv"]
FILES += ["trades.csv"]


@pytest.fixture
def undrawn(monkeypatch):
    """Pages without charts, for what is only about folders."""
    monkeypatch.setattr("qkt.report.page.page", lambda result, proof, chance: result.record.strategy)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_manifest_vouches_for_every_file(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [entry["path"] for entry in manifest["files"]] == FILES
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, "manifest.json"])
    for entry in manifest["files"]:
        content = (folder / entry["path"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (entry["bytes"], entry["sha256"])
    assert bundle.damaged(folder) == []


def test_page_json_and_tables_tell_the_same_numbers(folder, result):
    told = json.loads((folder / "result.json").read_text())
    assert result.metrics.closed_trades > 20
    assert read(folder / "trades.csv") == [{k: as_csv(v) for k, v in row.items()} for row in told["trades"]]
    assert read(folder / "roundtrips.csv") == [{k: as_csv(v) for k, v in row.items()} for row in told["round_trips"]]
    nets = [Decimal(row["net"]) for row in read(folder / "roundtrips.csv") if row["exit_reason"] != "END_OF_DATA"]
    assert sum(nets) == Decimal(told["metrics"]["net"])
    assert sum(Decimal(row["realized"]) for row in read(folder / "daily.csv") if row["scope"] == "run") == sum(
        Decimal(row["realized"]) for row in told["trades"]
    )
    curve = pq.read_table(folder / "equity.parquet")
    assert curve.num_rows == told["equity"]["samples"]
    assert curve["equity"][-1].as_py() == told["equity"]["values"][-1]
    assert curve.column_names == ["timestamp", "equity", "equity:follow", "equity:fade", "gross", "net"]
    shown = re.findall(r'data-key="([^"]+)" data-value="([^"]*)"', (folder / "report.html").read_text())
    assert len({key for key, _ in shown}) > 40
    for key, value in shown:
        found = told["metrics"]
        for name in key.split("."):
            found = None if found is None else found[name]
        assert unescape(value) == ("" if found is None else str(found)), key


def test_what_chance_makes_of_it_is_on_the_page_and_in_the_json(folder):
    told = json.loads((folder / "result.json").read_text())["chance"]
    rows = re.findall(r'<tr><td class="left">(iid|block|shuffle)</td>(.*?)</tr>', (folder / "report.html").read_text())
    assert [name for name, _ in rows] == [one["method"] for one in told["trades"]]
    for (_, cells), one in zip(rows, told["trades"], strict=True):
        shown = re.findall("<td>([^<]+)</td>", cells)
        assert shown[1:4] == [f"{one['final'][name]:,.2f}" for name in ("p5", "p50", "p95")]
        assert shown[-2:] == [f"{100 * one[name]:.2f} %" for name in ("loss", "ruin")]
    assert told["days"] is told["executions"] is told["autocorrelation"] is None, "four days are too few"
    assert [one["symbol"] for one in told["continuation"]] == ["BACKTEST:EURUSD"]


def test_other_executions_stand_beside_what_is_drawn_anew(result):
    spread = Quantiles(1.0, 2.0, 3.0, 4.0, 5.0)
    study = ExecutionStudy(Draws(runs=7), 50_000.0, (3.0, 0.1), spread, Quantiles(0.1, 0.2, 0.3, 0.4, 0.5), spread, 0.25, 0.5)
    chance = Chance.of(result, study)
    text = page(result, evidence(result), chance)
    cells = re.search(r'<tr><td class="left">executions</td>(.*?)</tr>', text)
    assert cells is not None
    shown = re.findall("<td>([^<]+)</td>", cells[1])
    assert shown == ["7", "1.00", "3.00", "5.00", "30.00 %", "50.00 %", "25.00 %", "50.00 %"]
    assert "a latency up to 500 ms" in text
    assert chance.as_dict()["executions"]["runs"] == 7


def as_csv(value: object) -> str:
    return "None" if value is None else str(value)


def test_what_the_page_shows_is_the_value_that_it_carries(folder):
    text = (folder / "report.html").read_text()
    shown = re.findall(r'data-key="total_pnl" data-value="([^"]+)"[^>]*>([^<]+)<', text)
    assert shown
    assert all(f"{Decimal(value):+,.2f}" == written for value, written in shown)


def test_a_page_holds_everything_and_asks_for_nothing(folder):
    text = (folder / "report.html").read_text()
    for title in (
        "Mind",
        "Equity and drawdown",
        "Months",
        "Trades on the price",
        "Book",
        "Excursions",
        "Costs",
        "Data",
        "Settings",
    ):
        assert f">{title}</h" in text
    for chart in ("equity", "days", "nets", "price-0", "excursions", "fan", "book", "hours", "weekdays"):
        assert f'id="{chart}"' in text
        assert f'data-chart="{chart}"' in text
    head = text[: text.index("<body>")]
    assert "default-src 'none'" in head
    assert not re.search(r'<(script|link|img|iframe)[^>]+(src|href)="(?!data:|#)', text)


def test_evidence_names_strategy_and_data_by_their_contents(folder, result):
    proof = json.loads((folder / "result.json").read_text())["evidence"]
    files = {Path(one["file"]).name: one["sha256"] for one in proof["strategy"]}
    assert set(files) == {"trend_or_range.qkt", "ema_cross.qkt", "band_reversion.qkt"}
    assert files["ema_cross.qkt"] == hashlib.sha256((STRATEGIES / "ema_cross.qkt").read_bytes()).hexdigest()
    assert proof["data"]
    assert all(one["sha256"] for one in proof["data"])
    assert proof["command"] == "qkt backtest trend_or_range.qkt"


def test_markup_in_the_data_stays_text(result):
    name = "</script><script>alert(1)</script><b>&amp;"
    trips = [replace(trip, strategy=name) for trip in result.round_trips[:3]]
    odd = BacktestResult.of(replace(result.record, strategy=name, params={name: name}, round_trips=trips, book=None))
    text = page(odd, evidence(odd), Chance.of(odd))
    assert "<script>alert" not in text
    assert "<b>&amp;amp;" not in text
    assert "&lt;b&gt;" in text


def test_a_run_without_trades_or_samples_has_a_report_too():
    for run in (record([10_000.0]), record([], ticks=0)):
        result = BacktestResult.of(run)
        text = page(result, evidence(result), Chance.of(result))
        assert "the strategy never traded" in text
        assert "takes 30 closed ones" in text
        assert "fewer than 20 daily returns" in text


@pytest.mark.usefixtures("undrawn")
def test_an_earlier_report_is_replaced_and_nothing_stays_beside_it(result, tmp_path):
    target = tmp_path / "r"
    write_report(BacktestResult.of(record([1.0])), target)
    write_report(result, target)
    assert bundle.damaged(target) == []
    assert json.loads((target / "result.json").read_text())["strategy"] == "trend_or_range"
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


@pytest.mark.parametrize(
    ("there", "found"),
    [
        (["notes.txt"], "holds notes.txt and is no report"),
        (["a", "b", "c"], "holds a and 2 more and is no report"),
        (["manifest.json"], "holds manifest.json and is no report"),
    ],
)
def test_a_folder_that_is_no_report_is_left_alone(result, tmp_path, there, found):
    for name in there:
        (tmp_path / name).write_text("{}")
    with pytest.raises(QktError, match=found):
        write_report(result, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == there


@pytest.mark.usefixtures("undrawn")
def test_what_somebody_put_into_a_report_is_not_lost(tmp_path):
    target = write_report(BacktestResult.of(record([1.0])), tmp_path / "r")
    (target / "notes.txt").write_text("mine")
    with pytest.raises(QktError, match=r"holds notes\.txt besides a report"):
        write_report(BacktestResult.of(record([2.0])), target)
    assert (target / "notes.txt").read_text() == "mine"


def test_a_file_and_a_path_below_a_file_are_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(QktError, match="is a file"):
        bundle.require_report_folder(tmp_path / "file")
    with pytest.raises(QktError, match="is not a folder"):
        bundle.require_report_folder(tmp_path / "file" / "below")


@pytest.mark.usefixtures("undrawn")
def test_a_full_disk_leaves_the_earlier_report_and_no_half_one(result, tmp_path, monkeypatch):
    target = tmp_path / "r"
    write_report(BacktestResult.of(record([1.0])), target)
    before = {path.name: path.read_bytes() for path in target.iterdir()}

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    for where in ("qkt.report.bundle._write_manifest", "qkt.backtest.output._csv"):
        monkeypatch.setattr(where, full)
        for place in (target, tmp_path / "new"):
            with pytest.raises(QktError, match=rf"^{place}: cannot be written \(no space left on device\)$"):
                write_report(result, place)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_a_missing_library_is_told_with_the_command_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(QktError, match=r"bokeh, which is not installed; in the clone of qkt: pip install '\.\[report\]'"):
        bundle.require_report_folder(tmp_path / "r")


@pytest.mark.usefixtures("undrawn")
def test_a_changed_file_is_noticed(tmp_path):
    target = write_report(BacktestResult.of(record([1.0, 2.0])), tmp_path / "r")
    with (target / "daily.csv").open("a") as file:
        file.write("run,2030-01-01,1000000,1000000,0,1\n")
    (target / "trades.csv").unlink()
    assert bundle.damaged(target) == ["daily.csv", "trades.csv"]
