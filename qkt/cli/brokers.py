"""`qkt brokers` and `qkt instruments`: accounts that the configuration knows, and what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qkt.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from qkt.brokers.mt5.profile import Profile

app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    help="List and check the accounts of the configuration.",
)


@app.command("list")
def listed(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Every broker that sessions can use."""
    from qkt.cli.tables import print_table

    columns = ("name", "kind", "way", "suffix", "server_time", "magic")
    rows: list[tuple[str | int | None, ...]] = [
        ("paper", "paper", "here", None, None, None),
        ("mt5-sim", "simulated MetaTrader 5", "here", None, "UTC", 1),
        *(
            (one.name, "mt5", one.way, one.suffix or None, one.server_time_zone, one.magic)
            for one in _profiles(config).values()
        ),
    ]
    if as_json:
        print(json.dumps([dict(zip(columns, row, strict=True)) for row in rows]))
        return
    header = ("NAME", "KIND", "TERMINAL", "SUFFIX", "SERVER TIME", "MAGIC")
    print_table(header, [["-" if value is None else str(value) for value in row] for row in rows], empty="")


@app.command(short_help="Open an account and look at all that must hold.")
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The profile, as in [mt5.NAME].")],
    symbol: Annotated[
        list[str] | None, typer.Option(metavar="SYMBOL", help="Look at this market too. Can be repeated.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open an account and look at all that must hold before it is traded on; no order is sent. Exit code 1 when it does not."""
    from dataclasses import asdict

    from qkt.brokers.mt5.checks import check_profile
    from qkt.core.clock import SystemClock

    profile = _profile(name, config)
    terminal = profile.terminal()
    try:
        found = list(check_profile(profile, terminal, symbol or [], SystemClock().now()))
    finally:
        terminal.shutdown()
    if as_json:
        print(json.dumps([asdict(one) for one in found]))
    else:
        for one in found:
            print(f"{'FAIL' if one.wrong else 'ok  '}  {one.what}: {one.found}{f' - {one.wrong}' if one.wrong else ''}")
    if any(one.wrong for one in found):
        raise typer.Exit(1)


def _profiles(config: Path | None) -> dict[str, Profile]:
    from qkt.config import load_config

    return load_config(config)[0].profiles()


def _profile(name: str, config: Path | None) -> Profile:
    """Raises ConfigError for a profile that is not configured."""
    from qkt.config import ConfigError

    profiles = _profiles(config)
    if name not in profiles:
        known = ", ".join(profiles) or "none"
        raise ConfigError(f"there is no profile '{name}'", expected=f"[mt5.{name}] in qkt.toml", remedy=f"known are: {known}")
    return profiles[name]
