"""Every layout from a small sample written by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from qkt.core.errors import DataError, UsageError
from qkt.data import BarTable, TickTable, open_data, parse_mapping
from tests.data.samples import write


def at(text: str) -> int:
    return round(dt.datetime.fromisoformat(text + "+00:00").timestamp() * 1000)


def ticks(path: Path, **options: object) -> tuple[str, TickTable]:
    ((symbol, source),) = open_data([str(path)], **options).items()  # type: ignore[arg-type]
    (table,) = source.tables()
    assert isinstance(table, TickTable)
    return symbol, table


def bars(path: Path, **options: object) -> BarTable:
    (source,) = open_data([str(path)], **options).values()  # type: ignore[arg-type]
    (table,) = source.tables()
    assert isinstance(table, BarTable)
    return table


def test_our_own_layout(tmp_path: Path) -> None:
    text = (
        "timestamp,symbol,price,volume,bid,ask,bidVolume,askVolume\n"
        "1704844803698,EURUSD,,,1.09316000,1.09317000,0.89999998,0.9\n"
        "1704844803801,EURUSD,1.0932,3,1.09315,1.09318,0.5,0.5\n"
    )
    symbol, table = ticks(write(tmp_path / "a.csv.gz", text))
    assert symbol == "EURUSD"
    assert table.ts.tolist() == [1704844803698, 1704844803801]
    assert table.price.tolist() == [1.093165, 1.0932]
    assert table.volume is not None
    assert table.volume.tolist() == [0.89999998 + 0.9, 3.0]


def test_prices_without_quotes_have_no_bid(tmp_path: Path) -> None:
    text = "timestamp,symbol,price,volume,bid,ask,bidVolume,askVolume\n1704844803698,BTCUSDT,42000.5,,,,,\n"
    _, table = ticks(write(tmp_path / "a.csv", text))
    assert (table.bid, table.ask, table.volume) == (None, None, None)


def test_the_compact_layout_and_the_symbol_of_the_file_name(tmp_path: Path) -> None:
    symbol, table = ticks(write(tmp_path / "gbpjpy-2024-01-10.csv", "ts_ms,bid,ask\n1704844803698,182.5,182.6\n"))
    assert symbol == "GBPJPY"
    assert table.volume is None


@pytest.mark.parametrize("name", ["quotes.csv", "backtest_data.csv", "my_EURUSD.csv"])
def test_a_file_that_names_no_symbol_is_the_single_stream(tmp_path: Path, name: str) -> None:
    assert ticks(write(tmp_path / name, "ts_ms,bid,ask\n1704844803698,1,2\n"))[0] == ""


def test_bars(tmp_path: Path) -> None:
    text = "ts_ms,open,high,low,close,ticks\n" + "".join(f"{minute * 60_000},1,3,0.5,2,{minute}\n" for minute in (5, 6, 9))
    table = bars(write(tmp_path / "a.csv", text))
    assert table.start.tolist() == [300_000, 360_000, 540_000]
    assert table.duration == 60_000
    assert table.volume is not None
    assert table.volume.tolist() == [5, 6, 9]


def test_iso_times_with_and_without_an_offset(tmp_path: Path) -> None:
    text = "timestamp,price\n2024-01-10T00:00:00.5,1\n2024-01-10 03:00:01+02:00,2\n2024-01-10T01:00:02Z,3\n"
    _, table = ticks(write(tmp_path / "a.csv", text))
    assert table.ts.tolist() == [at("2024-01-10T00:00:00.5"), at("2024-01-10T01:00:01"), at("2024-01-10T01:00:02")]


@pytest.mark.parametrize("scale", [1_000_000, 1_000, 1])
def test_epochs_of_every_unit(tmp_path: Path, scale: int) -> None:
    ns = 1_704_844_803_000_000_000
    _, table = ticks(write(tmp_path / "a.csv", f"timestamp,price\n{ns // scale},1\n"))
    assert table.ts.tolist() == [1_704_844_803_000]


def test_dukascopy_ticks_in_gmt(tmp_path: Path) -> None:
    text = "Gmt time,Ask,Bid,AskVolume,BidVolume\n10.01.2024 00:00:03.698,1.09317,1.09316,0.9,1.1\n"
    _, table = ticks(write(tmp_path / "EURUSD_Ticks_10.01.2024.csv", text))
    assert table.ts.tolist() == [at("2024-01-10T00:00:03.698")]
    assert table.bid is not None
    assert table.bid.tolist() == [1.09316]


def test_dukascopy_candles_in_local_time(tmp_path: Path) -> None:
    text = (
        "Local time,Open,High,Low,Close,Volume\n"
        "31.03.2024 01:59:00.000 GMT+0100,1,1,1,1,5\n"
        "31.03.2024 03:00:00.000 GMT+0200,1,1,1,1,5\n"
    )
    path = write(tmp_path / "a.csv", text)
    table = bars(path)
    assert table.start.tolist() == [at("2024-03-31T00:59"), at("2024-03-31T01:00")]
    (source,) = open_data([str(path)]).values()
    assert not [warning for warning in source.report.warnings if "zone" in warning]


def test_jforex_names_its_zone(tmp_path: Path) -> None:
    text = "Time (EET),Open,High,Low,Close,Volume\n2024.07.01 03:00:00,1,1,1,1,5\n2024.07.01 03:01:00,1,1,1,1,5\n"
    assert bars(write(tmp_path / "a.csv", text)).start[0] == at("2024-07-01T00:00")


MT5 = (
    "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n"
    "2022.11.10\t15:00:00.017\t0.86682\t0.86712\t\t\t6\n"
    "2022.11.10\t15:00:00.228\t0.86681\t\t\t\t2\n"
    "2022.11.10\t15:00:00.525\t\t0.86707\t0\t0\t4\n"
)


def test_metatrader_5_ticks_carry_what_did_not_change(tmp_path: Path) -> None:
    _, table = ticks(write(tmp_path / "a.csv", MT5))
    assert table.bid is not None
    assert table.ask is not None
    assert table.bid.tolist() == [0.86682, 0.86681, 0.86681]
    assert table.ask.tolist() == [0.86712, 0.86712, 0.86707]
    assert table.ts[0] == at("2022-11-10T15:00:00.017")


def test_metatrader_times_are_of_the_server(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", MT5)
    (source,) = open_data([str(path)]).values()
    assert "server time" in source.report.warnings[0]
    assert ticks(path, zone="Europe/Athens")[1].ts[0] == at("2022-11-10T13:00:00.017")
    assert ticks(path, zone="America/New_York+07:00")[1].ts[0] == at("2022-11-10T13:00:00.017")
    assert ticks(path, zone="+03:00")[1].ts[0] == at("2022-11-10T12:00:00.017")
    with pytest.raises(UsageError, match="'Mars' is no time zone"):
        ticks(path, zone="Mars")


def test_metatrader_5_bars(tmp_path: Path) -> None:
    header = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
    rows = "2024.01.10\t00:00:00\t1\t2\t0.5\t1.5\t196\t0\t18\n2024.01.10\t00:05:00\t1\t2\t0.5\t1.5\t7\t0\t18\n"
    table = bars(write(tmp_path / "a.csv", header + rows))
    assert (table.duration, table.start[0]) == (300_000, at("2024-01-10T00:00"))
    assert table.volume is not None
    assert table.volume.tolist() == [196, 7]


def test_metatrader_4_bars(tmp_path: Path) -> None:
    text = "2012.02.01,00:00,1.3,1.4,1.2,1.3,0\n2012.02.01,00:01,1.3,1.4,1.2,1.3,0\n"
    assert bars(write(tmp_path / "a.csv", text)).start[0] == at("2012-02-01T00:00")


def test_histdata_ticks_are_in_eastern_standard_time(tmp_path: Path) -> None:
    text = "20120701 000003660,1.306600,1.306770,0\n20120701 000003973,1.306580,1.306750,0\n"
    symbol, table = ticks(write(tmp_path / "DAT_ASCII_EURUSD_T_201207.csv", text))
    assert symbol == "EURUSD"
    assert table.ts[0] == at("2012-07-01T05:00:03.660")


def test_histdata_bars(tmp_path: Path) -> None:
    text = "20120201 000000;1.3066;1.3067;1.30656;1.30656;0\n"
    table = bars(write(tmp_path / "a.csv", text))
    assert (table.start[0], table.duration) == (at("2012-02-01T05:00"), 60_000)


@pytest.mark.parametrize(
    "text",
    [
        "51175358,17.8018,5.69,101.292242,1583709433583,True,True\n",
        "id,price,qty,quote_qty,time,is_buyer_maker\n51175358,17.8018,5.69,101.292242,1583709433583,true\n",
        "0,17.8018,5.69,1,1,1583709433583,False,True\n",
        "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
        "0,17.8018,5.69,1,1,1583709433583,false\n",
        "51175358,17.8018,5.69,101.292242,1583709433583010,True,True\n",
    ],
)
def test_binance_trades(tmp_path: Path, text: str) -> None:
    symbol, table = ticks(write(tmp_path / "BNBUSDT-trades-2020-03-08.csv", text))
    assert symbol == "BNBUSDT"
    assert (table.ts.tolist(), table.price.tolist()) == ([1583709433583], [17.8018])
    assert table.volume is not None
    assert table.volume.tolist() == [5.69]


def test_binance_klines_in_microseconds(tmp_path: Path) -> None:
    row = "{0},4.15,4.16,4.14,4.155,539.23,{1},2240.4,13,401.8,1669.9,0\n"
    starts = [1735689600000000, 1735689660000000]
    table = bars(write(tmp_path / "a.csv", "".join(row.format(start, start + 59_999_999) for start in starts)))
    assert (table.start.tolist(), table.duration) == ([1735689600000, 1735689660000], 60_000)


def test_a_mapping_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "when;b;a;junk\n10.01.2024 00:00:00;1.5;1.6;x\n")
    with pytest.raises(DataError, match=r"not recognised.*'when;b;a;junk'.*ts_ms,bid,ask.*--columns"):
        open_data([str(path)])
    _, table = ticks(path, column_mapping=parse_mapping("ts=when, bid=b, ask=a"))
    assert (table.ts[0], table.price[0]) == (at("2024-01-10T00:00"), 1.55)


def test_a_mapping_by_position_of_a_file_without_a_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "x,20240110,000001,7.5\n")
    with pytest.raises(DataError, match="times are not understood"):
        ticks(path, column_mapping={"ts": "2", "price": "4"})
    path = write(tmp_path / "b.csv", "x,2024.01.10,00:00:01,7.5\n")
    _, table = ticks(path, column_mapping={"ts": "2+3", "price": "4"})
    assert (table.ts[0], table.price[0]) == (at("2024-01-10T00:00:01"), 7.5)


@pytest.mark.parametrize(
    ("mapping", "complaint"),
    [
        ("ts=nope,price=p", "there is no column 'nope'"),
        ("ts=t,bid=p", "makes neither ticks nor bars"),
        ("price=p", "gives no ts"),
    ],
)
def test_a_wrong_mapping_is_refused(tmp_path: Path, mapping: str, complaint: str) -> None:
    path = write(tmp_path / "a.csv", "t,p\n1704844803698,1\n")
    with pytest.raises(UsageError, match=complaint):
        open_data([str(path)], column_mapping=parse_mapping(mapping))


def test_a_mapping_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(UsageError, match="'bidb'"):
        parse_mapping("ts=t,bidb")


def test_windows_line_ends_a_byte_order_mark_quotes_and_empty_lines(tmp_path: Path) -> None:
    text = '\ufeff"ts_ms","bid","ask"\r\n1704844803698,"1.5",1.6\r\n\r\n1704844803699,1.5,1.7\r\n\r\n'
    path = write(tmp_path / "a.csv", text)
    (source,) = open_data([str(path)]).values()
    (table,) = source.tables()
    assert np.asarray(table.ask).tolist() == [1.6, 1.7]  # type: ignore[union-attr]
    assert (source.report.rows, source.report.bad) == (2, 0)
