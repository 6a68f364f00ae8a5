"""A result as tables, as frames, as a card in a notebook, and as charts in a terminal."""

from __future__ import annotations

import datetime as dt
import io
import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from rich.console import Console

from qkt.backtest import frames
from qkt.backtest.chart import hanging
from qkt.backtest.plots import plots
from qkt.backtest.result import BacktestResult
from qkt.core.errors import QktError, UsageError
from qkt.core.terms import Side
from qkt.core.timeframe import DAY_MS
from tests.backtest.records import START, fill, minutes, record, trip


def result(**changes) -> BacktestResult:
    trips = [trip("10.5"), trip("-4", side=Side.SELL, left=3)]
    return BacktestResult.of(record([10_000.0, 10_010.5, 10_006.5], trades=[fill()], round_trips=trips, **changes))


def test_tables_hold_every_row_with_times_and_numbers():
    table = result().table("round_trips")
    assert table["net"].to_pylist() == [10.5, -4.0]
    assert table["side"].to_pylist() == ["BUY", "SELL"]
    assert table["exit_time"].to_pylist()[1] == dt.datetime.fromtimestamp(minutes(3) / 1000, dt.UTC)
    assert table["initial_risk"].to_pylist() == [None, None]
    assert result().table("equity")["equity"].to_pylist() == [10_000.0, 10_010.5, 10_006.5]
    assert result().table("days").to_pylist()[0]["date"] == dt.date(2024, 1, 10)
    assert result().table("months").to_pylist() == [{"year": 2024, "month": 1, "pnl": 6.5, "fraction": 0.00065}]


def test_a_table_without_rows_has_its_columns():
    table = BacktestResult.of(record([1.0])).table("trades")
    assert table.num_rows == 0
    assert table.schema.field("price").type == "double"


@pytest.mark.parametrize("library", ["polars", "pandas"])
def test_frames_of_both_libraries(library):
    module = pytest.importorskip(library)
    frame = result().frame("trades", library)
    assert isinstance(frame, module.DataFrame)
    assert list(frame.columns)[:3] == ["timestamp", "strategy", "symbol"]
    assert float(frame["price"][0]) == 1.095


def test_a_wrong_name_and_a_missing_library_are_sentences(monkeypatch):
    with pytest.raises(UsageError, match="a result has no table 'orders', expected trades or round_trips"):
        result().table("orders")
    with pytest.raises(UsageError, match="there are no frames of 'excel'"):
        result().frame("trades", "excel")

    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(frames, "import_module", absent)
    with pytest.raises(QktError, match="polars or pandas is not installed; pip install polars"):
        result().frame("trades")


class Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_notebook_shows_a_card():
    text = result(realized=Decimal("6.5"))._repr_html_()
    parser = Balance()
    parser.feed(text.replace("/>", "></polyline>"))
    assert parser.open == []
    assert "+6.50 USD (+0.06 %)" in text or "+6.50 USD (+0.07 %)" in text
    assert len(re.search(r'points="([^"]+)"', text)[1].split()) == 3


def test_a_card_escapes_names_and_needs_no_samples():
    text = BacktestResult.of(replace(record([], ticks=0), strategy="<img src=x>"))._repr_html_()
    assert "<img" not in text
    assert "polyline" not in text


def shown(run, width=80, ascii_only=False) -> str:
    encoding = "ascii" if ascii_only else "utf-8"
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return plots(BacktestResult.of(run), Console(file=file, width=width, color_system=None))


def test_the_terminal_shows_equity_its_falls_and_the_months():
    equity = [10_000.0, 11_000.0, 9_900.0, 12_100.0]
    text = shown(record(equity, equity_times=[START + n * 20 * DAY_MS for n in range(4)]))
    assert "12,100.00 " in text
    assert " 9,900.00 " in text
    assert "-10.00 %" in text
    assert "2024" in text
    rows = text.splitlines()
    year = next(row for row in rows if row.startswith("2024"))
    assert year.split() == ["2024", "+10.0", "-10.0", "+22.2", "+21.0"]
    assert max(map(len, rows)) <= 80


def test_a_plain_terminal_gets_the_months_and_a_short_run_a_sentence():
    run = record([10_000.0, 11_000.0, 10_500.0])
    assert "█" not in shown(run, ascii_only=True)
    assert "2024" in shown(run, ascii_only=True)
    assert shown(record([10_000.0])) == "too few samples of equity for a chart"


def test_what_hangs_reaches_the_bottom_at_its_deepest():
    assert hanging([0.0, 0.1, 0.5, 1.0], 10, 2) == [" ▀██", "   █"]
    assert hanging([0.0] * 4, 2, 2) == ["  ", "  "]
    assert hanging([0.0, 1.0, 0.0, 0.0], 2, 1) == ["█ "]
