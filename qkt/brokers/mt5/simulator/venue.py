"""The simulated trade server: an account, its orders and positions, and a market that is driven quote by quote."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from qkt.brokers.mt5.constants import Entry, OrderType, Reason, State
from qkt.brokers.mt5.simulator.rules import BUYS, Refused, Rules
from qkt.brokers.mt5.simulator.terms import Answer, SimDeal, SimOrder, SimPosition, SimSymbol
from qkt.core.numbers import ZERO, floor_to, q8

LIMITS = (OrderType.BUY_LIMIT, OrderType.SELL_LIMIT)
STOP_LIMITS = (OrderType.BUY_STOP_LIMIT, OrderType.SELL_STOP_LIMIT)
CENT = Decimal("0.01")
WHOLE = Decimal(1)


class Venue:
    """One account. Times are epoch ms UTC here; the package's face puts them on the server's clock.

    `take` is the part of an order's volume that the market gives when it is hit, `delay` how long what is executed stays
    unseen by reads (ms); both are for whoever injects faults. `version` grows with every deal and every order that ends.
    `stop_out` is the margin level (percent) at which positions are closed.
    """

    def __init__(
        self,
        symbols: Iterable[SimSymbol],
        *,
        hedging: bool = True,
        balance: Decimal = Decimal(10_000),
        currency: str = "USD",
        leverage: int = 100,
        money_step: Decimal = CENT,
        comment_length: int = 31,
        stop_out: Decimal = Decimal(20),
    ) -> None:
        self.symbols = {symbol.name: symbol for symbol in symbols}
        self.hedging = hedging
        self.balance = balance
        self.currency = currency
        self.leverage = leverage
        self.comment_length = comment_length
        self.stop_out = stop_out
        self.trading_allowed = True
        self.now = 0
        self.take = WHOLE
        self.delay = 0
        self.positions: dict[int, SimPosition] = {}
        self.orders: dict[int, SimOrder] = {}
        self.history: list[SimOrder] = []
        self.deals: list[SimDeal] = []
        self.ticks: dict[str, list[tuple[int, Decimal, Decimal]]] = {name: [] for name in self.symbols}
        self._money_step = money_step
        self._ticket = 1000
        self.version = 0
        self._rules = Rules(self)
        # Requests that arrive later, with the time.
        self._under_way: list[tuple[int, dict[str, Any]]] = []

    # ------------------------------------------------------------------ market

    def quote(self, name: str, ts: int, bid: Decimal, ask: Decimal) -> None:
        """A new quote: what it triggers is executed."""
        self.advance(ts)
        symbol = self.symbols[name]
        symbol.bid, symbol.ask, symbol.quoted_at = bid, ask, ts
        self.ticks[name].append((ts, bid, ask))
        if symbol.open:
            self._protect(symbol)
            self._trigger(symbol)
            self._stop_out()

    def advance(self, ts: int) -> None:
        """Let time pass to `ts`: late requests arrive, orders expire."""
        arrived = [one for one in self._under_way if one[0] <= ts]
        self._under_way = [one for one in self._under_way if one[0] > ts]
        for due, request in arrived:
            self.now = max(self.now, due)
            self.execute(request)
        self.now = max(self.now, ts)
        for order in [one for one in self.orders.values() if one.expires and one.expires <= self.now]:
            self.end(order, State.EXPIRED)

    def accrue(self, name: str, amount: Decimal) -> None:
        """Add financing to every position of a symbol: account currency a lot."""
        for position in self.positions.values():
            if position.symbol == name:
                position.swap += (amount * position.volume).quantize(self._money_step)

    def _protect(self, symbol: SimSymbol) -> None:
        assert symbol.bid is not None
        assert symbol.ask is not None
        for position in [one for one in self.positions.values() if one.symbol == symbol.name]:
            price = symbol.bid if position.side > 0 else symbol.ask
            if position.sl and (position.sl - price) * position.side >= 0:
                self._close_by_level(position, price, Reason.SL, f"[sl {position.sl}]")
            elif position.tp and (price - position.tp) * position.side >= 0:
                self._close_by_level(position, price, Reason.TP, f"[tp {position.tp}]")

    def _close_by_level(self, position: SimPosition, price: Decimal, reason: Reason, comment: str) -> None:
        kind = OrderType.SELL if position.side > 0 else OrderType.BUY
        order = self.new_order(position.symbol, kind, position.volume, price, position.magic, comment)
        order.position, order.reason = position.ticket, reason
        order.left = ZERO
        self.reduce(position, order, position.volume, price)
        self.end(order, State.FILLED)

    def _trigger(self, symbol: SimSymbol) -> None:
        for order in [one for one in self.orders.values() if one.symbol == symbol.name]:
            buys = order.type in BUYS
            price = symbol.ask if buys else symbol.bid
            assert price is not None
            if order.type in STOP_LIMITS and (price - order.price if buys else order.price - price) >= 0:
                order.type = OrderType.BUY_LIMIT if buys else OrderType.SELL_LIMIT
                order.price = order.stoplimit
            if order.type in STOP_LIMITS:
                continue
            away = price - order.price if buys else order.price - price
            if away <= 0 if order.type in LIMITS else away >= 0:
                self._fill_pending(order, symbol, price)

    def _fill_pending(self, order: SimOrder, symbol: SimSymbol, price: Decimal) -> None:
        volume = max(symbol.volume_step, floor_to(order.left * self.take, symbol.volume_step))
        if not self._rules.affordable(symbol, volume, price):
            self.end(order, State.REJECTED)
            return
        self.fill(order, min(volume, order.left), price)
        order.state = State.PARTIAL
        if not order.left:
            self.end(order, State.FILLED)

    def _stop_out(self) -> None:
        while self.positions:
            margin = self.margin
            if not margin or self.equity * 100 >= self.stop_out * margin:
                return
            worst = min(self.positions.values(), key=self.profit)
            price = self.closing_price(worst)
            self._close_by_level(worst, price, Reason.STOP_OUT, f"[so {self.equity / margin:.2%}]")

    # ---------------------------------------------------------------- requests

    def execute(self, request: dict[str, Any]) -> Answer:
        """Take a request as the server does."""
        try:
            return self._rules.execute(request)
        except Refused as refusal:
            return Answer(refusal.code, text=refusal.text)

    def later(self, request: dict[str, Any], ms: int) -> None:
        """Let a request arrive after some time."""
        self._under_way.append((self.now + ms, request))

    def new_order(self, name: str, kind: int, volume: Decimal, price: Decimal, magic: int, comment: str) -> SimOrder:
        self._ticket += 1
        text = comment[: self.comment_length]
        return SimOrder(self._ticket, name, kind, volume, volume, price, self.now, magic, text, visible=self.now + self.delay)

    def end(self, order: SimOrder, state: State) -> None:
        """The order leaves the book for the history."""
        self.orders.pop(order.ticket, None)
        order.state, order.done = state, self.now
        order.visible = max(order.visible, self.now + self.delay)
        self.history.append(order)
        self.version += 1

    def fill(self, order: SimOrder, volume: Decimal, price: Decimal) -> SimDeal:
        """Execute some of an order that is bound to no position."""
        order.left -= volume
        side = 1 if order.type in BUYS else -1
        held = None if self.hedging else next((p for p in self.positions.values() if p.symbol == order.symbol), None)
        if held is None:
            return self._open(order, side, volume, price)
        order.position = held.ticket
        if held.side == side:
            total = held.volume + volume
            held.price = ((held.price * held.volume + price * volume) / total).quantize(Decimal("1e-8"))
            held.volume = total
            held.sl, held.tp = order.sl or held.sl, order.tp or held.tp
            return self._deal(order, side, Entry.IN, volume, price, held.ticket)
        if volume <= held.volume:
            return self.reduce(held, order, volume, price)
        return self._turn(held, order, side, volume, price)

    def _open(self, order: SimOrder, side: int, volume: Decimal, price: Decimal) -> SimDeal:
        known = self.positions.get(order.ticket)
        order.position = order.ticket
        if known is not None:
            known.price = ((known.price * known.volume + price * volume) / (known.volume + volume)).quantize(Decimal("1e-8"))
            known.volume += volume
        else:
            self.positions[order.ticket] = SimPosition(
                order.ticket,
                order.symbol,
                side,
                volume,
                price,
                self.now,
                order.magic,
                order.comment,
                order.sl,
                order.tp,
                visible=self.now + self.delay,
            )
        return self._deal(order, side, Entry.IN, volume, price, order.ticket)

    def _turn(self, held: SimPosition, order: SimOrder, side: int, volume: Decimal, price: Decimal) -> SimDeal:
        profit, swap = self._realized(held, held.volume, price), held.swap
        held.side, held.volume, held.price, held.swap = side, volume - held.volume, price, ZERO
        held.sl, held.tp = order.sl, order.tp
        return self._deal(order, side, Entry.INOUT, volume, price, held.ticket, profit, swap)

    def reduce(
        self, position: SimPosition, order: SimOrder, volume: Decimal, price: Decimal, entry: Entry = Entry.OUT
    ) -> SimDeal:
        """Take volume off a position."""
        profit = self._realized(position, volume, price)
        swap = (position.swap * volume / position.volume).quantize(self._money_step)
        position.swap -= swap
        position.volume -= volume
        if not position.volume:
            del self.positions[position.ticket]
        return self._deal(order, -position.side, entry, volume, price, position.ticket, profit, swap)

    def _deal(
        self,
        order: SimOrder,
        side: int,
        entry: Entry,
        volume: Decimal,
        price: Decimal,
        position: int,
        profit: Decimal = ZERO,
        swap: Decimal = ZERO,
    ) -> SimDeal:
        self._ticket += 1
        commission = ZERO
        if entry is not Entry.OUT_BY:
            commission = -(self.symbols[order.symbol].commission * volume).quantize(self._money_step)
        deal = SimDeal(
            self._ticket,
            order.ticket,
            order.symbol,
            side,
            entry,
            volume,
            price,
            self.now,
            position,
            order.magic,
            order.comment,
            order.reason,
            commission,
            swap,
            profit,
            self.now + self.delay,
        )
        self.deals.append(deal)
        self.version += 1
        self.balance += profit + commission + swap
        return deal

    # ------------------------------------------------------------------- money

    def _realized(self, position: SimPosition, volume: Decimal, price: Decimal) -> Decimal:
        """Points times lots keep 8 decimals, as prices of averages do: on paper it is so too, and the trades are the same."""
        symbol = self.symbols[position.symbol]
        native = q8((price - position.price) * position.side * volume) * symbol.contract_size
        return (native * self.rate(symbol.profit)).quantize(self._money_step)

    def closing_price(self, position: SimPosition) -> Decimal:
        symbol = self.symbols[position.symbol]
        price = symbol.bid if position.side > 0 else symbol.ask
        return position.price if price is None else price

    def profit(self, position: SimPosition) -> Decimal:
        return self._realized(position, position.volume, self.closing_price(position))

    def rate(self, currency: str) -> Decimal:
        """Account currency for one unit, at the last quote of the pair. Raises ValueError for a currency without one."""
        if currency == self.currency:
            return WHOLE
        for symbol in self.symbols.values():
            if symbol.bid is not None and symbol.ask is not None:
                if (symbol.base, symbol.profit) == (currency, self.currency):
                    return symbol.bid
                if (symbol.base, symbol.profit) == (self.currency, currency):
                    return 1 / symbol.ask
        raise ValueError(f"the simulated account in {self.currency} has no quote of {currency}")

    def margin_of(self, symbol: SimSymbol, volume: Decimal, price: Decimal) -> Decimal:
        return (volume * symbol.contract_size * price * self.rate(symbol.profit) / self.leverage).quantize(self._money_step)

    @property
    def equity(self) -> Decimal:
        return self.balance + sum((self.profit(one) + one.swap for one in self.positions.values()), ZERO)

    @property
    def margin(self) -> Decimal:
        parts = (self.margin_of(self.symbols[one.symbol], one.volume, one.price) for one in self.positions.values())
        return sum(parts, ZERO)
