"""`qkt deploy`, `resync`, `stop`, `start`, `list`: which sessions there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qkt.cli.options import FileArgument, JsonOption, SeenOption, StateDirOption, new_app
from qkt.cli.reach import ask, perform, print_words, show_done

if TYPE_CHECKING:
    from qkt.runtime.control.rows import StrategyRow

app = new_app()

AsOption = Annotated[str | None, typer.Option("--as", metavar="NAME", help="Name of the session (default: the file's).")]
ParamOption = Annotated[
    list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="Value of a PARAM. Can be repeated.")
]


@app.command()
def deploy(
    file: FileArgument,
    name: AsOption = None,
    param: ParamOption = None,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start a session of a strategy in the running engine."""
    from qkt.cli.pairs import pairs
    from qkt.runtime.control.commands import Deploy

    done = perform(state_dir, Deploy, path=_source(file), name=name, params=pairs("--param", param or []))
    show_done(done, as_json=as_json, deed="deployed", nothing="nothing was deployed")


@app.command()
def resync(
    file: FileArgument,
    name: AsOption = None,
    param: ParamOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file and say what would change, no more.")] = False,
    seen: SeenOption = None,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the edited file in the place of the session that runs it."""
    from qkt.cli.pairs import pairs
    from qkt.runtime.control.commands import Resync

    values = pairs("--param", param or [])
    done = perform(state_dir, Resync, seen=seen, path=_source(file), name=name, params=values, dry_run=dry_run)
    show_done(done, as_json=as_json, deed="would be replaced" if dry_run else "replaced", nothing="nothing changed")


@app.command()
def stop(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The session, or BOOK/CHILD.")],
    flatten: Annotated[bool, typer.Option("--flatten", help="Close its positions first, and wait for proof.")] = False,
    leave_unprotected: Annotated[
        bool, typer.Option("--leave-unprotected", help="Agree to leave positions whose stops end with the session.")
    ] = False,
    seen: SeenOption = None,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a session. Its positions stay, unless it flattens."""
    from qkt.runtime.control.commands import Stop

    done = perform(state_dir, Stop, seen=seen, name=name, flatten=flatten, leave_unprotected=leave_unprotected)
    show_done(done, as_json=as_json, deed="stopped", nothing="nothing was stopped")


@app.command()
def start(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The session, or BOOK/CHILD.")],
    seen: SeenOption = None,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start a stopped session again."""
    from qkt.runtime.control.commands import Start

    done = perform(state_dir, Start, seen=seen, name=name)
    show_done(done, as_json=as_json, deed="started", nothing="nothing was started")


@app.command("list")
def list_(state_dir: StateDirOption = None, as_json: JsonOption = False) -> None:
    """The sessions of the running engine, and why those that are halted are."""
    from qkt.cli.tables import print_table, printable, signed, span

    now, rows = _sessions(state_dir)
    if as_json:
        print_words(rows)
        return
    lines = [
        (
            f"  {row.name}" if row.parent else row.name,
            row.mode,
            state_of(row),
            span(now - row.started),
            signed(row.day_pnl),
            signed(row.open_pnl),
            str(row.positions),
            str(row.orders),
            str(row.trades),
        )
        for row in rows
    ]
    header = ("NAME", "MODE", "STATE", "UP", "DAY P&L", "OPEN P&L", "POS", "ORD", "TRADES")
    print_table(header, lines, right=header[3:], empty="no sessions; qkt deploy FILE starts one")
    told = {row.name: row.reason for row in rows if row.halt is not None}
    for row in rows:
        if row.halt is not None and not (row.parent in told and told[row.parent] == row.reason):  # a book's is told once
            print(f"HALT {row.name}: {printable(row.reason or row.halt)}")


def state_of(row: StrategyRow) -> str:
    """The state in one word or two: a halt hides that it runs."""
    if row.halt is not None and row.state == "RUN":
        return f"HALT {row.halt}"
    if row.operator_stopped:
        return "STOPPED (operator)"
    if row.gate is False:
        return "OFF"
    return row.state


def _sessions(state_dir: Path | None) -> tuple[int, list[StrategyRow]]:
    """Now, by the engine, and its sessions, children after their parents."""
    snapshot = ask(state_dir, lambda client: client.snapshot())
    rows = snapshot.tables.strategies.values()
    return snapshot.ts, sorted(rows, key=lambda row: (row.parent or row.name, row.parent is not None, row.name))


def _source(file: Path) -> str:
    """The file's absolute path, which the engine reads: on its own machine."""
    from pathlib import PurePosixPath, PureWindowsPath

    from qkt.cli.reach import elsewhere
    from qkt.core.errors import UsageError

    if (context := elsewhere(None)) is not None and context.address is not None:
        if not any(kind(file).is_absolute() for kind in (PurePosixPath, PureWindowsPath)):
            raise UsageError("a path from here", where=str(file), expected=f"the whole path of a file on {context.address}")
        return str(file)

    if not file.is_file():
        raise UsageError("no such file", where=str(file), expected="a strategy, .qkt or .py")
    return str(file.resolve())
