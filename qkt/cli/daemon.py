"""`qkt daemon`: an engine without a terminal."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qkt.cli.options import ConfigOption, JsonOption, StateDirOption
from qkt.cli.reach import ask, perform, print_word, where
from qkt.cli.up import BrokerOption, DataOption, FeedOption, MetricsPortOption, SpeedOption, SymbolsOption
from qkt.core.errors import QktError

if TYPE_CHECKING:
    from qkt.runtime.control.engine import Health

app = typer.Typer(
    name="daemon",
    help="Start, stop or look at an engine without a terminal.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

# Seconds between two looks at a process that starts or ends.
LOOK = 0.05

APART = getattr(subprocess, "DETACHED_PROCESS", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""What a new session is elsewhere: on Windows a child would end with the console of its parent."""

LOG = "daemon.log"


@app.command(short_help="Start an engine that outlives this terminal.")
def start(
    config: ConfigOption = None,
    load_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="Deploy every strategy of this folder.")] = None,
    no_restore: Annotated[bool, typer.Option("--no-restore", help="Do not start what was deployed before.")] = False,
    feed: FeedOption = None,
    data: DataOption = None,
    speed: SpeedOption = None,
    symbols: SymbolsOption = None,
    metrics_port: MetricsPortOption = None,
    broker: BrokerOption = None,
    wait: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="How long it may take to be ready.")] = 60,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start an engine that goes on when this terminal is gone, and wait until it is ready."""
    from qkt.runtime.state import owner

    state = where(state_dir, config)
    if (pid := owner(state)) is not None:
        raise QktError(f"an engine is running already (pid {pid})", where=str(state), remedy="qkt daemon status shows it")
    arguments = ["up", "--state-dir", str(state)]
    given = (
        ("--config", config),
        ("--load-dir", load_dir),
        ("--feed", feed),
        ("--speed", speed),
        ("--symbols", symbols),
        ("--broker", broker),
        ("--metrics-port", metrics_port),
    )
    for option, value in given:
        arguments += [option, str(value)] if value is not None else []
    for path in data or ():
        arguments += ["--data", path]
    arguments += ["--no-restore"] if no_restore else []
    health = _launch(arguments, state, wait)
    if as_json:
        print_word(health)
    else:
        print(f"engine ready, pid {health.pid}, {_count(len(health.sessions))}, state {state}")


@app.command()
def stop(
    leave_unprotected: Annotated[
        bool, typer.Option("--leave-unprotected", help="Agree to leave positions whose stops end with the engine.")
    ] = False,
    wait: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="How long it may take to end.")] = 30,
    config: ConfigOption = None,
    state_dir: StateDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """End the engine. Positions stay; its sessions come back with the next one."""
    from qkt.runtime.control.commands import Shutdown
    from qkt.runtime.control.errors import NoAnswerError
    from qkt.runtime.state import owner

    state = where(state_dir, config)
    perform(state, Shutdown, leave_unprotected=leave_unprotected)
    deadline = time.monotonic() + wait
    while (pid := owner(state)) is not None:
        if time.monotonic() > deadline:
            raise NoAnswerError(f"the engine (pid {pid}) still runs after {wait:g} s", remedy=f"look, then kill {pid}")
        time.sleep(LOOK)
    print(json.dumps({"stopped": True}) if as_json else "engine stopped")


@app.command()
def status(config: ConfigOption = None, state_dir: StateDirOption = None, as_json: JsonOption = False) -> None:
    """Whether an engine runs. Exit code 1 when none does."""
    from qkt.cli.tables import span

    health = ask(where(state_dir, config), lambda client: client.health())
    if as_json:
        print_word(health)
        return
    print(f"engine {health.status}, pid {health.pid}, up {span(int(health.uptime_s * 1000))}, {_count(len(health.sessions))}")
    for issue in health.issues:
        print(f"  {issue}")


def _launch(arguments: list[str], state: Path, seconds: float) -> Health:
    """Start the engine in a process group of its own. Raises QktError with the end of its log when it does not come up."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = state / LOG
    with log.open("ab") as output:
        begun = output.tell()
        child = subprocess.Popen(
            [sys.executable, "-m", "qkt.cli.main", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            creationflags=APART,
        )
    deadline = time.monotonic() + seconds
    while child.poll() is None and time.monotonic() < deadline:
        health = _ready(state, child.pid)
        if health is not None:
            return health
        time.sleep(LOOK)
    if child.poll() is None:
        raise QktError(f"the engine (pid {child.pid}) is not ready after {seconds:g} s", where=str(log))
    with log.open("rb") as written:
        written.seek(begun)
        lines = written.read().decode(errors="replace").strip().splitlines()
    raise QktError(f"the engine ended at once: {lines[-1] if lines else 'it said nothing'}", where=str(log))


def _ready(state: Path, pid: int) -> Health | None:
    """The health of this very process, once it is ready."""
    from qkt.runtime.control.errors import ControlError

    try:
        health = ask(state, lambda client: client.health())
    except ControlError:
        return None
    return health if health.status == "ready" and health.pid == pid else None


def _count(sessions: int) -> str:
    return "1 session" if sessions == 1 else f"{sessions} sessions"
