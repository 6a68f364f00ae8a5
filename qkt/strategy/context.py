"""The read-only world of a strategy. Numbers are float64, money in account currency, time in epoch ms UTC."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, Protocol

from qkt.core.instruments import Instrument
from qkt.core.terms import LegRole, Side

if TYPE_CHECKING:
    from qkt.strategy.signals import Signal


class LegSize(NamedTuple):
    """One open leg of the strategy: its id, its side, its size in lots, its role."""

    leg_id: int
    side: Side
    quantity: Decimal
    role: LegRole = LegRole.PRIMARY


class PositionView(Protocol):
    """The strategy's own position on one symbol, always current. All legs count, not only the primary one."""

    @property
    def quantity(self) -> float:
        """Signed net lots, 0.0 when flat."""
        ...

    @property
    def entry_price(self) -> float | None:
        """Volume-weighted entry of the legs on the net side, None when flat."""
        ...

    @property
    def unrealized_pnl(self) -> float: ...

    @property
    def holding_duration(self) -> float:
        """Seconds since the oldest open leg opened, 0.0 when flat."""
        ...

    @property
    def mfe(self) -> float:
        """Greatest favourable move of the primary leg since it opened, in price units, 0.0 without one."""
        ...

    @property
    def mae(self) -> float:
        """Greatest adverse move, as a positive number."""
        ...

    @property
    def count(self) -> int: ...

    @property
    def longs(self) -> int: ...

    @property
    def shorts(self) -> int: ...

    @property
    def gross(self) -> float: ...

    @property
    def trades_today(self) -> int:
        """Outcomes (fills with a net result) on this symbol since the day of the evaluation time began."""
        ...

    @property
    def last_trade_at(self) -> int | None: ...


class AccountView(Protocol):
    """The strategy's account. An outcome is a reducing fill whose net result is not zero; the last 64 are kept."""

    @property
    def equity(self) -> float: ...

    @property
    def balance(self) -> float: ...

    @property
    def realized_pnl(self) -> float: ...

    @property
    def unrealized_pnl(self) -> float: ...

    @property
    def total_pnl(self) -> float: ...

    @property
    def dd_pct(self) -> float:
        """Drawdown from the equity peak in percent."""
        ...

    @property
    def equity_peak(self) -> float: ...

    @property
    def open_positions_count(self) -> int: ...

    @property
    def last_trade_at(self) -> int | None: ...

    @property
    def last_trade_pnl(self) -> float | None: ...

    @property
    def win_streak(self) -> int: ...

    @property
    def loss_streak(self) -> int: ...

    @property
    def banked(self) -> float:
        """Sum of the current winning streak, 0.0 after a loss."""
        ...

    @property
    def trades_today(self) -> int:
        """Outcomes since the day began: at midnight UTC unless `[risk]` says otherwise."""
        ...

    @property
    def wins_today(self) -> int: ...

    @property
    def losses_today(self) -> int: ...

    @property
    def entries_today(self) -> int:
        """Fills that grew a position since the day began."""
        ...

    @property
    def cooldown_remaining(self) -> int:
        """Whole seconds left of an after-loss cooldown, else 0."""
        ...


class Context(Protocol):
    """What a strategy may see and do."""

    @property
    def strategy(self) -> str: ...

    @property
    def time(self) -> int:
        """Evaluation time: a candle's end, a tick's or a fill's time, a schedule's instant."""
        ...

    @time.setter
    def time(self, value: int) -> None:
        """Set by who evaluates at an instant of its own, as a schedule does."""
        ...

    @property
    def server_zone(self) -> str | None:
        """The time zone of the account's server (IANA name), None where no account has one."""
        ...

    @property
    def account(self) -> AccountView: ...

    @property
    def book(self) -> float | None:
        """The portfolio's capital plus the realized profit of all its children, None outside a portfolio with CAPITAL."""
        ...

    def position(self, symbol: str) -> PositionView:
        """The view of one symbol. It stays valid and current: keep it."""
        ...

    def open_orders(self, symbol: str) -> int:
        """Live entry orders of this strategy on the symbol."""
        ...

    def open_symbols(self) -> Sequence[str]:
        """Symbols with open legs, sorted."""
        ...

    def legs(self, symbol: str) -> tuple[LegSize, ...]:
        """Open legs on the symbol as of now, oldest first."""
        ...

    def instrument(self, symbol: str) -> Instrument: ...

    def fx(self, symbol: str) -> float:
        """Account currency per unit of the symbol's quote currency. Raises StrategyError without a conversion path."""
        ...

    def last(self, symbol: str) -> float | None:
        """The market's latest price (trade or middle of the quote) as of now, None before the first."""
        ...

    def fire(self, rule: int | None, signals: Sequence[Signal], suppressed: int = 0) -> bool:
        """Send a firing's signals left to right.

        `suppressed` counts actions that were dropped before (a size that is not positive or not defined). Returns False
        when nothing of the firing got through or the broker refused an order at once, so that the rule stays armed.
        """
        ...

    def log(self, level: str, text: str) -> None:
        """Write a line to the strategy's log: DEBUG, INFO, WARN or ERROR."""
        ...
