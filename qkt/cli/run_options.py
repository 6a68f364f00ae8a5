"""What a command that runs back-tests takes besides its own options: about data, account and execution.

They are declared once, as the parameters of `_declared`; `with_run_options` gives them to a command, which gets `RunOptions`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand

from qkt.cli.pairs import pairs

if TYPE_CHECKING:
    from qkt.backtest.prepared import Prepared

STRATEGY_FILES = (".qkt", ".py")
EXECUTION = (
    "preset",
    "latency",
    "cancel_latency",
    "modify_latency",
    "slippage",
    "spread",
    "limits",
    "limit_chance",
    "partial",
    "reject_every",
    "stop_distance",
    "seed",
    "bars_path",
    "resolve",
)


class Brokers(StrEnum):
    PAPER = "paper"
    MT5_SIM = "mt5-sim"


class Fills(StrEnum):
    QUOTES = "quotes"
    MID = "mid"
    BARS = "bars"


class Presets(StrEnum):
    FAST = "fast"
    REALISTIC = "realistic"
    STRESS = "stress"


class Resolution(StrEnum):
    BARS = "bars"
    TICKS = "ticks"


class Paths(StrEnum):
    ADVERSE = "adverse_first"
    FAVOURABLE = "favourable_first"
    BOTH = "both"


class Ends(StrEnum):
    MARK = "mark"
    CLOSE = "close"


class OptionalStore(TyperCommand):
    """Lets `--store` stand without a folder, which then means the default store."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, complete_store(args))


def complete_store(args: Sequence[str]) -> list[str]:
    """The arguments with an empty value after a `--store` that is last or precedes an option or the strategy's file."""
    completed = []
    for position, argument in enumerate(args):
        following = args[position + 1] if position + 1 < len(args) else "-"
        alone = argument == "--store" and (following.startswith("-") or following.endswith(STRATEGY_FILES))
        completed += ["--store", ""] if alone else [argument]
    return completed


