"""The account behind a terminal: whether it is the one that was meant, what its symbols are, and that it may be traded."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from qkt.brokers.mt5.constants import AccountMode, LastError, MarginMode
from qkt.brokers.mt5.records import Account, Symbol
from qkt.brokers.mt5.terminal import Terminal, TerminalError
from qkt.core.errors import QktError
from qkt.core.instruments import Instrument


class AccountError(QktError):
    """An account that is not the one that was meant, or that cannot be traded."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the account must be; None for whatever it is."""

    login: int | None = None
    server: str | None = None
    mode: str | None = None
    currency: str | None = None
    leverage: int | None = None


def check_account(profile: str, account: Account, expected: Expected) -> None:
    """Raises AccountError naming the first thing that is not as expected."""
    mode = AccountMode(account.trade_mode).name.lower()
    pairs = (
        ("login", account.login, expected.login),
        ("server", account.server, expected.server),
        ("mode", mode, expected.mode),
        ("currency", account.currency, expected.currency),
        ("leverage", account.leverage, expected.leverage),
    )
    for name, has, wanted in pairs:
        if wanted is not None and has != wanted:
            raise AccountError(
                f"the terminal's account has {name} {has}",
                where=f"mt5.{profile}",
                expected=str(wanted),
                remedy="log the terminal in to the right account, or mend the profile",
            )


def tradable(account: Account) -> str | None:
    """Why programs may not trade on the account, None when they may."""
    if not account.trade_allowed:
        return "trading is not allowed on this account (an investor's password only reads)"
    if not account.trade_expert:
        return "the broker does not allow programs to trade on this account"
    return None


def hedging(account: Account) -> bool:
    return account.margin_mode == MarginMode.RETAIL_HEDGING


class AccountTerms:
    """Terms of the symbols of one account, read once each."""

    def __init__(self) -> None:
        self._symbols: dict[str, Symbol] = {}

    def symbol(self, terminal: Terminal, name: str) -> Symbol:
        """The symbol, shown in the terminal. Raises TerminalError for one that the broker does not have."""
        known = self._symbols.get(name)
        if known is not None:
            return known
        terminal.symbol_select(name)
        found = terminal.symbol_info(name)
        if found is None:
            raise TerminalError(LastError.NOT_FOUND, f"the broker has no symbol {name}")
        self._symbols[name] = found
        return found

    def forget(self) -> None:
        """Read everything again, as after the terminal was opened anew."""
        self._symbols.clear()


def instrument(symbol: str, terms: Symbol) -> Instrument:
    """The instrument of a market id as the broker has it. Commission and swap are left out: deals bring them."""
    return Instrument(
        symbol=symbol,
        contract_size=_number(terms.trade_contract_size),
        digits=terms.digits,
        point_size=Decimal(1).scaleb(-terms.digits),
        volume_min=_number(terms.volume_min),
        volume_step=_number(terms.volume_step),
        volume_max=_number(terms.volume_max) if terms.volume_max else None,
        stops_level_points=terms.trade_stops_level,
        quote_currency=terms.currency_profit,
        swap_triple_day=None,
    )


def _number(value: float) -> Decimal:
    """The decimal that a double was written as; 100000.0 is 100000."""
    number = Decimal(repr(value))
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()
