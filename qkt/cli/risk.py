"""`qkt risk`: what a strategy is held to and where that is written, and which orders would pass."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qkt.cli.options import ConfigOption, FileArgument, JsonOption
from qkt.core.errors import UsageError

if TYPE_CHECKING:
    from qkt.backtest.order_trial import Asked
    from qkt.engine import Runnable

app = typer.Typer(
    name="risk",
    help="What a strategy is held to, and which orders would pass.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

NameOption = Annotated[
    str | None, typer.Option("--as", metavar="NAME", help="The name it is deployed under; the file's without it.")
]

ORDER = re.compile(
    r"(?P<side>buy|sell)\s+(?P<lots>[\d.]+)(?:\s+(?P<symbol>[A-Za-z][\w:.]*))?(?:\s+at\s+(?P<level>[\d.]+))?", re.IGNORECASE
)


@app.callback()
def risk() -> None:
    """Limits of a strategy."""


@app.command(short_help="Show every limit that holds for the strategy.")
def show(file: FileArgument, name: NameOption = None, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show every limit that a session of the strategy is held to, and where it is written."""
    from qkt.cli.limit_rows import LimitSheet
    from qkt.cli.tables import print_table
    from qkt.config import load_config

    strategy = _load(file)
    loaded, path = load_config(config)
    limits = loaded.risk.limits()
    owners = _owners(strategy, name or file.stem)
    lines = LimitSheet(loaded.risk, limits, loaded.account.currency).lines(owners)
    if as_json:
        data = {"strategy": strategy.name, "file": None if path is None else str(path), "day": str(limits.day)}
        data["live_equity_basis"] = limits.equity_basis
        print(json.dumps(data | {"limits": [line._asdict() for line in lines]}, indent=2))
        return
    print(f"{strategy.name}: {path if path is not None else 'no qkt.toml, these are the defaults'}")
    rows = [(one.binds, one.rule, one.limit or "-", one.then if one.limit else "", one.key, one.source) for one in lines]
    print_table(("BINDS", "RULE", "LIMIT", "", "KEY", "FROM"), rows, right=("LIMIT",), empty="")
    venue = "the venue's" if limits.equity_basis == "venue" else "modeled by the books"
    print(f"a day begins at {limits.day}; limits of the venue bind real venues only, the account's equity there is {venue}")


@app.command(name="test", short_help="Try orders: which would pass, and which rule stops one.")
def try_(
    file: FileArgument,
    order: Annotated[
        list[str], typer.Option(metavar="ORDER", help="An entry to try: 'buy 0.5 XAUUSD', 'sell 2 at 1.09'. Can be repeated.")
    ],
    price: Annotated[
        list[str], typer.Option(metavar="PRICE", help="The last price, SYMBOL=PRICE where there are several. Can be repeated.")
    ],
    name: NameOption = None,
    config: ConfigOption = None,
    instruments: Annotated[Path | None, typer.Option(metavar="FILE", help="Contract terms, JSON or TOML.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Try orders on a fresh account of the strategy: which would pass, and every rule that refuses the others.

    Exit code 1 when one is refused.
    """
    from qkt.backtest.order_trial import try_orders
    from qkt.config import load_config
    from qkt.core.clock import SystemClock
    from qkt.core.instruments import InstrumentRegistry
    from qkt.engine import SessionSettings

    strategy = _load(file)
    loaded, _ = load_config(config)
    table = instruments or loaded.instruments
    settings = SessionSettings(
        loaded.account.balance,
        loaded.account.currency,
        InstrumentRegistry.load(table) if table else InstrumentRegistry.standard(),
        limits=loaded.risk.limits().known_as({strategy.name: name or file.stem}),
    )
    asked = [_asked(text, strategy, price) for text in order]
    found = try_orders(strategy, settings, asked, SystemClock().now())
    if as_json:
        print(json.dumps([{"order": text, "refused": why} for text, why in zip(order, found, strict=True)], indent=2))
    else:
        for text, why in zip(order, found, strict=True):
            print(f"{'refused' if why else 'passes '}  {text}")
            for reason in why:
                print(f"         {reason}")
    if any(found):
        raise typer.Exit(1)


def _load(file: Path) -> Runnable:
    """Raises a QktError for a file that does not compile."""
    from qkt.backtest.prepared import runnable_of

    return runnable_of(file, {}, None)[0]


def _owners(strategy: Runnable, deployed: str) -> dict[str, tuple[str, ...]]:
    """Who holds positions, with the names that each is looked up under."""
    from qkt.portfolio import Portfolio

    if isinstance(strategy, Portfolio):
        return {child.id: (f"{deployed}/{child.alias}", child.id) for child in strategy.children}
    return {strategy.name: (deployed, strategy.name)}


def _asked(text: str, strategy: Runnable, prices: list[str]) -> Asked:
    from qkt.backtest.order_trial import Asked
    from qkt.core.instruments import bare
    from qkt.core.terms import Side

    found = ORDER.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"the order '{text}' cannot be understood", expected="SIDE LOTS [SYMBOL] [at LEVEL], such as 'buy 0.5'"
        )
    known = {bare(stream.symbol).upper(): stream.symbol for stream in strategy.streams if stream.traded}
    wanted = found["symbol"]
    if wanted is None and len(known) == 1:
        symbol = next(iter(known.values()))
    else:
        symbol = known.get(bare(wanted).upper(), "") if wanted else ""
    if not symbol:
        raise UsageError(f"'{text}' names no symbol of {strategy.name}", expected=f"one of {', '.join(known)}")
    level = found["level"]
    return Asked(
        symbol,
        Side(found["side"].upper()),
        _number(found["lots"], text),
        _price(prices, bare(symbol).upper(), len(known)),
        None if level is None else _number(level, text),
    )


def _price(prices: list[str], symbol: str, symbols: int) -> Decimal:
    for text in prices:
        name, equals, value = text.rpartition("=")
        if (equals and name.upper() == symbol) or (not equals and symbols == 1):
            return _number(value, f"--price {text}")
    raise UsageError(f"no price of {symbol} is given", remedy=f"add --price {symbol}=PRICE")


def _number(text: str, where: str) -> Decimal:
    try:
        value = Decimal(text)
    except ArithmeticError:
        raise UsageError(f"'{text}' is no number", where=where) from None
    if not value.is_finite() or value <= 0:
        raise UsageError(f"'{text}' is no amount above zero", where=where)
    return value