def _declared(
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="Market data: a file, a folder, or SYMBOL=PATH. Can be repeated."),
    ] = None,
    store: Annotated[
        str | None, typer.Option(metavar="[DIR]", help="Read the tick store instead, the default one without DIR.")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", metavar="TIME", help="First moment, a UTC date or time (ISO).")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="End, exclusive, a UTC date or time (ISO).")] = None,
    balance: Annotated[
        str | None, typer.Option(metavar="MONEY", help="Balance at the start.", show_default="CAPITAL, or 10000")
    ] = None,
    currency: Annotated[str, typer.Option(metavar="CODE", help="Currency of the account.")] = "USD",
    fills: Annotated[
        Fills, typer.Option(metavar="quotes|mid|bars", help="Fill at the side that is paid, at the middle, or inside bars.")
    ] = Fills.QUOTES,
    preset: Annotated[
        Presets | None,
        typer.Option(metavar="NAME", help="Execution: fast, realistic or stress; the options below change single values."),
    ] = None,
    latency: Annotated[int | None, typer.Option(metavar="MS", help="From sending an order to its arrival.")] = None,
    cancel_latency: Annotated[int | None, typer.Option(metavar="MS", help="The same of cancels, when it differs.")] = None,
    modify_latency: Annotated[int | None, typer.Option(metavar="MS", help="The same of changes, when it differs.")] = None,
    slippage: Annotated[
        str | None, typer.Option(metavar="POINTS", help="Of market orders and stops: instrument, none, 3, 0..20, impact:K.")
    ] = None,
    spread: Annotated[
        str | None,
        typer.Option(metavar="POINTS", help="Where no quotes are: instrument, observed, 12, or 00:00=30,07:00=12 (UTC)."),
    ] = None,
    limits: Annotated[
        str | None, typer.Option(metavar="RULE", help="What fills a limit: touch, through, or through:N points.")
    ] = None,
    limit_chance: Annotated[
        float | None, typer.Option(metavar="P", help="Share of limits that a touch fills; others need more.")
    ] = None,
    partial: Annotated[
        str | None, typer.Option(metavar="F", help="Fills in slices: none, a first fraction, or depth (displayed size).")
    ] = None,
    reject_every: Annotated[int | None, typer.Option(metavar="N", help="Reject every N-th order.")] = None,
    stop_distance: Annotated[
        bool | None, typer.Option("--stop-distance/--no-stop-distance", help="Refuse levels nearer than the venue allows.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Seed of all random draws.", show_default="42")] = None,
    bars_path: Annotated[
        Paths | None,
        typer.Option(metavar="ORDER", help="Extremes of a bar: adverse_first, favourable_first, or both, compared."),
    ] = None,
    resolve: Annotated[
        Resolution | None, typer.Option(metavar="ticks", help="With --fills bars: real ticks where there are any.")
    ] = None,
    finish: Annotated[
        Ends | None, typer.Option("--end", metavar="mark|close", help="Positions open at the end: valued, or closed.")
    ] = None,
    instruments: Annotated[Path | None, typer.Option(metavar="FILE", help="Contract terms, JSON or TOML.")] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="ts=NAME,…", help="Columns of data that is not recognised: ts=time,bid=b,ask=a.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Time zone of files in a server's time, such as Europe/Athens.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Hold the run to [risk] and [book_risk] of this qkt.toml, not to the defaults."),
    ] = None,
    broker: Annotated[
        Brokers, typer.Option(metavar="paper|mt5-sim", help="Who executes: paper, or a simulated MetaTrader 5 account.")
    ] = Brokers.PAPER,
) -> None:
    """The options, and what they are without being given."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The values of the options by their names."""

    given: Mapping[str, Any]

    @property
    def seed(self) -> int:
        """Of all random draws, those of a search included."""
        seed: int | None = self.given["seed"]
        return 42 if seed is None else seed

    def span(self) -> tuple[int | None, int | None]:
        """The ends of what is asked for, epoch ms. Raises UsageError for a time that cannot be read."""
        from qkt.backtest.api import moment

        return moment(self.given["start"], "--from"), moment(self.given["end"], "--to")

    def arguments(self, params: Mapping[str, str]) -> dict[str, Any]:
        """Those of `qkt.backtest.api.backtest` and `prepare`. Raises UsageError for what cannot be meant."""
        from qkt.brokers.paper import ExecutionSettings

        given = self.given
        execution = {name: given[name] for name in EXECUTION} | {"fills": given["fills"].value, "end": given["finish"]}
        store, columns, config = given["store"], given["columns"], given["config"]
        if config is not None:
            from qkt.config import load_config

            config = load_config(config)[0]
        return {
            "data": given["data"] or (),
            "store": Path(store) if store else store is not None,
            "start": given["start"],
            "end": given["end"],
            "balance": given["balance"],
            "currency": given["currency"],
            "params": params,
            "execution": ExecutionSettings.of(**execution),
            "instruments": given["instruments"],
            "columns": pairs("--columns", columns.split(",")) if columns is not None else None,
            "zone": given["zone"],
            "broker": given["broker"].value,
            "limits": None if config is None else config.risk.limits(),
            "book": None if config is None else config.book_risk.settings(),
        }

    def prepared(self, file: Path, params: Mapping[str, str]) -> Prepared:
        """The back-test made ready, its ticks in memory; `params` are values it can be compiled with. Raises as `prepare`."""
        from qkt.backtest.api import prepare

        return replace(prepare(file, **self.arguments(params)), recipe=None).loaded()


def with_run_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options in the place of its parameter `run`, which gets them as `RunOptions`."""
    return lend(command, "run", _declared, RunOptions)


def lend(
    command: Callable[..., None], place: str, lender: Callable[..., None], made: Callable[[Mapping[str, Any]], object]
) -> Callable[..., None]:
    """The command with the options that another function declares in the place of one of its parameters, which gets what is
    `made` of their values."""
    names = tuple(inspect.signature(lender).parameters)
    parameters = list(_expanded(command, place, lender))

    @wraps(command)
    def taking(**given: Any) -> None:
        lent = made({name: given.pop(name) for name in names})
        command(**{place: lent}, **given)

    taking.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    taking.__annotations__ = {one.name: one.annotation for one in parameters}
    del taking.__wrapped__
    return taking


def _expanded(function: Callable[..., None], place: str, lender: Callable[..., None]) -> Iterator[inspect.Parameter]:
    """The parameters as the command line has them, each with its own annotation."""
    hints = get_type_hints(function, include_extras=True)
    for name, one in inspect.signature(function).parameters.items():
        if name == place:
            yield from _expanded(lender, place, lender)
        else:
            yield one.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
