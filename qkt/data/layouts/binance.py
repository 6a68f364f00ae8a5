"""Files of data.binance.vision.

After github.com/binance/binance-public-data: trades are `id,price,qty,quoteQty,time,isBuyerMaker[,isBestMatch]`, aggregate
trades `id,price,quantity,first id,last id,time,isBuyerMaker[,isBestMatch]`, klines `open time,open,high,low,close,volume,
close time,quote volume,count,taker volume,taker quote volume,ignore`. Spot files have no header, newer futures files do.
Times are UTC in milliseconds, in spot files from 2025 on in microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping

from qkt.data.layouts.layout import Head, Layout, is_number, positions

# Position of the time, then of our fields.
TRADES: tuple[int, Mapping[str, int]] = (4, {"price": 1, "volume": 2})
AGGREGATES: tuple[int, Mapping[str, int]] = (5, {"price": 1, "volume": 2})
KLINES: tuple[int, Mapping[str, int]] = (0, {"open": 1, "high": 2, "low": 3, "close": 4, "volume": 5})
BOOK: tuple[int, Mapping[str, int]] = (5, {"bid": 1, "ask": 3, "bid_volume": 2, "ask_volume": 4})

HEADERS = {
    ("id", "price", "qty", "quote_qty", "time"): ("Binance trades", TRADES),
    ("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time"): (
        "Binance aggregate trades",
        AGGREGATES,
    ),
    ("open_time", "open", "high", "low", "close", "volume", "close_time"): ("Binance klines", KLINES),
    ("update_id", "best_bid_price", "best_bid_qty", "best_ask_price", "best_ask_qty", "transaction_time"): (
        "Binance best quotes",
        BOOK,
    ),
}


def recognise(head: Head) -> Layout | None:
    """A layout for Binance's headers, or for rows of their shape."""
    first = head.first
    for names, (name, places) in HEADERS.items():
        if first[: len(names)] == names:
            return _layout(name, places, first, head, header=True)
    flags = sum(cell.lower() in ("true", "false") for cell in first)
    numbers = sum(is_number(cell) for cell in first)
    if flags + numbers != len(first) or head.delimiter != ",":
        return None
    plain = positions(len(first))
    if flags and numbers == 5 and _is_time(first[4]):
        return _layout("Binance trades", TRADES, plain, head)
    if flags and numbers == 6 and _is_time(first[5]):
        return _layout("Binance aggregate trades", AGGREGATES, plain, head)
    if not flags and numbers == 12 and _is_time(first[0]) and _is_time(first[6]):
        return _layout("Binance klines", KLINES, plain, head)
    return None


def _layout(
    name: str, places: tuple[int, Mapping[str, int]], columns: tuple[str, ...], head: Head, *, header: bool = False
) -> Layout:
    time, fields = places
    named = {field: columns[place] for field, place in fields.items()}
    return Layout(name, columns, (columns[time],), named, head.delimiter, header=header)


def _is_time(text: str) -> bool:
    return text.isdigit() and len(text) in (13, 16)
