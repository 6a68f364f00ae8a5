"""Rules that only real venues need: margin, a measured beginning, and data that can be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from qkt.core.bus import Scope
from qkt.core.events import LogLine, MarginRead
from qkt.core.timeframe import HOUR_MS
from qkt.orders import Order
from qkt.risk.halt_rules import short
from qkt.risk.limits import VenueLimits

READS_TO_FAIL, BLIND_MS = 3, 15_000


class VenueRules:
    """What is known of the venue: its last margin level, when the session last started, and symbols whose data is not sound
    with the reason. `bind` is False on paper and in back-tests, where none of it holds."""

    def __init__(self, scope: Scope, limits: VenueLimits, *, bind: bool) -> None:
        self._limits = limits
        self.bind = bind
        self.margin_level: Decimal | None = None
        self.started_at: int | None = None
        self.unsound: dict[str, str] = {}
        self._failed_reads = 0
        self._read_at = 0
        self._blind = False
        self._scope = scope
        scope.subscribe(MarginRead, self._on_margin)

    def _on_margin(self, event: MarginRead) -> None:
        if event.level is not None:
            self._failed_reads, self._read_at, self.margin_level = 0, event.at, event.level
            if self._blind:
                self._scope.publish(LogLine("", "INFO", "the account can be read again"))
            self._blind = False
            return
        self._failed_reads += 1
        if not self._blind and self._failed_reads >= READS_TO_FAIL and event.at - self._read_at >= BLIND_MS:
            self._blind = True
            text = f"the account could not be read {self._failed_reads} times in a row: its equity goes on by the books"
            self._scope.publish(LogLine("", "ERROR", text))

    def of_account(self) -> Iterator[str]:
        """Why the account may take no entry. A level of zero is one of an account without positions."""
        floor = self._limits.margin_floor_pct
        if not self.bind or not floor:
            return
        if self._failed_reads >= READS_TO_FAIL:
            yield f"the margin level could not be read {self._failed_reads} times in a row"
        elif self.margin_level and self.margin_level < floor:
            yield f"margin level {short(self.margin_level)} % is below the floor of {short(floor)} %"

    def of_size(self, order: Order, now: int) -> Iterator[str]:
        """Why an entry is too large for a session that has just started."""
        cap, hours = self._limits.measured_usage_max_qty, self._limits.measured_usage_hours
        if not self.bind or not cap or not hours or self.started_at is None:
            return
        if order.quantity > cap and now < self.started_at + hours * HOUR_MS:
            yield f"order quantity {short(order.quantity)} exceeds {short(cap)}, the cap of the first {short(hours)} hours"

    def of_data(self, symbols: Iterable[str]) -> Iterator[str]:
        """Why the prices of a symbol cannot be traded on."""
        if self.bind:
            for symbol in symbols:
                if symbol in self.unsound:
                    yield f"the market data of {symbol} is {self.unsound[symbol]}"
