"""What a person asks before an account is trusted: is it the right one, may it be traded, does its clock agree, are its terms
those that the configuration has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qkt.brokers.mt5.account import AccountTerms, check_account, hedging, instrument, tradable
from qkt.brokers.mt5.constants import AccountMode
from qkt.brokers.mt5.profile import Profile
from qkt.brokers.mt5.terminal import Terminal, TerminalError
from qkt.core.errors import QktError
from qkt.core.instruments import Instrument

AHEAD_MS = 60_000
FIELDS = ("contract_size", "digits", "point_size", "volume_min", "volume_step", "volume_max", "quote_currency")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what is wrong with it, empty for nothing."""

    what: str
    found: str
    wrong: str = ""


def check_profile(profile: Profile, terminal: Terminal, symbols: Sequence[str], now: int) -> Iterator[Finding]:
    """Open an account and look at all that must hold before it is traded on. Sends no order. `now` is epoch ms UTC."""
    try:
        terminal.initialize()
        state, account = terminal.terminal_info(), terminal.account_info()
    except TerminalError as problem:
        yield Finding("terminal", profile.way, problem.text)
        return
    yield Finding(
        "terminal", f"{state.name}, build {state.build}", "" if state.connected else "it has no connection to its broker"
    )
    mode = AccountMode(account.trade_mode).name.lower()
    kind = "hedging" if hedging(account) else "netting"
    told = f"{account.login} at {account.server}, {mode}, {kind}, {account.currency}, 1:{account.leverage}"
    try:
        check_account(profile.name, account, profile.expected)
        wrong = tradable(account) or ""
    except QktError as problem:
        wrong = str(problem)
    if not wrong and (state.tradeapi_disabled or not state.trade_allowed):
        wrong = "the terminal does not let programs trade: switch Algo Trading on, and the external Python API"
    yield Finding("account", told, wrong)
    terms, names = AccountTerms(), profile.names()
    for symbol in symbols:
        name = names.theirs(symbol)
        try:
            found = terms.symbol(terminal, name)
            tick = terminal.symbol_info_tick(name)
        except TerminalError as problem:
            yield Finding(symbol, name, problem.text)
            continue
        late = "no quote yet" if tick is None else ""
        if tick is not None:
            age = now - profile.clock.to_utc(tick.time_msc)
            late = f"its last quote is {-age / 3_600_000:.1f} hours ahead: set server_time_zone" if age < -AHEAD_MS else ""
        lots = f"{name}, {found.digits} digits, {found.volume_min} to {found.volume_max} lots by {found.volume_step}"
        yield Finding(symbol, lots, late)


def compared(configured: Instrument, terminal: Terminal, name: str) -> list[tuple[str, str, str]]:
    """Fields of an instrument that the venue has otherwise: field, configured, venue. Raises TerminalError."""
    venue = instrument(configured.symbol, AccountTerms().symbol(terminal, name))
    rows = [(field, getattr(configured, field), getattr(venue, field)) for field in FIELDS]
    return [(field, str(ours), str(theirs)) for field, ours, theirs in rows if ours is not None and ours != theirs]
