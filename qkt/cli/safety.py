"""`qkt halt`, `resume`, `kill`, `reconcile`: what an operator reaches for when something is wrong."""

from __future__ import annotations

from typing import Annotated

import typer

from qkt.cli.options import JsonOption, SeenOption, SomeArgument, StateDirOption, new_app
from qkt.cli.reach import perform, show_done

app = new_app()

DELTAS_FOUND = 2


@app.command()
def halt(
    name: SomeArgument = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the record.")] = "operator",
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel entry orders and block new ones. Exits go on."""
    from qkt.runtime.control.commands import Halt

    done = perform(state_dir, Halt, name=name, reason=reason)
    show_done(done, as_json=as_json, deed="halted", nothing="no sessions to halt")


@app.command()
def resume(
    name: SomeArgument = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the record.")] = "resumed",
    seen: SeenOption = None,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Clear halts, so that entries are sent again. Says what was cleared, and which limits are still broken."""
    from qkt.runtime.control.commands import Resume

    done = perform(state_dir, Resume, seen=seen, name=name, reason=reason)
    show_done(done, as_json=as_json, deed="resumed", nothing="nothing was halted")


@app.command()
def kill(
    name: SomeArgument = None,
    flatten: Annotated[bool, typer.Option("--flatten", help="Close all positions too, and wait for proof.")] = False,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Halt at once; with --flatten close everything. Exit code 1 when it is not proven flat."""
    from qkt.runtime.control.commands import Kill

    done = perform(state_dir, Kill, name=name, flatten=flatten)
    show_done(done, as_json=as_json, deed="halted, flat" if done.flat else "halted", nothing="no sessions to kill")


@app.command()
def reconcile(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The session.")],
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a session's books with its venue. Exit code 2 when they differ."""
    from qkt.cli.tables import print_table
    from qkt.runtime.control.commands import Reconcile

    done = perform(state_dir, Reconcile, name=name)
    if as_json:
        print(done.model_dump_json(indent=2))
    elif done.differences:
        rows = [(one.what, one.engine, one.venue) for one in done.differences]
        print_table(("WHAT", "ENGINE", "VENUE"), rows, right=("ENGINE", "VENUE"), empty="")
    else:
        print(done.text or "books and venue agree")
    if done.differences:
        raise typer.Exit(DELTAS_FOUND)
