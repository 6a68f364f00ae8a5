"""What the conditions of a portfolio see: its streams and the clock. Of positions and money there is nothing to see."""

from __future__ import annotations

from collections.abc import Sequence

from qkt.brokers import QuoteBoard
from qkt.core.bus import Scope
from qkt.core.events import LogLine
from qkt.core.instruments import Instrument, InstrumentRegistry
from qkt.strategy import LegSize, Signal


class NoPosition:
    """Implements `PositionView` for somebody who holds nothing."""

    quantity = unrealized_pnl = holding_duration = mfe = mae = gross = 0.0
    entry_price: float | None = None
    count = longs = shorts = trades_today = 0
    last_trade_at: int | None = None


class NoAccount:
    """Implements `AccountView` for somebody who has nothing."""

    equity = balance = realized_pnl = unrealized_pnl = total_pnl = dd_pct = equity_peak = banked = 0.0
    open_positions_count = win_streak = loss_streak = 0
    trades_today = wins_today = losses_today = entries_today = cooldown_remaining = 0
    last_trade_at: int | None = None
    last_trade_pnl: float | None = None


class GateContext:
    """Implements `qkt.strategy.Context` for the gates."""

    server_zone: str | None = None
    book: float | None = None

    def __init__(self, scope: Scope, portfolio: str, instruments: InstrumentRegistry, board: QuoteBoard) -> None:
        self._scope = scope
        self._instruments = instruments
        self._board = board
        self.strategy = portfolio
        self.time = 0
        self.account = NoAccount()

    def position(self, symbol: str) -> NoPosition:  # noqa: ARG002
        return NoPosition()

    def open_orders(self, symbol: str) -> int:  # noqa: ARG002
        return 0

    def open_symbols(self) -> Sequence[str]:
        return ()

    def legs(self, symbol: str) -> tuple[LegSize, ...]:  # noqa: ARG002
        return ()

    def instrument(self, symbol: str) -> Instrument:
        return self._instruments.resolve(symbol)

    def fx(self, symbol: str) -> float:  # noqa: ARG002
        return 1.0

    def last(self, symbol: str) -> float | None:
        return self._board.last(symbol)

    def fire(self, rule: int | None, signals: Sequence[Signal], suppressed: int = 0) -> bool:  # noqa: ARG002
        """Conditions send nothing."""
        return True

    def log(self, level: str, text: str) -> None:
        self._scope.publish(LogLine(self.strategy, level, text))
