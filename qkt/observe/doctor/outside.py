"""Who an engine speaks to: feeds, venues, those who are told."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from qkt.config import Config
from qkt.core.clock import SystemClock
from qkt.core.errors import QktError
from qkt.observe.channel import open_channels
from qkt.observe.doctor.finding import Finding, fail, ok, warn

if TYPE_CHECKING:
    from qkt.brokers.mt5.profile import Profile

TIMEOUT = 5.0


def feed(config: Config) -> Iterator[Finding]:
    """Whether the feed's files are there, or its server answers."""
    settings = config.feed
    match settings.source:
        case "file":
            from qkt.data import open_data

            if not settings.data:
                yield fail("feed", "a file feed without files", "name them with --data, or as data under [feed]")
                return
            try:
                open_data(settings.data)
            except QktError as problem:
                yield fail("feed", str(problem), "correct data under [feed]")
            else:
                yield ok("feed", f"replays {', '.join(settings.data)}")
        case "synthetic":
            if settings.symbols:
                yield ok("feed", f"invents {', '.join(settings.symbols)}")
            else:
                yield fail("feed", "an invented feed without symbols", "name them with --symbols, or as symbols under [feed]")
        case "mt5":
            yield ok("feed", "ticks of the accounts under [mt5]")
        case "tradingview":
            from qkt.data.feeds.tradingview import TradingViewSettings

            yield from _answers("feed", settings.url or TradingViewSettings().url)


def brokers(config: Config) -> Iterator[Finding]:
    """Where orders go, and whether the accounts that the configuration knows are what they must be. No order is sent."""
    used = config.broker == "mt5" or config.feed.source == "mt5"
    if config.broker != "mt5":
        yield ok("broker", f"paper, {config.account.balance:f} {config.account.currency} for each session; no orders leave")
    profiles = config.profiles()
    if used and not profiles:
        yield fail("broker", "no MetaTrader 5 account is configured", "write [mt5.NAME] into qkt.toml, as docs/mt5.md shows")
    for profile in profiles.values():
        yield from _account(profile, fail if used else warn)


def _account(profile: Profile, bad: Callable[[str, str, str], Finding]) -> Iterator[Finding]:
    from qkt.brokers.mt5.checks import check_profile
    from qkt.brokers.mt5.native import MISSING, installed

    where = f"mt5.{profile.name}"
    if profile.gateway_url is None and not installed():
        yield bad("broker", f"{where}: {MISSING.partition(';')[0]}", MISSING.partition("; ")[2])
        return
    terminal = profile.terminal()
    try:
        for found in check_profile(profile, terminal, [], SystemClock().now()):
            text = f"{where}: {found.what} {found.found}"
            if found.wrong:
                yield bad("broker", f"{text}: {found.wrong}", f"mend it, then qkt brokers check {profile.name}")
            else:
                yield ok("broker", text)
    finally:
        terminal.shutdown()


def alerts(config: Config) -> Iterator[Finding]:
    """Whether anybody is told when something happens."""
    channels = config.alerts.channels
    if not channels:
        yield warn("alerts", "nobody is told of anything", "set up a channel, as docs/operations.md shows")
        return
    try:
        open_channels(channels)
    except QktError as problem:
        yield fail("alerts", str(problem), problem.remedy or "correct it in qkt.toml")
    else:
        yield ok("alerts", f"{', '.join(channels)} can be sent to; qkt alerts test tries them")


def heartbeat(config: Config) -> Iterator[Finding]:
    """Whether anybody would notice that this machine is gone."""
    settings = config.observe
    if settings.heartbeat_url is None and settings.heartbeat_file is None:
        yield warn("heartbeat", "nobody would notice that this machine is gone", "set heartbeat_url under [observe]")
    elif settings.heartbeat_file is not None and not settings.heartbeat_file.parent.is_dir():
        yield fail("heartbeat", f"no folder {settings.heartbeat_file.parent}", "make it, or correct heartbeat_file")
    elif settings.heartbeat_url is not None:
        yield from _answers("heartbeat", settings.heartbeat_url.get_secret_value())
    else:
        yield ok("heartbeat", f"in {settings.heartbeat_file}, every {settings.heartbeat_seconds} s")


def _answers(check: str, url: str) -> Iterator[Finding]:
    """Whether a server takes connections, with a certificate that holds."""
    parts = urlsplit(url)
    secure = parts.scheme in ("https", "wss")
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    try:
        with socket.create_connection((host, port), TIMEOUT) as plain:
            if secure:
                with ssl.create_default_context().wrap_socket(plain, server_hostname=host):
                    pass
    except ssl.SSLError as problem:
        yield fail(
            check, f"{host} shows a certificate that does not hold ({problem.reason})", "check the clock and the way there"
        )
    except OSError as problem:
        yield fail(check, f"{host}:{port} does not answer ({problem})", "check the network, a firewall, the name")
    else:
        yield ok(check, f"{host}:{port} answers")
