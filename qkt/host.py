"""An engine in this process: its market, its sessions and its control socket, put together and ended in order.

The one place that knows how the pieces of a running process fit.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import logging
import math
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from qkt.core.errors import QktError, UsageError
from qkt.core.memory import give_back
from qkt.core.timeframe import MINUTE_MS

if TYPE_CHECKING:
    from qkt.config import Config
    from qkt.config import Feed as FeedChoice
    from qkt.core.events import Tick
    from qkt.data.feeds import Feed
    from qkt.data.feeds.tradingview import TradingViewSettings
    from qkt.observe.logs import LogFiles
    from qkt.runtime.control.link import LocalLink
    from qkt.runtime.control.rows import StrategyRow
    from qkt.runtime.engine import Engine
    from qkt.runtime.launch import History
    from qkt.runtime.markets import Market
    from qkt.runtime.setup import Terms
    from qkt.runtime.venues import Mt5Accounts
    from qkt.strategy import StreamSpec

# Seconds that an engine gets to end in order; then the process ends as it is, which its journal is made for.
DEADLINE = 20.0

ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]
HANGUP = [getattr(signal, name) for name in ("SIGHUP",) if hasattr(signal, name)]
"""Signals that this platform has."""

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


class Ending:
    """The end of a process: asked for once, and given up waiting for when it takes too long."""

    def __init__(self) -> None:
        self.why = ""
        self._asked = anyio.Event()
        self._deadline = threading.Timer(DEADLINE, _cut_off)
        self._deadline.daemon = True

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def ask(self, why: str = "the engine ends on a signal") -> None:
        if not self._asked.is_set():
            self.why = why
            self._asked.set()
            self._deadline.start()

    async def wait(self) -> None:
        await self._asked.wait()

    def done(self) -> None:
        self._deadline.cancel()


def _cut_off() -> None:
    os.write(2, b"qkt: the engine did not end in time and is cut off; its state is safe\n")
    os._exit(1)


@asynccontextmanager
async def ending_on_signal(tell: Callable[[str], None]) -> AsyncIterator[Ending]:
    """SIGINT or SIGTERM (or Ctrl-Break) asks for the end; a second one, or the deadline, ends the process. SIGHUP changes
    nothing."""
    ending = Ending()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_listen, ending, tell)
        try:
            yield ending
        finally:
            ending.done()
            tasks.cancel_scope.cancel()


async def _listen(ending: Ending, tell: Callable[[str], None]) -> None:
    with _signals([*ENDING, *HANGUP]) as signals:
        async for number in signals:
            if number in HANGUP:
                log.info("the terminal is gone, trading goes on")
            elif ending.asked:
                os._exit(128 + number)
            else:
                tell(f"{signal.Signals(number).name}: ending; once more ends at once")
                ending.ask()


@contextmanager
def _signals(wanted: Sequence[signal.Signals], *, by_loop: bool = sys.platform != "win32") -> Iterator[AsyncIterator[int]]:
    """Signals as they come. Event loops take none on Windows: there handlers of the interpreter pass them on."""
    if by_loop:
        with anyio.open_signal_receiver(*wanted) as received:
            yield received
        return
    loop = asyncio.get_running_loop()
    send, receive = anyio.create_memory_object_stream[int](math.inf)

    def pass_on(number: int, frame: object) -> None:  # noqa: ARG001
        loop.call_soon_threadsafe(send.send_nowait, number)

    before = {number: signal.signal(number, pass_on) for number in wanted}
    with send, receive:
        try:
            yield receive
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@asynccontextmanager
async def _engine(state: Path, config: Config, restore: bool, *, restore_live: bool = True) -> AsyncIterator[Engine]:
    """`restore_live` is False where somebody sits before it: what trades on a live account then waits for their word."""
    from qkt.runtime.engine import Engine

    async with anyio.create_task_group() as tasks:
        accounts = _accounts(config)
        market, history = open_market(config.feed, tasks, accounts), _history(config.feed, accounts)
        async with Engine(
            state, market, terms=_terms(config), history=history, restore=restore, restore_live=restore_live, venues=accounts
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


def _accounts(config: Config) -> Mt5Accounts | None:
    """The accounts at real venues, None where nobody asked for them. Nothing is opened yet.

    Raises ConfigError for a venue that nothing is known of, and on a machine that cannot reach it.
    """
    if config.broker != "mt5" and config.feed.source != "mt5":
        return None
    from qkt.brokers.mt5.native import MISSING, installed
    from qkt.config import ConfigError
    from qkt.core.clock import SystemClock
    from qkt.runtime.venues import Mt5Accounts

    profiles = config.profiles()
    if not profiles:
        raise ConfigError(
            "no MetaTrader 5 account is configured", expected="[mt5.NAME] in qkt.toml", remedy="docs/mt5.md shows one"
        )
    local = [name for name, profile in profiles.items() if profile.gateway_url is None]
    if local and not installed():
        raise ConfigError(MISSING, where=f"mt5.{local[0]}")
    return Mt5Accounts(profiles, SystemClock())


def _terms(config: Config) -> Terms:
    from qkt.brokers.factory import BrokerKind
    from qkt.runtime.setup import Terms

    make = Terms if config.instruments is None else partial(Terms.with_instruments, config.instruments)
    return make(
        balance=config.account.balance,
        currency=config.account.currency,
        execution=config.execution.settings(),
        limits=config.risk.limits(),
        book=config.book_risk.settings(),
        broker=BrokerKind(config.broker),
        owner="000000",
    )


def _history(feed: FeedChoice, accounts: Mt5Accounts | None) -> History | None:
    """What warms new sessions up. A replay is its own history: it begins at its beginning."""
    if feed.source not in ("tradingview", "mt5"):
        return None
    settings = _tradingview(feed)

    async def fetch(streams: Sequence[StreamSpec], markets: Sequence[str]) -> Iterable[Tick]:
        wanted: dict[str, list[tuple[int, int]]] = {}
        for stream in streams:
            if stream.traded:
                wanted.setdefault(stream.symbol, []).append((stream.timeframe.ms, stream.warmup))
        for market in markets:
            wanted.setdefault(market, [(MINUTE_MS, 1)])
        if accounts is not None and feed.source == "mt5":
            return await _bars_of(accounts, wanted)
        from qkt.data.feeds.tradingview import fetch_history

        return await fetch_history(wanted, settings=settings)

    return fetch


async def _bars_of(accounts: Mt5Accounts, wanted: dict[str, list[tuple[int, int]]]) -> Iterable[Tick]:
    from qkt.brokers.mt5.feed import fetch_history
    from qkt.brokers.mt5.terminal import TerminalError
    from qkt.core.clock import SystemClock
    from qkt.core.errors import DataError

    try:
        return await fetch_history(accounts, wanted, SystemClock().now())
    except TerminalError as problem:
        raise DataError(problem.text, where="mt5") from None


def _tradingview(feed: FeedChoice) -> TradingViewSettings:
    from qkt.data.feeds.tradingview import TradingViewSettings

    settings = TradingViewSettings(aliases=feed.aliases)
    if feed.url is not None:
        settings = replace(settings, url=feed.url)
    if feed.token is not None:
        settings = replace(settings, token=feed.token.get_secret_value())
    return settings


def open_market(feed: FeedChoice, tasks: TaskGroup, accounts: Mt5Accounts | None = None) -> Market:
    """Where sessions get their ticks: a replay begins anew for each, a live feed is shared. Raises UsageError."""
    from qkt.runtime.markets import OwnFeeds, SharedFeed
    from qkt.runtime.sources import identity_of

    match feed.source:
        case "file":
            return OwnFeeds(_replay(feed), identity_of(feed.data))
        case "synthetic":
            return OwnFeeds(_invented(feed), f"synthetic ticks of {', '.join(feed.symbols)}, seed {feed.seed}")
        case "tradingview":
            from qkt.data.feeds import FeedHub
            from qkt.data.feeds.tradingview import TradingViewFeed

            settings = _tradingview(feed)
            return SharedFeed(FeedHub(tasks), "tradingview", lambda: TradingViewFeed(settings))
        case "mt5":
            from qkt.brokers.mt5.feed import Mt5Feed
            from qkt.core.clock import SystemClock
            from qkt.data.feeds import FeedHub

            assert accounts is not None
            return SharedFeed(FeedHub(tasks), "mt5", lambda: Mt5Feed(accounts, SystemClock()))


def _replay(feed: FeedChoice) -> Callable[[], Feed]:
    from qkt.data import open_data
    from qkt.data.feeds import ReplayFeed, parse_speed

    if not feed.data:
        raise UsageError("a file feed needs files", where="feed.data", remedy="name them with --data or in qkt.toml")
    speed = parse_speed(feed.speed)
    open_data(feed.data)  # what cannot be read is said now
    return lambda: ReplayFeed(open_data(feed.data), speed=speed)


def _invented(feed: FeedChoice) -> Callable[[], Feed]:
    from qkt.data.feeds import parse_speed, synthetic_feed

    if not feed.symbols:
        raise UsageError("a synthetic feed needs symbols", where="feed.symbols", remedy="name them with --symbols")
    speed = parse_speed(feed.speed)
    return lambda: synthetic_feed(feed.symbols, feed.seed, days=feed.days, speed=speed)


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
