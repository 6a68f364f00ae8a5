"""`qkt data`: the tick store and synthetic data from the command line."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qkt.cli.options import JsonOption
from qkt.core.errors import DataError, UsageError

if TYPE_CHECKING:
    from qkt.data.files import FileTicks

app = typer.Typer(
    name="data",
    help="Import, inspect, verify and export tick data; make synthetic data.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

StoreOption = Annotated[
    Path | None,
    typer.Option("--store", metavar="DIR", help="The store's folder (default: QKT_DATA_DIR, else the user's data folder)."),
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="TIME", help="First moment, ISO, UTC unless it carries an offset.")
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Moment before which to end.")]


@app.command("import")
def import_(
    data: Annotated[list[str], typer.Argument(metavar="PATH", help="Files or folders of ticks, or SYMBOL=PATH.")],
    store: StoreOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace days that are there with other values.")] = False,
    zone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="Zone of times that name none: Europe/Athens, +02:00, America/New_York+07:00."),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="ts=NAME,…", help="Column mapping, such as ts=time,bid=b,ask=a.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring tick files into the store. Importing the same again changes nothing."""
    from qkt.data import Store, open_data, parse_mapping

    mapping = parse_mapping(columns) if columns else None
    sources = open_data(data, column_mapping=mapping, zone=zone)
    target = Store(store)
    imported = []
    for symbol, source in sources.items():
        result = target.add(_ticks(symbol, source), replace=replace)
        imported.append(
            {
                "symbol": result.symbol,
                "added": result.added,
                "replaced": result.replaced,
                "unchanged": result.unchanged,
                "report": source.report.as_dict(),
            }
        )
        if not as_json:
            _say(*source.report.lines())
            counts = (len(result.added), len(result.replaced), len(result.unchanged))
            _say("  {} days added, {} replaced, {} unchanged".format(*counts))
    if as_json:
        _print_json({"store": str(target.root), "imported": imported})


@app.command("list")
def list_(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """The symbols in the store."""
    from qkt.data import Store

    found = Store(store)
    rows = []
    for symbol in found.symbols():
        manifest = found.manifest(symbol)
        days = list(manifest.days)
        rows.append({"symbol": symbol, "days": len(days), "rows": manifest.rows, "first": days[0], "last": days[-1]})
    if as_json:
        _print_json({"store": str(found.root), "symbols": rows})
    elif rows:
        _print_table(("symbol", "days", "rows", "first", "last"), [tuple(row.values()) for row in rows])
    else:
        _say(f"the store {found.root} is empty; fill it with qkt data import FILE")


@app.command()
def show(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="A symbol of the store.")],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """The days of a symbol: rows, times, gaps and where they came from."""
    from qkt.data import Store

    manifest = Store(store).manifest(symbol)
    if as_json:
        _print_json(manifest.model_dump())
        return
    rows = [
        (day, entry.rows, _clock(entry.first), _clock(entry.last), entry.gap_count, entry.source)
        for day, entry in manifest.days.items()
    ]
    _print_table(("day", "rows", "first", "last", "gaps", "source"), rows)


@app.command()
def verify(
    symbol: Annotated[
        str | None, typer.Argument(metavar="SYMBOL", help="A symbol of the store; all of them without it.")
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute checksums, counts and order. Exit code 1 when something is wrong."""
    from qkt.data import Store

    found = Store(store)
    symbols = [symbol] if symbol else found.symbols()
    problems = [problem for name in symbols for problem in found.verify(name)]
    if as_json:
        listed = [{"symbol": problem.symbol, "day": problem.day, "problem": problem.text} for problem in problems]
        _print_json({"store": str(found.root), "symbols": symbols, "problems": listed})
    else:
        days = sum(len(found.manifest(name).days) for name in symbols)
        _say(*(f"{problem.symbol} {problem.day}: {problem.text}" for problem in problems))
        _say(f"{len(problems)} problems in {days} days of {len(symbols)} symbols")
    if problems:
        raise typer.Exit(1)


@app.command()
def export(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="A symbol of the store.")],
    out: Annotated[Path, typer.Argument(metavar="FILE", help="A .csv, .csv.gz or .parquet file.")],
    start: FromOption = None,
    end: ToOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a symbol's ticks to a file that reads back exactly."""
    from qkt.data import Store
    from qkt.data.store import StoreTicks
    from qkt.data.tick_writer import write_ticks
    from qkt.data.times import parse_utc

    first, last = (None if text is None else parse_utc(text) for text in (start, end))
    if first is not None and last is not None and first >= last:
        raise UsageError(f"the range from {start} to {end} is empty", expected="--from before --to")
    source = Store(store).source(symbol)
    assert isinstance(source, StoreTicks)
    rows = write_ticks(out, source.symbol, source.columns(first, last))
    if as_json:
        _print_json({"file": str(out), "symbol": source.symbol, "rows": rows})
    else:
        _say(f"{out}: {rows:,} ticks of {source.symbol}")


@app.command(short_help="Invent quotes, for examples and tests.")
def synth(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write to.")],
    symbols: Annotated[str, typer.Option(metavar="A,B", help="Symbols to invent.")] = "EURUSD,XAUUSD,XAGUSD,BTCUSDT",
    days: Annotated[int, typer.Option(metavar="N", help="Trading days.")] = 3,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same files.")] = 7,
    ticks_per_day: Annotated[int, typer.Option(metavar="N", help="About how many quotes a day.")] = 20_000,
    start: Annotated[str, typer.Option(metavar="DATE", help="First day.")] = "2024-01-08",
    price: Annotated[
        list[str] | None,
        typer.Option(metavar="SYMBOL=VALUE", help="First price, of symbols without a known one. Can be repeated."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Invent quotes, for examples and tests: one labelled file for each symbol, and a README that says what they are."""
    from qkt.data import write_sample
    from qkt.data.synthetic import first_prices

    prices = first_prices({name: text for name, _, text in (item.partition("=") for item in price or [])})
    names = [name.strip() for name in symbols.split(",") if name.strip()]
    written = write_sample(out, names, days=days, seed=seed, start=_date(start), ticks_per_day=ticks_per_day, prices=prices)
    if as_json:
        files = [{"file": str(one.path), "symbol": one.symbol, "rows": one.rows} for one in written]
        _print_json({"synthetic": True, "seed": seed, "days": days, "written": files})
    else:
        _say(*(f"{one.path}: {one.rows:,} synthetic ticks of {one.symbol}" for one in written))


def _ticks(symbol: str, source: object) -> FileTicks:
    """Sources that the store can hold."""
    from qkt.data.files import FileTicks

    if not isinstance(source, FileTicks):
        raise DataError("holds bars", where=symbol, expected="ticks", remedy="give bar files to qkt backtest with --data")
    if not symbol:
        raise UsageError("the file names no symbol", where=source.report.sources[0], remedy="give it as SYMBOL=PATH")
    return source


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"'{text}' is no date", where="--start", expected="YYYY-MM-DD") from None


def _say(*lines: str) -> None:
    for line in lines:
        typer.echo(line)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2))


def _print_table(header: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(*header, box=box.SIMPLE_HEAD)
    for column, values in zip(table.columns, zip(*rows, strict=True), strict=True):
        column.justify = "right" if isinstance(values[0], int) else "left"
    for row in rows:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    Console(soft_wrap=True).print(table)


def _clock(ts: int) -> str:
    return dt.datetime.fromtimestamp(ts / 1000, dt.UTC).strftime("%H:%M:%S")
