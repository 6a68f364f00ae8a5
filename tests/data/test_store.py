"""The tick store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qkt.core.errors import DataError, UsageError
from qkt.core.locks import lock
from qkt.data import Store, TickTable, open_data
from qkt.data.day_file import read_day, write_day
from qkt.data.files import FileTicks
from qkt.data.rows import Columns
from qkt.data.tick_writer import write_ticks
from tests.data.samples import write

DAY = 86_400_000
BASE = 1_704_844_800_000 + DAY // 2


def quotes(first: int = 0, count: int = 300, step: int = 600_000, shift: float = 0.0) -> str:
    rows = (
        f"{BASE + number * step},EURUSD,,,{1.1 + shift + number * 1e-5:.5f},{1.1002 + shift + number * 1e-5:.5f},0.89999998,2"
        for number in range(first, first + count)
    )
    return "timestamp,symbol,price,volume,bid,ask,bidVolume,askVolume\n" + "\n".join(rows) + "\n"


def ticks(path: Path) -> FileTicks:
    (source,) = open_data([str(path)]).values()
    assert isinstance(source, FileTicks)
    return source


def joined(tables: list[TickTable]) -> dict[str, np.ndarray]:
    names = ("ts", "price", "bid", "ask", "volume")
    return {name: np.concatenate([getattr(table, name) for table in tables]) for name in names}


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(a[name].tobytes() == b[name].tobytes() for name in a)


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    return write(tmp_path / "a.csv", quotes())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_what_goes_in_comes_out_bit_for_bit(store: Store, csv_file: Path) -> None:
    result = store.add(ticks(csv_file))
    assert result.added == ["2024-01-10", "2024-01-11", "2024-01-12"]
    assert same(joined(list(store.source("EURUSD").tables())), joined(list(ticks(csv_file).tables())))
    assert sorted(path.name for path in (store.root / "EURUSD").iterdir()) == [
        ".lock",
        "2024-01-10.parquet",
        "2024-01-11.parquet",
        "2024-01-12.parquet",
        "manifest.json",
    ]


def test_a_real_day_comes_out_bit_for_bit(store: Store, shared_ticks: Path) -> None:
    path = shared_ticks / "eurusd-2024-01-10.csv.gz"
    store.add(ticks(path))
    assert same(joined(list(store.source("EURUSD").tables())), joined(list(ticks(path).tables())))


def test_the_manifest_tells_what_is_there(store: Store, csv_file: Path) -> None:
    store.add(ticks(csv_file))
    manifest = store.manifest("EXNESS:EURUSD")
    assert (manifest.rows, manifest.first, manifest.last) == (300, BASE, BASE + 299 * 600_000)
    day = manifest.days["2024-01-11"]
    assert (day.rows, day.first, day.last, day.source) == (144, BASE + DAY // 2, BASE + DAY * 3 // 2 - 600_000, "a.csv")
    assert day.gap_count == 143
    assert store.symbols() == ["EURUSD"]


def test_importing_again_changes_nothing(store: Store, csv_file: Path) -> None:
    store.add(ticks(csv_file))
    before = {path: path.stat().st_mtime_ns for path in store.root.rglob("*")}
    result = store.add(ticks(csv_file))
    assert (result.added, result.replaced, len(result.unchanged)) == ([], [], 3)
    assert {path: path.stat().st_mtime_ns for path in store.root.rglob("*")} == before


def test_a_day_with_other_values_is_refused_and_nothing_changes(store: Store, tmp_path: Path) -> None:
    store.add(ticks(write(tmp_path / "a.csv", quotes(0, 100))))
    before = sorted(store.root.rglob("*"))
    other = write(tmp_path / "b.csv", quotes(50, 300, shift=1.0))
    with pytest.raises(DataError, match=r"EURUSD: 2024-01-10 is in the store with other values .*--replace"):
        store.add(ticks(other))
    assert sorted(store.root.rglob("*")) == before
    result = store.add(ticks(other), replace=True)
    assert (result.replaced, result.added) == (["2024-01-10", "2024-01-11"], ["2024-01-12"])
    assert store.manifest("EURUSD").rows == 300


def test_a_refused_file_leaves_no_trace(store: Store, tmp_path: Path) -> None:
    rows = quotes().splitlines()
    rows[200:220] = ["rubbish"] * 20
    with pytest.raises(DataError, match="20 of 300 rows are bad"):
        store.add(ticks(write(tmp_path / "a.csv", "\n".join(rows))))
    assert [path.name for path in store.root.rglob("*") if path.is_file()] == [".lock"]
    with pytest.raises(DataError, match="there is no EURUSD"):
        store.source("EURUSD")


def test_two_imports_of_a_symbol_at_once_lose_no_day(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ticks(write(tmp_path / "a.csv", quotes(0, 72)))
    second = ticks(write(tmp_path / "b.csv", quotes(72, 228)))
    other = Thread(target=Store(store.root).add, args=[second])
    columns = first.columns

    def while_the_other_one_comes() -> Iterator[Columns]:
        other.start()
        other.join(0.5)
        yield from columns()

    monkeypatch.setattr(first, "columns", while_the_other_one_comes)
    store.add(first)
    other.join()
    assert sorted(store.manifest("EURUSD").days) == ["2024-01-10", "2024-01-11", "2024-01-12"]
    assert store.verify("EURUSD") == []


def test_an_import_does_not_wait_for_ever(store: Store, csv_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add(ticks(csv_file))
    monkeypatch.setattr("qkt.data.store.PATIENCE", 0.05)
    with (store.root / "EURUSD" / ".lock").open("ab") as turn:
        assert lock(turn)
        with pytest.raises(DataError, match="another import of EURUSD is under way; import again when it has ended"):
            store.add(ticks(csv_file))


def test_a_range_reads_only_its_days(store: Store, csv_file: Path) -> None:
    store.add(ticks(csv_file))
    (store.root / "EURUSD" / "2024-01-10.parquet").unlink()
    source = store.source("EURUSD")
    tables = list(source.tables(BASE + DAY, BASE + DAY + 1_200_000))
    assert [len(table) for table in tables] == [2]
    assert source.report.good == 2
    with pytest.raises(DataError, match=r"2024-01-10\.parquet: is missing or damaged"):
        list(source.tables())


def test_without_volume_tables_carry_none(store: Store, csv_file: Path) -> None:
    store.add(ticks(csv_file))
    source = store.source("EURUSD")
    source.volume = False
    assert {table.volume for table in source.tables()} == {None}


def test_verification_finds_what_was_tampered_with(store: Store, csv_file: Path) -> None:
    store.add(ticks(csv_file))
    assert store.verify("EURUSD") == []
    folder = store.root / "EURUSD"
    (folder / "2024-01-10.parquet").unlink()
    columns = read_day(folder / "2024-01-11.parquet")
    columns["bid"][5] += 1.0
    write_day(folder / "2024-01-11.parquet", columns)
    (folder / "2024-01-12.parquet").write_bytes(b"PAR1 rubbish")
    (folder / "2024-01-15.parquet").write_bytes(b"")
    found = {problem.day: problem.text for problem in store.verify("EURUSD")}
    assert found["2024-01-10"] == "the file is missing"
    assert found["2024-01-11"] == "the values are not those that were imported"
    assert found["2024-01-12"].startswith("is missing or damaged")
    assert found["2024-01-15"] == "is not in the manifest"


def test_a_damaged_manifest_is_refused(store: Store, csv_file: Path) -> None:
    store.add(ticks(csv_file))
    path = store.root / "EURUSD" / "manifest.json"
    path.write_text(json.dumps({"symbol": "EURUSD", "days": {"2024-01-10": {"rows": -1}}}))
    with pytest.raises(DataError, match=r"manifest\.json: is not a usable manifest \(days\.2024-01-10\.rows"):
        store.source("EURUSD")


def test_a_symbol_that_is_a_path_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="cannot be a symbol"):
        store.source("../EURUSD")


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.parquet"])
def test_an_export_reads_back_bit_for_bit(store: Store, csv_file: Path, tmp_path: Path, name: str) -> None:
    original = ticks(csv_file)
    path = tmp_path / "export" / name
    assert write_ticks(path, "EURUSD", original.columns()) == 300
    assert same(joined(list(ticks(path).tables())), joined(list(original.tables())))
    first = path.read_bytes()
    write_ticks(path, "EURUSD", original.columns())
    assert path.read_bytes() == first
    assert store.add(ticks(path)).added


numbers = st.one_of(st.floats(1e-8, 1e9), st.integers(1, 10**7).map(lambda n: n / 1e5), st.just(float("nan")))


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=30))
def test_any_doubles_survive_a_day_file(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, float]]) -> None:
    path = tmp_path_factory.mktemp("day") / "2024-01-10.parquet"
    columns = {"ts": np.arange(len(rows)), "bid": np.array([a for a, _ in rows]), "ask_volume": np.array([b for _, b in rows])}
    write_day(path, columns)
    back = read_day(path)
    assert back.keys() == columns.keys()
    assert all(np.array_equal(back[name], columns[name], equal_nan=True) for name in columns)
