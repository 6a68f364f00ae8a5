"""`qkt doctor`: whether an engine can be left alone here."""

from __future__ import annotations

import dataclasses
import json

import typer

from qkt.cli.options import ConfigOption, JsonOption, StateDirOption, new_app

app = new_app()


@app.command()
def doctor(
    config: ConfigOption = None,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check installation, configuration, clock, disk, permissions, feeds, venues and alerts. Exit code 1 when one fails."""
    from qkt.cli.tables import printable
    from qkt.observe.doctor import Verdict, examined
    from qkt.runtime.state import state_dir as chosen

    found = []
    for one in examined(config, lambda settings: chosen(state_dir if state_dir is not None else settings.state_dir)):
        found.append(one)
        if not as_json:
            print(f"{one.verdict.upper():<5} {one.check:<13} {printable(one.found)}")
            if one.remedy:
                print(f"{'':<19} -> {printable(one.remedy)}")
    failed = sum(one.verdict is Verdict.FAIL for one in found)
    if as_json:
        print(json.dumps([dataclasses.asdict(one) for one in found], indent=2))
    else:
        warned = sum(one.verdict is Verdict.WARN for one in found)
        print(f"{len(found)} checks, {warned} to look at, {failed} to mend")
    if failed:
        raise typer.Exit(1)
