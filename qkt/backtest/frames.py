"""A result as columns: Arrow tables, and polars or pandas frames of them for whoever has these libraries.

Frames are for looking and reckoning: money and prices in them are float64, times are UTC timestamps. The exact decimals are in
the rows of the result itself and in its files.
"""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, get_args

from qkt.core.errors import QktError, UsageError
from qkt.ledger import FinancingRow, RoundTrip, TradeRow

if TYPE_CHECKING:
    import pyarrow as pa

    from qkt.backtest.result import BacktestResult

What = Literal["trades", "round_trips", "equity", "days", "months", "financing"]
Library = Literal["polars", "pandas"]
KINDS = {"trades": TradeRow, "round_trips": RoundTrip, "financing": FinancingRow}
TIMES = frozenset({"timestamp", "entry_time", "exit_time"})


def table(result: BacktestResult, what: What) -> pa.Table:
    """One part of a result as an Arrow table. Raises UsageError for a part that there is not."""
    import pyarrow as pa

    if what in KINDS:
        return _rows(KINDS[what], getattr(result, what))
    if what == "equity":
        stamps = equity_table(result)
        return stamps.set_column(0, "timestamp", stamps["timestamp"].cast(pa.timestamp("ms", "UTC")))
    if what == "days":
        return pa.Table.from_pylist(
            [{f.name: _plain(getattr(day, f.name)) for f in fields(day)} for day in result.metrics.days]
        )
    if what == "months":
        months = result.metrics.seasons.months
        return pa.Table.from_pylist([{f.name: getattr(month, f.name) for f in fields(month)} for month in months])
    raise UsageError(f"a result has no table '{what}'", expected=" or ".join(get_args(What)))


def frame(result: BacktestResult, what: What, library: Library | None = None) -> Any:
    """The table as a frame of polars, or of pandas where only that is installed or asked for. Raises QktError without them."""
    names = (library,) if library is not None else get_args(Library)
    for name in names:
        if name not in get_args(Library):
            raise UsageError(f"there are no frames of '{name}'", expected=" or ".join(get_args(Library)))
        try:
            module = import_module(name)
        except ImportError:
            continue
        columns = table(result, what)
        return module.from_arrow(columns) if name == "polars" else columns.to_pandas()
    raise QktError(f"{' or '.join(names)} is not installed", remedy=f"pip install {names[0]}")


def equity_table(result: BacktestResult) -> pa.Table:
    """`timestamp` (epoch ms) and `equity`, every sample; of a book also `equity:ALIAS` for each child, `gross` and `net`."""
    import pyarrow as pa

    curve, book = result.equity, result.record.book
    columns: dict[str, Any] = {"timestamp": curve.times, "equity": curve.values}
    if book is not None:
        columns |= {f"equity:{child.alias}": pa.array(child.equity_values, pa.float64()) for child in book.children}
        columns |= {
            name: pa.array(values, pa.float64()) for name, values in (("gross", book.gross), ("net", book.net)) if values
        }
    return pa.table(columns)


def _rows(kind: type[Any], rows: Any) -> pa.Table:
    import pyarrow as pa

    columns = {}
    for field in fields(kind):
        values = [getattr(row, field.name) for row in rows]
        columns[field.name] = pa.array([_plain(value) for value in values], _type(field.name, str(field.type)))
    return pa.table(columns)


def _type(name: str, annotation: str) -> pa.DataType:
    import pyarrow as pa

    if name in TIMES:
        return pa.timestamp("ms", "UTC")
    if annotation.startswith("Decimal"):
        return pa.float64()
    return pa.int64() if annotation == "int" else pa.string()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Enum):
        return str(value.value)
    return value
