"""`qkt`, `qkt dash`: the dashboard, of an engine that runs or of one in this terminal. `qkt attach` shows it as this does."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qkt.cli.options import ConfigOption, StateDirOption, new_app
from qkt.cli.reach import where
from qkt.cli.up import DataOption, FeedOption, MetricsPortOption, SpeedOption, SymbolsOption

if TYPE_CHECKING:
    from qkt.remote.contexts import Context

app = new_app()

LOG = "dashboard.log"
"""What is printed while the dashboard has the terminal."""

ReadOnlyOption = Annotated[bool, typer.Option("--read-only", help="Look only: no key changes anything.")]
AsciiOption = Annotated[bool, typer.Option("--ascii", help="Draw with plain characters only.")]
MouseOption = Annotated[bool, typer.Option("--mouse/--no-mouse", help="Without it the terminal selects text itself.")]
ThemeOption = Annotated[str | None, typer.Option("--theme", metavar="NAME", help="Instead of the one used last.")]


@app.command()
def dash(
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
    ascii_only: AsciiOption = False,
    mouse: MouseOption = True,
    theme: ThemeOption = None,
    state_dir: StateDirOption = None,
) -> None:
    """Show the running engine; where none runs, run one in this terminal, which trades on when the terminal goes."""
    from qkt.cli.daemon import _launch
    from qkt.cli.up import hosting, settings_of
    from qkt.runtime.state import owner

    state = where(state_dir, config)
    settings = cache(partial(settings_of, config, feed, data, speed, symbols, metrics_port))
    options = options_of(lambda: settings().keys, read_only=False, ascii_only=ascii_only, mouse=mouse, theme=theme)
    if owner(state) is None and sys.platform == "win32":  # there an engine never shares its process with a terminal
        settings()  # what is wrong with them is said here
        _launch(["up", "--state-dir", str(state)], state, 60)
    if owner(state) is not None:
        from qkt.remote.contexts import here

        show(here(state), options)
        return
    from qkt.cli.screen import aside, logged_beneath
    from qkt.deck import find_dashboard, front
    from qkt.host import host
    from qkt.host import run as run_in_loop

    dashboard = find_dashboard()
    with aside(state / "logs" / LOG) as tell, logged_beneath("INFO"):
        before = front(dashboard, options, tell)
        run_in_loop(host, state, lambda: hosting(state, settings(), load_dir, restore=not no_restore), _unsaid, before)


def on_a_terminal() -> None:
    """Raises UsageError where there is none."""
    from qkt.core.errors import UsageError

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the dashboard needs a terminal", remedy="qkt up runs an engine without one, qkt status shows it")


def show(context: Context, options: dict[str, Any]) -> None:
    """The dashboard of the engine of a context. What is logged or printed meanwhile goes to a file beside what it remembers."""
    from qkt.cli.screen import aside, logged_beneath
    from qkt.deck import attach, find_dashboard
    from qkt.host import run as run_in_loop

    dashboard, log = find_dashboard(), memory_file().parent / "logs" / LOG

    async def alone(*given: Any, **told: Any) -> str:
        with aside(log), logged_beneath("WARNING"):
            return await dashboard(*given, **told)

    run_in_loop(attach, context, alone, options)


def options_of(
    keys: Callable[[], dict[str, str]], *, read_only: bool, ascii_only: bool, mouse: bool, theme: str | None
) -> dict[str, Any]:
    """What the dashboard is told. It keeps what it remembers beside the user's other state, not with an engine."""
    on_a_terminal()
    return {
        "memory": memory_file(),
        "keys": keys,
        "read_only": read_only,
        "ascii_only": ascii_only or None,
        "mouse": mouse,
        "theme": theme,
    }


def memory_file() -> Path:
    """Where the dashboard keeps sorts, filters and theme."""
    from qkt.runtime.state import state_dir

    return state_dir() / "dashboard.json"


def _unsaid(text: str) -> None:
    """The dashboard shows it, and the log has it."""
    logging.getLogger("qkt.host").info("%s", text)
