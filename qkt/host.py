"""An engine in this process: its market, its sessions and its control socket, put together and ended in order.

The one place that knows how the pieces of a running process fit.
"""

from __future__ import annotations

import atexit
import gc
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import anyio
import anyio.to_thread

from qkt.core.errors import QktError
from qkt.core.memory import give_back
from qkt.ending import Ending, ending_on_signal

if TYPE_CHECKING:
    from qkt.config import Config
    from qkt.observe.logs import LogFiles
    from qkt.runtime.control.link import LocalLink
    from qkt.runtime.control.rows import StrategyRow
    from qkt.runtime.engine import Engine

ENGINE = ("qkt.runtime.engine", "qkt.runtime.control.serving", "qkt.observe.observer")
"""Modules that an engine is made of. What stands before it does not wait for them."""

FIRST_STRATEGIES = ("*.qkt", "*.py")

log = logging.getLogger("qkt.host")

T = TypeVar("T")

Front: TypeAlias = "Callable[[LocalLink, Path, Ending, Callable[[], None]], Coroutine[object, object, None]]"
"""What stands before an engine of this process, with the state directory of that. It is there before the engine is; what it is
given last it calls once it can be seen."""


@dataclass(frozen=True)
class Hosting:
    """What a process hosts. `load_dir` holds strategies that are deployed under their files' names, in order of name;
    `logs` writes what sessions say."""

    config: Config
    load_dir: Path | None = None
    restore: bool = True
    logs: LogFiles | None = None


def run(function: Callable[..., Awaitable[T]], *arguments: object) -> T:
    """Run one of the functions below in a loop of its own. A failure inside comes out as what it is, without its group.

    When the process ends after that, nothing is searched for garbage once more: an engine holds so much that it took seconds.
    """
    atexit.register(gc.freeze)
    give_back()
    try:
        return anyio.run(function, *arguments)
    except BaseExceptionGroup as group:
        problem: BaseException = group
        while isinstance(problem, BaseExceptionGroup) and len(problem.exceptions) == 1:
            problem = problem.exceptions[0]
        raise problem from None


async def host(
    state: Path, prepare: Callable[[], AbstractContextManager[Hosting]], tell: Callable[[str], None], front: Front | None = None
) -> None:
    """Run the engine of a state directory with its control socket until a signal or a command ends it. `prepare` gives what is
    hosted, with its log open; `tell` hears what a person should see, `front` is what stands before the engine in this process,
    a dashboard: it can be seen before anything is prepared.

    Raises what `prepare` does, StateError when the state directory is taken or damaged, ControlError when its socket is,
    ConfigError for a channel of alerts that cannot work.
    """
    with ExitStack() as prepared:  # the log is open until all who log are gone
        async with ending_on_signal(tell) as ending, fronted(front, state, ending) as link:
            await loaded("qkt.config.loading", "qkt.observe.logs")
            hosting = prepared.enter_context(prepare())
            await loaded(*ENGINE)
            from qkt.observe.channel import open_channels
            from qkt.observe.observer import observing
            from qkt.runtime.control.serving import serving

            channels = open_channels(hosting.config.alerts.channels)
            async with _engine(state, hosting.config, hosting.restore, restore_live=front is None) as engine:
                if front is None:
                    await _load(engine, hosting.load_dir, tell, ending)
                async with (
                    serving(engine, state) as (hub, endpoint),  # whoever can ask finds everything there
                    observing(engine, hosting.config, hosting.logs, channels),
                ):
                    engine.subscribers = lambda: hub.subscribers
                    where = endpoint.path or f"127.0.0.1:{endpoint.port}"
                    tell(f"engine ready, pid {os.getpid()}, {len(engine.known())} sessions, socket {where}")
                    link.arrive(hub)
                    if front is not None:
                        await _load(engine, hosting.load_dir, tell, ending)  # whoever sits before it sees them come
                    hub.closing = why = await until_asked(ending, engine)
                    link.leave()
            tell(why)


