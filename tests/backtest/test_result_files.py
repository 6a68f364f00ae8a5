"""The files a run writes."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from qkt.backtest.curve import EquityCurve
from qkt.backtest.output import draft_of, require_writable, write_equity, write_round_trips, write_trades
from qkt.core.errors import QktError
from tests.backtest.records import fill, minutes, trip

CURVE = EquityCurve(np.array([minutes(0), minutes(1)]), np.array([10_000.0, 10_000.1]))


def test_trades_begin_with_the_agreed_columns(tmp_path):
    path = tmp_path / "trades.csv"
    write_trades(path, [fill()])
    header, line = path.read_bytes().decode().split("\n")[:2]
    assert header.startswith("timestamp,strategy,symbol,side,quantity,price,realized,position_effect,order_type,order_id,")
    assert line.startswith("1704873660000,crosses,BACKTEST:EURUSD,BUY,0.10,1.09500000,0.00000000,OPEN_LONG,Market,ORD-0,")
    assert len(header.split(",")) == len(line.split(","))


def test_numbers_have_no_exponent_and_zero_no_sign(tmp_path):
    path = tmp_path / "trades.csv"
    write_trades(path, [fill(quantity=Decimal("1E+2"), realized=Decimal("1E-8"), slippage=Decimal("-0.00"))])
    values = dict(zip(*(line.split(",") for line in path.read_text().splitlines()), strict=True))
    assert (values["quantity"], values["realized"], values["slippage"]) == ("100", "0.00000001", "0.00")


def test_equal_rows_give_equal_bytes(tmp_path):
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    for path in (one, other):
        write_trades(path, [fill(1), fill(2)])
    assert one.read_bytes() == other.read_bytes()


def test_a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "trades.csv"
    path.write_text("of an earlier run")
    write_trades(path, [fill()])
    assert path.read_text().startswith("timestamp,")
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_half_way_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "trades.csv"
    path.write_text("of an earlier run")

    def rows():
        yield fill()
        raise RuntimeError("the disk is on fire")

    with pytest.raises(RuntimeError):
        write_trades(path, rows())
    assert path.read_text() == "of an earlier run"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="a process cannot be asked after there")
def test_what_a_killed_process_left_is_removed_and_what_another_one_writes_is_not(tmp_path):
    path = tmp_path / "trades[1].csv"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for name in (f".{path.name}.{gone.pid}.part", f".{path.name}.{os.getppid()}.part", f".other.csv.{gone.pid}.part"):
        (tmp_path / name).write_text("timestamp,")
    (tmp_path / f".report.{gone.pid}.part").mkdir()
    (tmp_path / f".report.{gone.pid}.part" / "result.json").write_text("{")
    write_trades(path, [fill()])
    draft_of(tmp_path / "report")
    left = {f".{path.name}.{os.getppid()}.part", f".other.csv.{gone.pid}.part", path.name}
    assert {file.name for file in tmp_path.iterdir()} == left


def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    link.symlink_to(real)
    write_round_trips(link, [trip("1")])
    assert link.is_symlink()
    assert real.read_text().startswith("strategy,symbol,side,quantity,entry_time,")


def test_the_equity_curve_as_csv_and_as_parquet(tmp_path):
    write_equity(tmp_path / "equity.csv", CURVE)
    write_equity(tmp_path / "equity.parquet", CURVE)
    assert (tmp_path / "equity.csv").read_text() == "timestamp,equity\n1704873600000,10000.0\n1704873660000,10000.1\n"
    table = pq.read_table(tmp_path / "equity.parquet")
    assert table.to_pydict() == {"timestamp": CURVE.times.tolist(), "equity": CURVE.values.tolist()}


@pytest.mark.parametrize(("name", "part"), [("missing/trades.csv", "there is no folder"), ("", "it is a folder")])
def test_a_place_that_cannot_be_written_is_refused_before_the_run(tmp_path, name, part):
    with pytest.raises(QktError, match=part):
        require_writable(tmp_path / name)


def test_writing_into_a_missing_folder_is_one_sentence(tmp_path):
    path = tmp_path / "missing" / "trades.csv"
    with pytest.raises(QktError, match=r"trades.csv: cannot be written \(no such file or directory\)"):
        write_trades(path, [fill()])


def test_a_device_is_written_directly():
    write_trades(Path("/dev/null"), [fill()])
    assert not Path("/dev/null").is_file()
