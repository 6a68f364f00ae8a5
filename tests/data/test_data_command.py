"""`qkt data`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from qkt.cli.data import app
from qkt.core.errors import DataError, QktError, UsageError
from tests.data.samples import write


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if isinstance(result.exception, QktError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def run_json(*arguments: str, code: int = 0) -> Any:
    return json.loads(run(*arguments, "--json", code=code))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run("synth", "--out", str(tmp_path / "ticks"), "--symbols", "EURUSD,btcusdt", "--days", "2", "--ticks-per-day", "300")
    return tmp_path


def test_synthetic_files_are_labelled_and_the_same_for_the_same_seed(folder: Path) -> None:
    arguments = ("--symbols", "EURUSD,btcusdt", "--days", "2", "--ticks-per-day", "300")
    text = run("synth", "--out", str(folder / "again"), *arguments)
    assert "synthetic ticks of BTCUSDT" in text
    for name in ("eurusd-synthetic.csv.gz", "btcusdt-synthetic.csv.gz", "README.md"):
        assert (folder / "again" / name).read_bytes() == (folder / "ticks" / name).read_bytes()
    assert "no price here was ever quoted" in (folder / "ticks" / "README.md").read_text()


def test_the_life_of_a_store(folder: Path) -> None:
    store = ("--store", str(folder / "store"))
    first = run_json("import", str(folder / "ticks"), *store)
    assert [(entry["symbol"], len(entry["added"])) for entry in first["imported"]] == [("BTCUSDT", 2), ("EURUSD", 2)]
    assert first["imported"][1]["report"]["skipped"] == {}
    assert "0 days added, 0 replaced, 2 unchanged" in run("import", str(folder / "ticks"), *store)
    listed = run_json("list", *store)["symbols"]
    assert [(entry["symbol"], entry["days"], entry["first"]) for entry in listed] == [
        ("BTCUSDT", 2, "2024-01-08"),
        ("EURUSD", 2, "2024-01-08"),
    ]
    assert "BTCUSDT" in run("list", *store)
    shown = run_json("show", "EURUSD", *store)
    assert shown["rows"] == sum(day["rows"] for day in shown["days"].values())
    assert "eurusd-synthetic.csv.gz" in run("show", "EURUSD", *store)
    assert run_json("verify", *store)["problems"] == []
    out = folder / "out.csv"
    day = shown["days"]["2024-01-09"]
    assert run_json("export", "EURUSD", str(out), "--from", "2024-01-09", *store)["rows"] == day["rows"]
    assert len(out.read_text().splitlines()) == day["rows"] + 1


def test_verify_fails_when_something_is_wrong(folder: Path) -> None:
    store = ("--store", str(folder / "store"))
    run("import", str(folder / "ticks"), *store)
    (folder / "store" / "EURUSD" / "2024-01-08.parquet").unlink()
    assert "EURUSD 2024-01-08: the file is missing" in run("verify", *store, code=1)
    assert run_json("verify", "EURUSD", *store, code=1)["problems"][0]["problem"] == "the file is missing"


def test_an_empty_store_says_so(tmp_path: Path) -> None:
    assert "is empty" in run("list", "--store", str(tmp_path))
    assert run_json("list", "--store", str(tmp_path))["symbols"] == []


def test_the_environment_names_the_store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QKT_DATA_DIR", str(folder / "elsewhere"))
    run("import", str(folder / "ticks"))
    assert (folder / "elsewhere" / "EURUSD" / "manifest.json").is_file()


def test_bars_and_nameless_files_cannot_be_imported(tmp_path: Path) -> None:
    store = ("--store", str(tmp_path / "store"))
    bars = write(tmp_path / "eurusd.csv", "ts_ms,open,high,low,close\n60000,1,1,1,1\n120000,1,1,1,1\n")
    with pytest.raises(DataError, match="EURUSD: holds bars, expected ticks"):
        run("import", str(bars), *store)
    nameless = write(tmp_path / "quotes.csv", "ts_ms,bid,ask\n1704844803698,1,2\n")
    with pytest.raises(UsageError, match=r"quotes\.csv: the file names no symbol; give it as SYMBOL=PATH"):
        run("import", str(nameless), *store)
    assert run_json("import", f"EURUSD={nameless}", *store)["imported"][0]["added"] == ["2024-01-10"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("synth", "--out", "x", "--symbols", "EURSEK"), "no first price is known for EURSEK"),
        (("synth", "--out", "x", "--symbols", "EURSEK", "--price", "EURSEK=much"), "'much' is no price of EURSEK"),
        (("synth", "--out", "x", "--start", "monday"), "--start: 'monday' is no date"),
        (("synth", "--out", "x", "--days", "0"), "must be positive"),
        (("export", "EURUSD", "x.csv", "--from", "2024-01-02", "--to", "2024-01-01"), "is empty"),
        (("import", "x.csv", "--columns", "when=t"), "'when=t' in the column mapping"),
    ],
)
def test_malformed_requests_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=complaint):
        run(*arguments)
    assert not list(tmp_path.rglob("*.csv*"))
