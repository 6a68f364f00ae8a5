"""What an engine is made of, as the configuration asks for it: accounts, terms, history and a market."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from qkt.core.errors import UsageError
from qkt.core.timeframe import MINUTE_MS

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from qkt.config import Config
    from qkt.config import Feed as FeedChoice
    from qkt.core.events import Tick
    from qkt.data.feeds import Feed
    from qkt.data.feeds.tradingview import TradingViewSettings
    from qkt.runtime.launch import History
    from qkt.runtime.markets import Market
    from qkt.runtime.setup import Terms
    from qkt.runtime.venues import Mt5Accounts
    from qkt.strategy import StreamSpec


def open_accounts(config: Config) -> Mt5Accounts | None:
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


def terms_of(config: Config) -> Terms:
    """What sessions start from where nobody says otherwise."""
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


def history_of(feed: FeedChoice, accounts: Mt5Accounts | None) -> History | None:
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