@asynccontextmanager
async def fronted(front: Front | None, state: Path, ending: Ending) -> AsyncIterator[LocalLink]:
    """The link of what stands before an engine that is yet to be made here, and that can be seen already: an engine takes
    longer to come than a terminal likes to wait. It has left when this is left, also where no engine came of it."""
    from qkt.runtime.control.link import LocalLink

    link = LocalLink()
    if front is None:
        yield link
        return
    painted, left = anyio.Event(), anyio.Event()

    async def stand() -> None:
        try:
            await front(link, state, ending, painted.set)
        finally:
            painted.set()
            left.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stand)
        await painted.wait()
        try:
            yield link
        finally:
            ending.ask()
            with anyio.CancelScope(shield=True):
                await left.wait()


async def loaded(*modules: str) -> None:
    """Have modules imported beside the loop, which goes on: together they take most of a second. No search for garbage looks at
    what they are made of, now or later."""
    gc.disable()
    try:
        for module in modules:
            await anyio.to_thread.run_sync(import_module, module)
        gc.freeze()
    finally:
        gc.enable()


async def run_one(file: Path, params: dict[str, str], state: Path, config: Config, say: Callable[[str], None]) -> StrategyRow:
    """Run one strategy on paper until its feed or a signal ends it, saying its lines. Returns what it came to."""
    from qkt.observe.observer import observing

    async with (
        ending_on_signal(say) as ending,
        _engine(state, config, restore=False) as engine,
        observing(engine, config),
    ):
        live = await engine.deploy(file, file.stem, params)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_say_lines, engine, say)
            tasks.start_soon(_end_with, engine.hosted[live.name].pump.ended, ending, "the feed has ended")
            await ending.wait()
            tasks.cancel_scope.cancel()
        return engine.snapshot().tables.strategies[live.name]


@asynccontextmanager
async def _engine(state: Path, config: Config, restore: bool, *, restore_live: bool = True) -> AsyncIterator[Engine]:
    """`restore_live` is False where somebody sits before it: what trades on a live account then waits for their word."""
    from qkt.outfit import history_of, open_accounts, open_market, terms_of
    from qkt.runtime.engine import Engine

    async with anyio.create_task_group() as tasks:
        accounts = open_accounts(config)
        market, history = open_market(config.feed, tasks, accounts), history_of(config.feed, accounts)
        async with Engine(
            state, market, terms=terms_of(config), history=history, restore=restore, restore_live=restore_live, venues=accounts
        ) as engine:
            _set_out(engine, config)
            yield engine
        tasks.cancel_scope.cancel()


def _set_out(engine: Engine, config: Config) -> None:
    """What back-tests start from, where strategies are looked for, and whether sessions are shadowed."""
    from qkt.runtime.fidelity.keeper import Shadowing

    engine.strategies_dir = config.load_dir or Path("strategies").absolute()
    engine.runs.data = tuple(config.feed.data)
    engine.runs.balance, engine.runs.currency = config.account.balance, config.account.currency
    engine.runs.instruments = config.instruments
    if config.observe.shadow:
        engine.fidelity.settings = Shadowing(memory_mb=config.observe.shadow_megabytes)


async def _load(engine: Engine, folder: Path | None, tell: Callable[[str], None], ending: Ending) -> None:
    """Deploy what a folder holds and is not deployed yet. A file that cannot be is told, and the next one is taken, unless
    the end is asked for."""
    if folder is None:
        return
    if not folder.is_dir():
        tell(f"no folder {folder}, nothing was loaded from it")
        return
    for file in sorted(path for pattern in FIRST_STRATEGIES for path in folder.glob(pattern)):
        if ending.asked:
            return
        if file.stem in engine.known():
            continue
        try:
            await engine.deploy(file.resolve(), file.stem, {})
        except QktError as refusal:
            tell(f"{file.name} was not deployed: {refusal}")
            engine.alert("ERROR", file.stem, f"was not deployed: {refusal}")


async def until_asked(ending: Ending, engine: Engine) -> str:
    """Wait for a signal, a shutdown command or the dashboard; returns which, in words."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_end_with, engine.shutdown_asked, ending, "the engine ends as an operator asked")
        await ending.wait()
        tasks.cancel_scope.cancel()
    return ending.why


async def _end_with(event: anyio.Event, ending: Ending, why: str) -> None:
    await event.wait()
    ending.ask(why)


async def _say_lines(engine: Engine, say: Callable[[str], None]) -> None:
    """Say the engine's lines as they come."""
    number = 0
    while True:
        version = engine.version
        for line in engine.lines(number):
            say(f"{line.level:<5} {line.text}")
            number = line.number
        await engine.changed(version)
