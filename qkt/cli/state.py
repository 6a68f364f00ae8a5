"""`qkt state`: look at the state of an engine, copy it, check it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from qkt.cli.options import JsonOption, StateDirOption
from qkt.cli.reach import where

app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    help="Inspect, back up and verify the state of an engine.",
)


@app.command()
def inspect(state_dir: StateDirOption = None, as_json: JsonOption = False) -> None:
    """Show what is registered, how much is recorded, and who uses it."""
    from qkt.runtime.inspection import inspected

    found = inspected(where(state_dir))
    if as_json:
        print(json.dumps(found))
        return
    owner = found["owner"]
    print(f"{found['state_dir']}: journal version {found['version']}, {f'used by process {owner}' if owner else 'not in use'}")
    for one in found["sessions"]:
        print(
            f"  {one['name']} (run {one['run']}, {one['wanted']}): {one['fills']:,} fills, "
            f"committed up to input {one['committed']:,}, {one['tape_bytes']:,} bytes of tape, from {one['file']}"
        )


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A folder that does not exist yet.")],
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the state, also while an engine uses it."""
    from qkt.runtime.inspection import back_up

    back_up(where(state_dir), target)
    print(json.dumps({"target": str(target)}) if as_json else f"copied to {target}")


@app.command(short_help="Check the journal and do every recording again.")
def verify(state_dir: StateDirOption = None, as_json: JsonOption = False) -> None:
    """Check the journal and do every recording again; exit code 1 when anything is wrong."""
    from qkt.runtime.inspection import verified

    problems: list[dict[str, Any]] = verified(where(state_dir))
    if as_json:
        print(json.dumps({"problems": problems}))
    else:
        for problem in problems:
            print(f"{problem['where']}: {problem['found']}")
        if not problems:
            print("the journal is sound and every recording gives what it says")
    if problems:
        raise typer.Exit(1)
