"""Two reports held against each other."""

from __future__ import annotations

import json
import webbrowser
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from qkt.backtest.result import BacktestResult
from qkt.brokers.paper import ExecutionSettings
from qkt.cli.main import main
from qkt.core.errors import QktError
from qkt.report import write_report
from qkt.report.comparison import compare
from qkt.report.page import comparison_page
from tests.backtest.records import record, trip


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Reports without a page: they are compared by their data."""
    monkeypatch.setattr("qkt.report.page.page", lambda result, proof, chance: "")


def report(folder: Path, *, nets=("10", "-4"), **changes) -> Path:
    trips = [trip(net, entered=n, left=n + 1) for n, net in enumerate(nets)]
    run = record([10_000.0, 10_010.0, 10_006.0], round_trips=trips, realized=sum(map(Decimal, nets)), **changes)
    return write_report(BacktestResult.of(run), folder)


def test_two_equal_runs_are_the_same(tmp_path):
    found = compare(report(tmp_path / "a"), report(tmp_path / "b"))
    assert found.same
    assert (found.common, found.only_first, found.only_second) == (2, 0, 0)


def test_figures_stand_side_by_side_with_their_change(tmp_path):
    found = compare(report(tmp_path / "a"), report(tmp_path / "b", nets=("10", "-2", "3")))
    rows = {row.label: (row.first, row.second, row.change) for row in found.figures}
    assert rows["net P&L"] == ("6.00", "11.00", "+5.00")
    assert rows["closed trades"] == ("2", "3", "+1")
    assert rows["profit factor"] == ("2.50", "6.50", "+4.00")
    assert rows["win rate"] == ("50.00 %", "66.67 %", "+16.67 %")
    assert rows["Sharpe, daily"] == ("-", "-", "-")
    assert (found.common, found.only_first, found.only_second) == (2, 0, 1)
    assert not found.same


def test_what_the_runs_were_told_differently_is_named(tmp_path):
    first = report(tmp_path / "a", params={"fast": "5", "slow": "21"})
    second = report(tmp_path / "b", params={"fast": "9", "slow": "21"}, execution=replace(ExecutionSettings(), fills="mid"))
    assert [d for d in compare(first, second).differences if d[0] != "warning"] == [
        ("params: fast", "5", "9"),
        ("settings: execution: fills", "quotes", "mid"),
    ]


def test_a_damaged_report_is_not_compared(tmp_path):
    first, second = report(tmp_path / "a"), report(tmp_path / "b")
    (second / "result.json").write_text("{}")
    with pytest.raises(QktError, match=r"b: result\.json is not what was written"):
        compare(first, second)


def test_names_of_folders_are_text_on_the_page(tmp_path):
    page = comparison_page(compare(report(tmp_path / "a<b>"), report(tmp_path / "b", nets=("1",))))
    assert "a&lt;b&gt;" in page
    assert "<b>" not in page[: page.index("<script")]


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_the_command_tells_what_differed(tmp_path, capsys):
    first, second = report(tmp_path / "a", params={"fast": "5"}), report(tmp_path / "b", params={"fast": "9"}, nets=("10",))
    code, out, _ = run(capsys, "report", "compare", str(first), str(second))
    assert code == 0
    assert "params: fast" in out
    assert "1 entered alike in both, 1 only in a, 0 only in b" in out
    page = tmp_path / "compared.html"
    code, out, _ = run(capsys, "report", "compare", str(first), str(second), "--json", "--html", str(page))
    assert json.loads(out)["trades"] == {"common": 1, "only_first": 1, "only_second": 0}
    assert "params: fast" in page.read_text()


def test_a_page_is_opened_by_a_browser_that_draws_or_named(tmp_path, capsys, monkeypatch):
    folder = report(tmp_path / "a")
    monkeypatch.delenv("BROWSER", raising=False)
    monkeypatch.setattr("webbrowser.get", lambda: webbrowser.GenericBrowser("true"))
    code, out, err = run(capsys, "report", "open", str(folder))
    assert (code, out) == (0, f"{folder / 'report.html'}\n")
    assert "there is no browser here" in err
    monkeypatch.setenv("BROWSER", "true")
    assert run(capsys, "report", "open", str(folder)) == (0, out, "")


def test_mistakes_are_sentences(tmp_path, capsys):
    good = str(report(tmp_path / "a"))
    code, _, err = run(capsys, "report", "open", str(tmp_path))
    assert (code, err.count("\n")) == (2, 1)
    assert "is no report, expected a folder that qkt backtest --report wrote" in err
    code, _, err = run(capsys, "report", "compare", good, str(tmp_path / "gone"))
    assert (code, err.count("\n")) == (2, 1)
    (Path(good) / "trades.csv").write_text("")
    code, _, err = run(capsys, "report", "verify", good)
    assert code == 1
    assert "trades.csv changed since the report was written" in err
