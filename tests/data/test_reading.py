"""What readers do with good, bad, disordered and broken files."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import numpy as np
import pytest

from qkt.core.errors import DataError
from qkt.data import BarSource, TickSource, TickTable, open_data
from tests.data.samples import write

HEADER = "timestamp,symbol,price,volume,bid,ask,bidVolume,askVolume\n"
BASE = 1_704_844_800_000
BAD = {
    "crossed": "{ts},EURUSD,,,1.2,1.1,1,1",
    "unreadable": "{ts},EURUSD,,,1.x,1.1,1,1",
    "not positive": "{ts},EURUSD,,,-1.0,1.1,1,1",
    "not finite": "{ts},EURUSD,,,nan,1.1,1,1",
    "without a price": "{ts},EURUSD,,,,,1,1",
    "of negative volume": "{ts},EURUSD,,,1.0,1.1,-1,1",
    "out of order": "1604844800000,EURUSD,,,1.0,1.1,1,1",
}
TORN = ("17", "{ts},EURUSD,,,1.0", "{ts},EURUSD,,,1.0,1.1,1,1,9,9", "garbage,EURUSD,,,1.0,1.1,1,1", ",EURUSD,,,1.0,1.1,1,1")


def row(number: int) -> str:
    return f"{BASE + number * 1000},EURUSD,,,{1.1 + number * 1e-5:.5f},{1.1002 + number * 1e-5:.5f},1,1"


def lines(count: int, bad: int) -> list[str]:
    """Rows of which `bad` are spoilt, each reason in turn."""
    rows = [row(number) for number in range(count)]
    kinds = [*BAD.values(), *TORN]
    for turn, number in enumerate(random.Random(5).sample(range(1, count - 1), bad)):
        rows[number] = kinds[turn % len(kinds)].format(ts=BASE + number * 1000)
    return rows


def only(*paths: Path | str) -> TickSource | BarSource:
    (source,) = open_data([str(path) for path in paths]).values()
    return source


def ticks(source: TickSource | BarSource, start: int | None = None, end: int | None = None) -> TickTable:
    tables = list(source.tables(start, end))
    assert all(isinstance(table, TickTable) for table in tables)
    ts = np.concatenate([table.ts for table in tables]) if tables else np.empty(0, np.int64)
    price = np.concatenate([table.price for table in tables]) if tables else np.empty(0)
    return TickTable(ts, price)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_half_a_percent_of_bad_rows_is_skipped_and_counted_by_reason(tmp_path: Path, name: str) -> None:
    rows = lines(4_800, 24)
    source = only(write(tmp_path / name, HEADER + "\n".join(rows) + "\n"))
    good = [line for line in rows if line == row(rows.index(line))]
    assert ticks(source).ts.tolist() == [int(line.split(",")[0]) for line in good]
    assert source.report.skipped == {
        "crossed": 2,
        "unreadable": 2 + 10,
        "not positive": 2,
        "not finite": 2,
        "without a price": 2,
        "of negative volume": 2,
        "out of order": 2,
    }
    assert (source.report.rows, source.report.good) == (4_800, 4_776)
    crossed = next(number for number, line in enumerate(rows) if ",1.2,1.1," in line)
    assert source.report.examples["crossed"][0] == f"{tmp_path / name}:{crossed + 2}"
    assert any("skipped 12 unreadable" in line for line in source.report.lines())


def test_five_percent_of_bad_rows_is_refused_before_any_is_used(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", HEADER + "\n".join(lines(2_000, 100)) + "\n")
    tables = only(path).tables()
    with pytest.raises(DataError, match=r"a\.csv: 100 of 2,000 rows are bad \(5\.0%: .*crossed.*expected at most 1%"):
        next(tables)


def test_no_good_row_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "ts_ms,bid,ask\n1704844800000,2,1\n")
    with pytest.raises(DataError, match="none of 1 rows is usable"):
        list(only(path).tables())


def test_rows_a_little_out_of_order_are_moved_and_counted(tmp_path: Path) -> None:
    times = [0, 900, 400, 1_000, 1_000, 2_500]
    text = "ts_ms,price\n" + "".join(f"{BASE + ts},{number + 1}\n" for number, ts in enumerate(times))
    source = only(write(tmp_path / "a.csv", text))
    assert ticks(source).price.tolist() == [1, 3, 2, 4, 5, 6]
    assert source.report.reordered == 1
    assert source.report.bad == 0


def test_one_time_far_ahead_does_not_discredit_the_rows_after_it(tmp_path: Path) -> None:
    rows = [row(number) for number in range(300)]
    rows[100] = f"{BASE + 10**10},EURUSD,,,1.0,1.1,1,1"
    rows[299] = f"{BASE + 10**10},EURUSD,,,1.0,1.1,1,1"
    rows.append(row(300))
    source = only(write(tmp_path / "a.csv", HEADER + "\n".join(rows)))
    assert len(ticks(source)) == 299
    assert source.report.skipped == {"out of order": 2}


def test_disorder_across_blocks_is_the_same_as_within_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(7)
    times = sorted(dice.randrange(200_000) for _ in range(2_000))
    shuffled = [max(0, ts - dice.choice([0, 0, 0, 900])) for ts in times]
    text = "ts_ms,price\n" + "".join(f"{BASE + ts},{number + 1}\n" for number, ts in enumerate(shuffled))
    path = write(tmp_path / "a.csv", text)
    whole = ticks(only(path))
    monkeypatch.setattr("qkt.data.text_file.BLOCK_BYTES", 700)
    pieces = only(path)
    split = ticks(pieces)
    assert split.ts.tolist() == whole.ts.tolist() == sorted(BASE + ts for ts in shuffled)
    assert split.price.tolist() == whole.price.tolist()
    assert pieces.report.good == 2_000


def test_bad_rows_in_small_blocks_are_counted_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.csv", HEADER + "\n".join(lines(4_800, 24)) + "\n")
    whole, pieces = only(path), only(path)
    expected = ticks(whole)
    monkeypatch.setattr("qkt.data.text_file.BLOCK_BYTES", 900)
    assert ticks(pieces).ts.tolist() == expected.ts.tolist()
    assert pieces.report.skipped == whole.report.skipped
    assert pieces.report.examples == whole.report.examples


def test_quoted_cells_survive_a_bad_row_beside_them(tmp_path: Path) -> None:
    rows = [f'"{BASE + number}","1.5","1.6"' for number in range(300)]
    rows[7] = '"17","1","x"'
    source = only(write(tmp_path / "a.csv", '"ts_ms","bid","ask"\n' + "\n".join(rows)))
    assert len(ticks(source)) == 299
    assert source.report.skipped == {"unreadable": 1}


def test_gaps_count_only_while_the_market_is_open(tmp_path: Path) -> None:
    friday, sunday = 1_705_096_500_000, 1_705_269_900_000  # 21:55 and 22:05 UTC
    times = [friday - 700_000, friday, sunday, sunday + 1]
    source = only(write(tmp_path / "eurusd.csv", "ts_ms,price\n" + "".join(f"{ts},1\n" for ts in times)))
    list(source.tables())
    assert source.report.gap_count == 2
    assert [gap.open_ms for gap in source.report.gaps] == [700_000, 600_000]


def test_a_range_is_half_open(tmp_path: Path) -> None:
    source = only(write(tmp_path / "a.csv", HEADER + "\n".join(row(number) for number in range(10))))
    table = ticks(source, BASE + 2_000, BASE + 5_000)
    assert table.ts.tolist() == [BASE + 2_000, BASE + 3_000, BASE + 4_000]
    assert (source.report.first, source.report.last) == (BASE + 2_000, BASE + 4_000)
    assert not len(ticks(source, BASE + 10**9, None))


def test_without_volume_tables_carry_none(tmp_path: Path) -> None:
    source = only(write(tmp_path / "a.csv", HEADER + row(0)))
    source.volume = False
    (table,) = source.tables()
    assert table.volume is None


def test_a_file_of_several_symbols_serves_each(tmp_path: Path) -> None:
    text = "ts_ms,symbol,price\n" + "".join(f"{BASE + n},{'EURUSD' if n % 3 else 'GBPUSD'},{n + 1}\n" for n in range(9))
    sources = open_data([str(write(tmp_path / "a.csv", text))])
    assert sorted(sources) == ["EURUSD", "GBPUSD"]
    assert ticks(sources["GBPUSD"]).price.tolist() == [1, 4, 7]
    assert sources["GBPUSD"].report.rows == 3


def test_a_given_symbol_picks_or_renames(tmp_path: Path) -> None:
    text = "ts_ms,symbol,price\n1704844800000,EURUSD.m,1\n"
    path = write(tmp_path / "a.csv", text)
    assert list(open_data([f"EURUSD={path}"])) == ["EURUSD"]
    assert list(open_data([f"EXNESS:EURUSD={path}"])) == ["EURUSD"]
    both = write(tmp_path / "b.csv", text + "1704844800001,GBPUSD,2\n")
    assert ticks(open_data([f"GBPUSD={both}"])["GBPUSD"]).price.tolist() == [2]
    with pytest.raises(DataError, match=r"there is no USDJPY, expected one of EURUSD\.M, GBPUSD"):
        open_data([f"USDJPY={both}"])


def test_files_of_one_symbol_are_joined_in_order_of_time(tmp_path: Path) -> None:
    write(tmp_path / "b.csv", HEADER + "\n".join(row(number) for number in range(5)))
    write(tmp_path / "a.csv", HEADER + "\n".join(row(number) for number in range(5, 9)))
    source = only(tmp_path)
    assert ticks(source).ts.tolist() == [BASE + number * 1000 for number in range(9)]
    assert [Path(path).name for path in source.report.sources] == ["b.csv", "a.csv"]


def test_overlapping_files_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", HEADER + "\n".join(row(number) for number in range(5)))
    write(tmp_path / "b.csv", HEADER + "\n".join(row(number) for number in range(3, 9)))
    with pytest.raises(DataError, match=r"b\.csv: goes back behind the end of the file before it"):
        list(only(tmp_path).tables())


def test_bars_off_the_grid_or_repeated_are_left_out(tmp_path: Path) -> None:
    rows = [f"{BASE + minute * 60_000},1,1,1,1" for minute in range(400)]
    rows.insert(7, rows[6])
    rows.insert(9, f"{BASE + 8 * 60_000 - 30_000},1,1,1,1")
    rows.insert(300, f"{BASE + 297 * 60_000 + 59_000},1,2,3,1")
    rows = [line for line in rows if line != f"{BASE + 7 * 60_000},1,1,1,1"]
    source = only(write(tmp_path / "a.csv", "ts_ms,open,high,low,close\n" + "\n".join(rows)))
    assert not isinstance(next(iter(source.tables())), TickTable)
    assert source.report.skipped.keys() == {"repeated", "off the grid of the others", "with a high or low inside the bar"}


def test_one_bar_alone_does_not_show_its_length(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one bar only"):
        list(only(write(tmp_path / "a.csv", "ts_ms,open,high,low,close\n60000000000,1,1,1,1\n")).tables())


BROKEN = {
    "missing.csv": (None, "no such file or folder"),
    "empty.csv": (b"", "is empty"),
    "blank.csv": (b"\n\n \n", "is empty"),
    "header.csv": (b"ts_ms,bid,ask\n", "a header but no rows"),
    "binary.csv": (bytes(range(256)) * 40, "not a text file"),
    "latin.csv": (b"\xe9\xe8\xff,\n1,2\n", "not a text file"),
    "utf16.csv": ("ts_ms,bid,ask\n1,2,3\n".encode("utf-16"), "UTF-16"),
    "zip.csv": (b"PK\x03\x04" + b"x" * 50, "a zip archive"),
    "cut.csv.gz": (gzip.compress((HEADER + "\n".join(map(row, range(5_000)))).encode())[:-30_000], "ends too early"),
    "damaged.csv.gz": (b"\x1f\x8b\x08\x00" + b"\xff" * 60, "damaged gzip file"),
    "text.parquet": (b"ts_ms,bid,ask\n1,2,3\n", "not a usable Parquet file"),
    "prose.csv": (b"Dear diary,\ntoday I traded.\n", "not recognised"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_read_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    content, complaint = BROKEN[name]
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=complaint) as refusal:
        list(only(path).tables())
    assert name in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "README.md", "nothing here")
    with pytest.raises(DataError, match="no data files"):
        open_data([str(tmp_path)])


def test_a_gzip_file_that_is_cut_late_is_refused_while_it_is_read(tmp_path: Path) -> None:
    dice = random.Random(3)
    text = "ts_ms,bid,ask\n" + "".join(f"{BASE + n},{dice.random() + 1:.8f},{dice.random() + 3:.8f}\n" for n in range(60_000))
    path = tmp_path / "eurusd.csv.gz"
    path.write_bytes(gzip.compress(text.encode(), 1)[:-1000])
    source = only(path)
    with pytest.raises(DataError, match="ends too early"):
        list(source.tables())


def test_binary_rubbish_in_the_middle_breaks_only_its_rows(tmp_path: Path) -> None:
    rows = [row(number) for number in range(1_000)]
    data = (HEADER + "\n".join(rows[:500]) + "\n").encode() + b"\x00\xff\xfe\n" + ("\n".join(rows[500:]) + "\n").encode()
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    source = only(path)
    assert len(ticks(source)) == 1_000
    assert source.report.skipped == {"unreadable": 1}


def test_parquet_with_timestamps_and_bad_rows(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = 1_000
    ts = pa.array(np.arange(rows) * 1_000_000 + BASE * 1000, pa.timestamp("us", "UTC"))
    bid = np.full(rows, 1.5)
    bid[7], bid[9] = 3.0, np.nan
    cells = {"timestamp": ts, "bid": bid, "ask": np.full(rows, 1.6, np.float32)}
    path = tmp_path / "eurusd.parquet"
    pq.write_table(pa.table(cells), path, row_group_size=100)
    source = only(path)
    assert len(ticks(source)) == rows - 2
    assert source.report.skipped == {"crossed": 1, "not finite": 1}
    assert source.report.examples["crossed"] == [f"{path}:8"]


def test_parquet_reads_only_the_row_groups_of_the_range(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "eurusd.parquet"
    pq.write_table(pa.table({"ts_ms": np.arange(1000) * 1000 + BASE, "price": np.ones(1000)}), path, row_group_size=100)
    source = only(path)
    assert len(ticks(source, BASE + 500_000, BASE + 600_000)) == 100
    assert source.report.rows < 400


def test_parquet_of_text_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"ts_ms": [BASE], "price": ["x"]}), path)
    with pytest.raises(DataError, match="column price holds string, expected numbers"):
        open_data([str(path)])


def test_a_real_day(shared_ticks: Path) -> None:
    source = only(shared_ticks / "eurusd-2024-01-10.csv.gz")
    assert source.symbol == "EURUSD"
    assert len(ticks(source)) == 78_696
    assert source.report.bad == 0
    assert (source.report.first, source.report.last) == (1704844803698, 1704931185572)


def test_three_days_of_four_symbols(shared_ticks: Path) -> None:
    sources = open_data([str(shared_ticks / "golden")])
    assert {symbol: len(ticks(source)) for symbol, source in sources.items()} == {
        "BTCUSDT": 27_142,
        "EURUSD": 22_480,
        "XAGUSD": 20_791,
        "XAUUSD": 25_508,
    }
