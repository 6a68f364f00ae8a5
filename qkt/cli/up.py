"""`qkt up` and `qkt run`: an engine in this process."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qkt.cli.options import ConfigOption, JsonOption, StateDirOption, new_app
from qkt.cli.reach import where

if TYPE_CHECKING:
    from qkt.config import Config
    from qkt.host import Hosting
    from qkt.observe.logs import LogFiles

app = new_app()

SUMMARY = {"name", "equity", "realised", "open_pnl", "trades", "positions"}

FeedOption = Annotated[str | None, typer.Option("--feed", metavar="KIND", help="file, synthetic, tradingview or mt5.")]
DataOption = Annotated[
    list[str] | None,
    typer.Option("--data", metavar="PATH", help="What a file feed replays. Can be repeated."),
]
SpeedOption = Annotated[
    str | None, typer.Option("--speed", metavar="N", help="Of a replay: real, fast, or how many times real time.")
]
MetricsPortOption = Annotated[
    int | None,
    typer.Option("--metrics-port", min=0, max=65535, metavar="PORT", help="Of metrics and status; 0 takes a free one."),
]


class Brokers(StrEnum):
    PAPER = "paper"
    MT5 = "mt5"
    MT5_SIM = "mt5-sim"


BrokerOption = Annotated[
    Brokers | None, typer.Option("--broker", metavar="KIND", help="Who executes new sessions: paper, mt5 or mt5-sim.")
]
SymbolsOption = Annotated[str | None, typer.Option("--symbols", metavar="A,B", help="What a synthetic feed invents.")]


@app.command()
def up(
    config: ConfigOption = None,
    load_dir: Annotated[
        Path | None, typer.Option("--load-dir", metavar="DIR", help="Deploy every strategy of this folder.")
    ] = None,
    no_restore: Annotated[bool, typer.Option("--no-restore", help="Do not start what was deployed before.")] = False,
    feed: FeedOption = None,
    data: DataOption = None,
    speed: SpeedOption = None,
    symbols: SymbolsOption = None,
    metrics_port: MetricsPortOption = None,
    broker: BrokerOption = None,
    state_dir: StateDirOption = None,
) -> None:
    """Run an engine in this terminal until Ctrl-C. Losing the terminal does not end it."""
    from qkt.cli.screen import Screen
    from qkt.host import host
    from qkt.host import run as run_in_loop

    state = where(state_dir, config)
    settings = settings_of(config, feed, data, speed, symbols, metrics_port)
    if broker is not None:
        settings = settings.model_copy(update={"broker": broker.value})
    with Screen() as screen:
        prepare = partial(hosting, state, settings, load_dir, restore=not no_restore, say=screen.say)
        run_in_loop(host, state, prepare, screen.say)


@contextmanager
def hosting(
    state: Path, settings: Config, load_dir: Path | None, *, restore: bool, say: Callable[[str], None] | None = None
) -> Iterator[Hosting]:
    """What a process shall host, with its log open; `say` shows lines to whoever sits before it."""
    from qkt.host import Hosting

    folder = load_dir if load_dir is not None else settings.load_dir
    with _logging(state, settings, say) as logs:
        yield Hosting(settings, folder, restore, logs)


@app.command()
def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The strategy, .qkt or .py.")],
    param: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="Value of a PARAM. Can be repeated.")] = None,
    config: ConfigOption = None,
    feed: FeedOption = None,
    data: DataOption = None,
    speed: SpeedOption = None,
    symbols: SymbolsOption = None,
    metrics_port: MetricsPortOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run one strategy on paper in this terminal. Nothing of it is kept."""
    from qkt.cli.pairs import pairs
    from qkt.cli.screen import Screen
    from qkt.host import run as run_in_loop
    from qkt.host import run_one

    settings = _served(_settings(config, feed, data, speed, symbols), metrics_port, otherwise=False)
    settings = settings.model_copy(update={"broker": "paper"})  # what keeps nothing trades on no account
    values = pairs("--param", param or [])
    with tempfile.TemporaryDirectory(prefix="qkt-run-") as state, Screen(2 if as_json else 1) as screen:
        row = run_in_loop(run_one, file.resolve(), values, Path(state), settings, screen.say)
    summary = row.model_dump(mode="json", include=SUMMARY)
    if as_json:
        print(json.dumps(summary, indent=2))
    else:
        print("  ".join(f"{key} {'-' if value is None else value}" for key, value in summary.items()))


def _logging(state: Path, settings: Config, say: Callable[[str], None] | None) -> AbstractContextManager[LogFiles]:
    """The log of an engine: files, and the screen too where a person is before it."""
    from qkt.observe.logs import LogFiles, logging_to

    watched = sys.stdout.isatty()
    sizes = settings.observe
    return logging_to(
        LogFiles(
            state / "logs",
            settings.log_level,
            megabytes=sizes.log_megabytes,
            files=sizes.log_files,
            console=say if watched else None,
            colors=watched and not os.environ.get("NO_COLOR"),
        )
    )


def settings_of(
    config: Path | None,
    feed: str | None,
    data: list[str] | None,
    speed: str | None,
    symbols: str | None,
    port: int | None,
) -> Config:
    """The configuration of an engine with what the command line says put on top."""
    return _served(_settings(config, feed, data, speed, symbols), port)


def _settings(config: Path | None, feed: str | None, data: list[str] | None, speed: str | None, symbols: str | None) -> Config:
    """The configuration with what the command line says put on top."""
    from qkt.config import load_config, overlaid

    given: dict[str, Any] = {
        "source": feed or ("file" if data else None),
        "data": data,
        "speed": speed,
        "symbols": symbols and [name.strip() for name in symbols.split(",")],
    }
    return overlaid(load_config(config)[0], "feed", {key: value for key, value in given.items() if value})


def _served(config: Config, port: int | None, *, otherwise: bool | None = None) -> Config:
    """The configuration with metrics on a port that the command line names; without one as it is, or as `otherwise` says."""
    from qkt.config import overlaid

    if port is not None:
        return overlaid(config, "observe", {"serve": True, "port": port})
    return config if otherwise is None else overlaid(config, "observe", {"serve": otherwise})
