"""The face of the MetaTrader5 package over the simulated venue: its function names, its None and its `last_error`."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np

from qkt.brokers.mt5.constants import COMMENT, REQUEST_KEYS, AccountMode, Code, LastError, MarginMode
from qkt.brokers.mt5.server_time import ServerClock
from qkt.brokers.mt5.simulator.faults import Faults, ReadFault, SendFault
from qkt.brokers.mt5.simulator.terms import Answer, SimDeal, SimOrder, SimPosition, SimSymbol
from qkt.brokers.mt5.simulator.venue import Venue

V = TypeVar("V")
R = TypeVar("R")

TickTable = np.dtype(
    [
        ("time", "<i8"),
        ("bid", "<f8"),
        ("ask", "<f8"),
        ("last", "<f8"),
        ("volume", "<u8"),
        ("time_msc", "<i8"),
        ("flags", "<u4"),
        ("volume_real", "<f8"),
    ]
)
RateTable = np.dtype(
    [
        ("time", "<i8"),
        ("open", "<f8"),
        ("high", "<f8"),
        ("low", "<f8"),
        ("close", "<f8"),
        ("tick_volume", "<u8"),
        ("spread", "<i4"),
        ("real_volume", "<u8"),
    ]
)
OFFLINE_MS = 8_000
LATEST_MS = 4_000
QUOTE_FLAGS = 134
"""Bid and ask changed, and a higher bit as real feeds set it."""


def _struct(name: str, values: dict[str, Any]) -> Any:
    """A record as the package gives it: attributes, places, and `_asdict`."""
    kind = _KINDS.get(name)
    if kind is None:
        kind = _KINDS[name] = namedtuple(name, values)
    return kind(**values)


_KINDS: dict[str, Any] = {}


class SimulatedPackage:
    """Stands where the MetaTrader5 module would. `login` and `password` are those of the account; 0 takes any."""

    def __init__(
        self,
        venue: Venue,
        *,
        faults: Faults | None = None,
        clock: ServerClock | None = None,
        login: int = 0,
        password: str = "",
        server: str = "Simulated-Demo",
        mode: AccountMode = AccountMode.DEMO,
    ) -> None:
        self.venue = venue
        self.faults = faults or Faults()
        self.clock = clock or ServerClock()
        self.login_number = login or 1
        self.server = server
        self.mode = mode
        self.sends = 0
        self._login = login
        self._password = password
        self._open = False
        self._error = (int(LastError.OK), "Success")
        self._offline_until = 0
        # What the terminal remembers while it is offline, by list.
        self._remembered: dict[str, tuple[Any, ...]] = {}

    # -------------------------------------------------------------- connection

    def initialize(self, path: str | None = None, **settings: Any) -> bool:
        del path
        if self._login and settings.get("login", self._login) != self._login:
            return self._fail(LastError.AUTH_FAILED, "Authorization failed", False)
        if self._password and settings.get("password", self._password) != self._password:
            return self._fail(LastError.AUTH_FAILED, "Authorization failed", False)
        self._open = True
        return self._done(True)

    def shutdown(self) -> None:
        self._open = False

    def last_error(self) -> tuple[int, str]:
        return self._error

    def terminal_info(self) -> Any:
        if not self._ready():
            return None
        state = {
            "connected": not self._offline,
            "trade_allowed": True,
            "tradeapi_disabled": False,
            "build": 5000,
            "ping_last": 40_000,
            "name": "Simulated terminal",
            "company": "Simulator",
        }
        return self._done(_struct("TerminalInfo", state))

    def account_info(self) -> Any:
        if not self._readable():
            return None
        venue = self.venue
        equity, margin = venue.equity, venue.margin
        account = {
            "login": self.login_number,
            "server": self.server,
            "company": "Simulator",
            "currency": venue.currency,
            "trade_mode": int(self.mode),
            "margin_mode": int(MarginMode.RETAIL_HEDGING if venue.hedging else MarginMode.RETAIL_NETTING),
            "leverage": venue.leverage,
            "trade_allowed": venue.trading_allowed,
            "trade_expert": True,
            "limit_orders": 0,
            "fifo_close": False,
            "balance": float(venue.balance),
            "equity": float(equity),
            "profit": float(equity - venue.balance),
            "margin": float(margin),
            "margin_free": float(equity - margin),
        }
        return self._done(_struct("AccountInfo", account))

    # ----------------------------------------------------------------- symbols

    def symbols_get(self, group: str = "*") -> Any:
        if not self._readable():
            return None
        wanted = group.strip("*")
        return self._done(tuple(self._symbol(one) for name, one in self.venue.symbols.items() if wanted in name))

    def symbol_info(self, name: str) -> Any:
        if not self._readable():
            return None
        symbol = self.venue.symbols.get(name)
        return self._fail(LastError.NOT_FOUND, "Not found", None) if symbol is None else self._done(self._symbol(symbol))

    def symbol_select(self, name: str, enable: bool = True) -> bool:
        symbol = self.venue.symbols.get(name)
        if not self._ready() or symbol is None:
            return False
        symbol.shown = enable
        return self._done(True)

    def symbol_info_tick(self, name: str) -> Any:
        if not self._readable():
            return None
        symbol = self.venue.symbols.get(name)
        if symbol is None or symbol.bid is None or symbol.ask is None:
            return self._fail(LastError.NOT_FOUND, "Not found", None)
        at = self.clock.to_server(symbol.quoted_at)
        tick = {"time": at // 1000, "time_msc": at, "bid": float(symbol.bid), "ask": float(symbol.ask), "last": 0.0}
        return self._done(_struct("Tick", tick))

    def copy_ticks_from(self, name: str, date_from: int, count: int, flags: int) -> Any:
        del flags
        fault = self._readable_or_fault()
        if fault is None:
            return None
        symbol = self.venue.symbols.get(name)
        if symbol is None or not symbol.shown:
            return self._fail(LastError.NOT_FOUND, "Not found", None)
        rows: list[tuple[float, ...]] = []
        for ts, bid, ask in self.venue.ticks[name]:
            at = self.clock.to_server(ts)
            if at >= date_from * 1000 and len(rows) < count:
                rows.append((at // 1000, float(bid), float(ask), 0.0, 0, at, QUOTE_FLAGS, 0.0))
        if fault is ReadFault.TWICE:
            rows = [row for row in rows for _ in (0, 1)][:count]
        return self._done(np.array(rows, dtype=TickTable))

    def copy_rates_range(self, name: str, timeframe: int, date_from: int, date_to: int) -> Any:
        if not self._readable():
            return None
        symbol = self.venue.symbols.get(name)
        if symbol is None:
            return self._fail(LastError.NOT_FOUND, "Not found", None)
        length = timeframe * 60 if timeframe < 0x4000 else (timeframe & 0xFF) * 3600
        bars: dict[int, list[float]] = {}
        for ts, bid, ask in self.venue.ticks[name]:
            start = self.clock.to_server(ts) // 1000 // length * length
            price = float(bid)
            bar = bars.setdefault(start, [price, price, price, price, 0, round((ask - bid) / symbol.point)])
            bar[1], bar[2], bar[3], bar[4] = max(bar[1], price), min(bar[2], price), price, bar[4] + 1
        rows = [(start, *bar, 0) for start, bar in sorted(bars.items()) if date_from <= start <= date_to]
        return self._done(np.array(rows, dtype=RateTable))

    def _symbol(self, one: SimSymbol) -> Any:
        values = {
            "name": one.name,
            "path": f"Simulated\\{one.name}",
            "select": one.shown,
            "visible": one.shown,
            "digits": one.digits,
            "point": float(one.point),
            "trade_calc_mode": 0,
            "trade_mode": int(one.trade_mode),
            "trade_exemode": int(one.execution),
            "filling_mode": one.filling_mode,
            "order_mode": one.order_mode,
            "expiration_mode": one.expiration_mode,
            "trade_stops_level": one.stops_level,
            "trade_freeze_level": one.freeze_level,
            "trade_contract_size": float(one.contract_size),
            "trade_tick_size": float(one.tick_size or one.point),
            "volume_min": float(one.volume_min),
            "volume_max": float(one.volume_max),
            "volume_step": float(one.volume_step),
            "volume_limit": float(one.volume_limit),
            "currency_base": one.base,
            "currency_profit": one.profit,
            "swap_mode": 0,
            "swap_long": 0.0,
            "swap_short": 0.0,
            "swap_rollover3days": 3,
        }
        return _struct("SymbolInfo", values)

    # ------------------------------------------------- orders, positions, deals

    def orders_get(self) -> Any:
        return self._listed("orders", lambda: [self._order(one) for one in self._seen(self.venue.orders.values())])

    def positions_get(self) -> Any:
        return self._listed("positions", lambda: [self._position(one) for one in self._seen(self.venue.positions.values())])

    def history_orders_get(self, date_from: int, date_to: int) -> Any:
        def found() -> list[Any]:
            rows = _since(self.venue.history, lambda one: self.clock.to_server(one.done), date_from * 1000)
            return [self._order(one) for one in self._seen(rows) if self._within(one.done, date_from, date_to)]

        return self._listed("history", found)

    def history_deals_get(self, date_from: int, date_to: int) -> Any:
        def found() -> list[Any]:
            rows = _since(self.venue.deals, lambda one: self.clock.to_server(one.time), date_from * 1000)
            return [self._deal(one) for one in self._seen(rows) if self._within(one.time, date_from, date_to)]

        return self._listed("deals", found)

    def order_check(self, request: dict[str, Any]) -> Any:
        if not self._readable() or not self._well_formed(request):
            return None
        venue = self.venue
        values = {"retcode": 0, "margin": float(venue.margin), "margin_free": float(venue.equity), "comment": "Done"}
        return self._done(_struct("OrderCheckResult", values))

    def order_send(self, request: dict[str, Any]) -> Any:
        if not self._ready() or not self._well_formed(request):
            return None
        if self._offline:
            return self._answered(Answer(Code.CONNECTION))
        self.sends += 1
        fault = self.faults.for_send()
        self.venue.delay = self.faults.unseen_for()
        try:
            return self._carried_out(request, fault)
        finally:
            self.venue.delay, self.venue.take = 0, Decimal(1)

    def _carried_out(self, request: dict[str, Any], fault: SendFault | None) -> Any:
        refusal = REFUSALS.get(fault) if fault is not None else None
        if refusal is not None:
            return self._answered(Answer(refusal))
        if fault in (SendFault.LOST_AFTER, SendFault.TIMEOUT_AFTER, SendFault.ERROR):
            self.venue.execute(request)
        elif fault in (SendFault.LOST_LATE, SendFault.TIMEOUT_LATE):
            self.venue.later(request, self.faults.random.randint(1, LATEST_MS))
        elif fault is SendFault.PARTIAL:
            self.venue.take = Decimal("0.5")
        if fault in (SendFault.LOST_BEFORE, SendFault.LOST_AFTER, SendFault.LOST_LATE):
            return self._fail(LastError.TIMEOUT, "IPC timeout", None)
        if fault in (SendFault.TIMEOUT_BEFORE, SendFault.TIMEOUT_AFTER, SendFault.TIMEOUT_LATE):
            return self._answered(Answer(Code.TIMEOUT))
        if fault is SendFault.ERROR:
            return self._answered(Answer(Code.ERROR))
        answer = self.venue.execute(request)
        if fault is SendFault.PLACED and answer.code in (Code.DONE, Code.DONE_PARTIAL):
            answer = Answer(Code.PLACED, order=answer.order)
        return self._answered(answer)

    # ----------------------------------------------------------------- records

    def _order(self, one: SimOrder) -> Any:
        values = {
            "ticket": one.ticket,
            "time_setup_msc": self.clock.to_server(one.time),
            "time_done_msc": self.clock.to_server(one.done) if one.done else 0,
            "time_expiration": self.clock.to_server(one.expires) // 1000 if one.expires else 0,
            "type": int(one.type),
            "type_time": int(one.lifetime),
            "type_filling": int(one.filling),
            "state": int(one.state),
            "magic": one.magic,
            "position_id": one.position,
            "reason": int(one.reason),
            "volume_initial": float(one.volume),
            "volume_current": float(one.left),
            "price_open": float(one.price),
            "sl": float(one.sl),
            "tp": float(one.tp),
            "price_stoplimit": float(one.stoplimit),
            "symbol": one.symbol,
            "comment": one.comment,
        }
        return _struct("TradeOrder", values)

    def _position(self, one: SimPosition) -> Any:
        values = {
            "ticket": one.ticket,
            "time_msc": self.clock.to_server(one.time),
            "type": 0 if one.side > 0 else 1,
            "magic": one.magic,
            "identifier": one.ticket,
            "reason": 3,
            "volume": float(one.volume),
            "price_open": float(one.price),
            "sl": float(one.sl),
            "tp": float(one.tp),
            "price_current": float(self.venue.closing_price(one)),
            "swap": float(one.swap),
            "profit": float(self.venue.profit(one)),
            "symbol": one.symbol,
            "comment": one.comment,
        }
        return _struct("TradePosition", values)

    def _deal(self, one: SimDeal) -> Any:
        values = {
            "ticket": one.ticket,
            "order": one.order,
            "time_msc": self.clock.to_server(one.time),
            "type": 0 if one.side > 0 else 1,
            "entry": int(one.entry),
            "magic": one.magic,
            "position_id": one.position,
            "reason": int(one.reason),
            "volume": float(one.volume),
            "price": float(one.price),
            "commission": float(one.commission),
            "swap": float(one.swap),
            "profit": float(one.profit),
            "fee": 0.0,
            "symbol": one.symbol,
            "comment": one.comment,
        }
        return _struct("TradeDeal", values)

    def _answered(self, answer: Answer) -> Any:
        values = {
            "retcode": int(answer.code),
            "deal": answer.deal,
            "order": answer.order,
            "volume": float(answer.volume),
            "price": float(answer.price),
            "bid": 0.0,
            "ask": 0.0,
            "comment": answer.text,
            "request_id": self.sends,
        }
        return self._done(_struct("OrderSendResult", values))

    # -------------------------------------------------------------- conditions

    @property
    def _offline(self) -> bool:
        return self.venue.now < self._offline_until

    def cut(self, ms: int = OFFLINE_MS) -> None:
        """The terminal loses its broker for some time; it answers from what it has seen last."""
        for name, read in (
            ("orders", self.orders_get),
            ("positions", self.positions_get),
            ("history", lambda: self.history_orders_get(0, 1 << 40)),
            ("deals", lambda: self.history_deals_get(0, 1 << 40)),
        ):
            self._remembered[name] = read() or ()
        self._offline_until = self.venue.now + ms

    def _listed(self, name: str, found: Callable[[], list[Any]]) -> Any:
        fault = self._readable_or_fault()
        if fault is None:
            return None
        if self._offline:
            return self._done(self._remembered.get(name, ()))
        rows = found()
        if fault is ReadFault.FLICKER and name in ("orders", "positions"):
            rows = []
        elif fault is ReadFault.TWICE and name in ("deals", "history"):
            rows = [*rows, *rows]
            self.faults.random.shuffle(rows)
        return self._done(tuple(rows))

    def _readable(self) -> bool:
        return self._readable_or_fault() is not None

    def _readable_or_fault(self) -> ReadFault | str | None:
        """None for a read that fails; otherwise what else is wrong with it, empty for nothing."""
        if not self._ready():
            return None
        fault = self.faults.for_read()
        if fault is ReadFault.NONE:
            return self._fail(LastError.FAIL, "Fail", None)
        if fault is ReadFault.LINK:
            self._open = False
            return self._fail(LastError.RECEIVE_FAILED, "IPC recv failed", None)
        if fault is ReadFault.OFFLINE and not self._offline:
            chances, self.faults = self.faults, Faults()
            try:
                self.cut()
            finally:
                self.faults = chances
        return fault or ""

    def _ready(self) -> bool:
        return self._open or self._fail(LastError.NO_CONNECTION, "No IPC connection", False)

    def _well_formed(self, request: Any) -> bool:
        fits = isinstance(request, dict) and all(
            key in REQUEST_KEYS and type(value) is REQUEST_KEYS[key] for key, value in request.items()
        )
        if not fits or len(request.get("comment", "")) > COMMENT:
            return self._fail(LastError.INVALID_PARAMS, "Invalid arguments", False)
        return True

    def _seen(self, rows: Iterable[Any]) -> Sequence[Any]:
        return [row for row in rows if row.visible <= self.venue.now]

    def _within(self, ts: int, start: int, end: int) -> bool:
        return start * 1000 <= self.clock.to_server(ts) <= end * 1000

    def _done(self, value: V) -> V:
        self._error = (int(LastError.OK), "Success")
        return value

    def _fail(self, code: LastError, text: str, value: V) -> V:
        self._error = (int(code), text)
        return value


def _since(rows: Sequence[R], at: Callable[[R], int], start: int) -> list[R]:
    """The rows from a time on; they stand in the order of time."""
    found: list[R] = []
    for row in reversed(rows):
        if at(row) < start:
            break
        found.append(row)
    return found[::-1]


REFUSALS = {
    SendFault.REQUOTE: Code.REQUOTE,
    SendFault.PRICE_OFF: Code.PRICE_OFF,
    SendFault.REJECT: Code.REJECT,
    SendFault.NO_MONEY: Code.NO_MONEY,
    SendFault.BUSY: Code.TOO_MANY_REQUESTS,
    SendFault.LOCKED: Code.LOCKED,
}
