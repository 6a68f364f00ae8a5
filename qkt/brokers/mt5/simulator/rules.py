"""Which requests the simulated server takes, and with which return code it refuses the others."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from qkt.brokers.mt5.constants import (
    Action,
    Code,
    Entry,
    Execution,
    Filling,
    FillingBit,
    Lifetime,
    LifetimeBit,
    OrderBit,
    OrderType,
    State,
    TradeMode,
)
from qkt.brokers.mt5.simulator.terms import Answer, SimOrder, SimPosition, SimSymbol
from qkt.core.numbers import ZERO, floor_to

if TYPE_CHECKING:
    from qkt.brokers.mt5.simulator.venue import Venue

BUYS = (OrderType.BUY, OrderType.BUY_LIMIT, OrderType.BUY_STOP, OrderType.BUY_STOP_LIMIT)
KIND_BITS = {
    OrderType.BUY_LIMIT: OrderBit.LIMIT,
    OrderType.SELL_LIMIT: OrderBit.LIMIT,
    OrderType.BUY_STOP: OrderBit.STOP,
    OrderType.SELL_STOP: OrderBit.STOP,
    OrderType.BUY_STOP_LIMIT: OrderBit.STOP_LIMIT,
    OrderType.SELL_STOP_LIMIT: OrderBit.STOP_LIMIT,
}
LIFETIME_BITS = {
    Lifetime.GTC: LifetimeBit.GTC,
    Lifetime.DAY: LifetimeBit.DAY,
    Lifetime.SPECIFIED: LifetimeBit.SPECIFIED,
    Lifetime.SPECIFIED_DAY: LifetimeBit.SPECIFIED_DAY,
}
DAY_MS = 86_400_000


class Refused(Exception):  # noqa: N818 - the server's word
    """The server refuses a request with this code."""

    def __init__(self, code: Code, text: str = "") -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text or code.name.lower().replace("_", " ")


class Rules:
    """Checks a request against the account and carries it out."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def execute(self, request: dict[str, Any]) -> Answer:
        """Raises Refused."""
        if not self._venue.trading_allowed:
            raise Refused(Code.SERVER_DISABLES_AT)
        match request.get("action"):
            case Action.DEAL:
                return self._deal(request)
            case Action.PENDING:
                return self._pending(request)
            case Action.SLTP:
                return self._levels(request)
            case Action.MODIFY:
                return self._modify(request)
            case Action.REMOVE:
                return self._remove(request)
            case Action.CLOSE_BY:
                return self._close_by(request)
            case _:
                raise Refused(Code.INVALID)

    def affordable(self, symbol: SimSymbol, volume: Decimal, price: Decimal) -> bool:
        """Whether the free margin carries so much more."""
        venue = self._venue
        return venue.margin_of(symbol, volume, price) <= venue.equity - venue.margin

    # ------------------------------------------------------------- market deals

    def _deal(self, request: dict[str, Any]) -> Answer:
        symbol = self._symbol(request)
        buys = request.get("type") == OrderType.BUY
        if not buys and request.get("type") != OrderType.SELL:
            raise Refused(Code.INVALID_ORDER)
        self._market_filling(symbol, request.get("type_filling", Filling.FOK))
        volume = self._volume(symbol, request)
        price = symbol.ask if buys else symbol.bid
        assert price is not None
        self._near_enough(symbol, request, price)
        position = self._position_to_close(request, buys, volume)
        if position is None:
            self._may_enter(symbol, buys)
            self._stops(symbol, request, buys, symbol.bid if buys else symbol.ask)
            if not self._reduces(symbol, buys, volume) and not self.affordable(symbol, volume, price):
                raise Refused(Code.NO_MONEY)
        return self._carry_out(symbol, request, volume, price, position)

    def _carry_out(
        self, symbol: SimSymbol, request: dict[str, Any], volume: Decimal, price: Decimal, position: SimPosition | None
    ) -> Answer:
        venue = self._venue
        order = venue.new_order(
            symbol.name, request["type"], volume, price, request.get("magic", 0), request.get("comment", "")
        )
        order.sl, order.tp, order.filling = _price(request, "sl"), _price(request, "tp"), request.get("type_filling", 0)
        taken = volume
        if order.filling != Filling.FOK:
            taken = max(symbol.volume_step, floor_to(volume * venue.take, symbol.volume_step))
        if position is not None:
            order.position = position.ticket
            deal = venue.reduce(position, order, taken, price)
        else:
            deal = venue.fill(order, taken, price)
        order.left = volume - taken
        venue.end(order, State.FILLED if taken == volume else State.CANCELED)
        code = Code.DONE if taken == volume else Code.DONE_PARTIAL
        told = ZERO if symbol.execution == Execution.MARKET else price
        return Answer(code, deal.ticket, order.ticket, taken, told)

    def _position_to_close(self, request: dict[str, Any], buys: bool, volume: Decimal) -> SimPosition | None:
        if not request.get("position"):
            return None
        position = self._venue.positions.get(request["position"])
        if position is None:
            raise Refused(Code.POSITION_CLOSED)
        if position.side == (1 if buys else -1):
            if self._venue.hedging:
                raise Refused(Code.INVALID)
            return None
        if volume > position.volume:
            raise Refused(Code.INVALID_CLOSE_VOLUME)
        return position

    def _reduces(self, symbol: SimSymbol, buys: bool, volume: Decimal) -> bool:
        if self._venue.hedging:
            return False
        held = next((one for one in self._venue.positions.values() if one.symbol == symbol.name), None)
        return held is not None and (held.side < 0) is buys and volume <= held.volume

    @staticmethod
    def _market_filling(symbol: SimSymbol, filling: int) -> None:
        if symbol.execution in (Execution.REQUEST, Execution.INSTANT):
            return
        allowed = {
            Filling.FOK: bool(symbol.filling_mode & FillingBit.FOK),
            Filling.IOC: bool(symbol.filling_mode & FillingBit.IOC),
            Filling.RETURN: symbol.execution == Execution.EXCHANGE,
        }
        if not allowed.get(Filling(filling), False):
            raise Refused(Code.INVALID_FILL)

    @staticmethod
    def _near_enough(symbol: SimSymbol, request: dict[str, Any], price: Decimal) -> None:
        """Only INSTANT and REQUEST hold to the price that was asked for."""
        if symbol.execution not in (Execution.REQUEST, Execution.INSTANT):
            return
        if abs(_price(request, "price") - price) > request.get("deviation", 0) * symbol.point:
            raise Refused(Code.REQUOTE)

    # ----------------------------------------------------------- pending orders

    def _pending(self, request: dict[str, Any]) -> Answer:
        symbol = self._symbol(request)
        kind = request.get("type")
        if kind not in KIND_BITS or not symbol.order_mode & KIND_BITS[OrderType(kind)]:
            raise Refused(Code.INVALID_ORDER)
        buys = kind in BUYS
        self._may_enter(symbol, buys)
        volume = self._volume(symbol, request)
        price, stoplimit = _price(request, "price"), _price(request, "stoplimit")
        self._side_of_market(symbol, OrderType(kind), price)
        self._stops(symbol, request, buys, stoplimit or price)
        lifetime = request.get("type_time", Lifetime.GTC)
        expires = self._expiry(symbol, Lifetime(lifetime), request.get("expiration", 0))
        if request.get("type_filling", Filling.RETURN) not in (Filling.RETURN, Filling.IOC, Filling.FOK):
            raise Refused(Code.INVALID_FILL)
        order = self._venue.new_order(symbol.name, kind, volume, price, request.get("magic", 0), request.get("comment", ""))
        order.stoplimit, order.sl, order.tp = stoplimit, _price(request, "sl"), _price(request, "tp")
        order.lifetime, order.expires = lifetime, expires
        self._venue.orders[order.ticket] = order
        return Answer(Code.DONE, order=order.ticket)

    @staticmethod
    def _side_of_market(symbol: SimSymbol, kind: OrderType, price: Decimal) -> None:
        assert symbol.bid is not None
        assert symbol.ask is not None
        least = symbol.stops_level * symbol.point
        market = symbol.ask if kind in BUYS else symbol.bid
        above = kind in (OrderType.BUY_STOP, OrderType.BUY_STOP_LIMIT, OrderType.SELL_LIMIT)
        away = price - market if above else market - price
        if price <= 0 or away <= 0 or away < least:
            raise Refused(Code.INVALID_PRICE)

    def _expiry(self, symbol: SimSymbol, lifetime: Lifetime, given: int) -> int:
        if not symbol.expiration_mode & LIFETIME_BITS[lifetime]:
            raise Refused(Code.INVALID_EXPIRATION)
        if lifetime is Lifetime.GTC:
            return 0
        if lifetime is Lifetime.DAY:
            return (self._venue.now // DAY_MS + 1) * DAY_MS
        if given * 1000 <= self._venue.now:
            raise Refused(Code.INVALID_EXPIRATION)
        return given * 1000

    def _modify(self, request: dict[str, Any]) -> Answer:
        """Where a pending order waits: everything is replaced, what is left out goes."""
        order = self._order(request)
        symbol = self._venue.symbols[order.symbol]
        if not symbol.open:
            raise Refused(Code.MARKET_CLOSED)
        if order.left < order.volume:
            raise Refused(Code.ORDER_CHANGED)
        price, stoplimit = _price(request, "price"), _price(request, "stoplimit")
        self._side_of_market(symbol, OrderType(order.type), price)
        self._stops(symbol, request, order.type in BUYS, stoplimit or price)
        if self._frozen(symbol, order.price, buys=order.type in BUYS):
            raise Refused(Code.FROZEN)
        lifetime = Lifetime(request.get("type_time", Lifetime.GTC))
        wanted = (price, stoplimit, _price(request, "sl"), _price(request, "tp"))
        expires = self._expiry(symbol, lifetime, request.get("expiration", 0))
        if (*wanted, expires) == (order.price, order.stoplimit, order.sl, order.tp, order.expires):
            raise Refused(Code.NO_CHANGES)
        order.price, order.stoplimit, order.sl, order.tp = wanted
        order.lifetime, order.expires = lifetime, expires
        return Answer(Code.DONE, order=order.ticket)

    def _remove(self, request: dict[str, Any]) -> Answer:
        order = self._order(request)
        symbol = self._venue.symbols[order.symbol]
        if self._frozen(symbol, order.price, buys=order.type in BUYS):
            raise Refused(Code.FROZEN)
        self._venue.end(order, State.CANCELED)
        return Answer(Code.DONE, order=order.ticket)

    def _order(self, request: dict[str, Any]) -> SimOrder:
        order = self._venue.orders.get(request.get("order", 0))
        if order is None:
            raise Refused(Code.INVALID)
        return order

    @staticmethod
    def _frozen(symbol: SimSymbol, level: Decimal, *, buys: bool) -> bool:
        market = symbol.ask if buys else symbol.bid
        return bool(symbol.freeze_level and market is not None and abs(level - market) <= symbol.freeze_level * symbol.point)

    # --------------------------------------------------------------- positions

    def _levels(self, request: dict[str, Any]) -> Answer:
        position = self._venue.positions.get(request.get("position", 0))
        if position is None:
            raise Refused(Code.POSITION_CLOSED)
        symbol = self._venue.symbols[position.symbol]
        if not symbol.open:
            raise Refused(Code.MARKET_CLOSED)
        buys = position.side > 0
        self._stops(symbol, request, buys, symbol.bid if buys else symbol.ask)
        sl, tp = _price(request, "sl"), _price(request, "tp")
        if (sl, tp) == (position.sl, position.tp):
            raise Refused(Code.NO_CHANGES)
        for old in (position.sl, position.tp):
            if old and self._frozen(symbol, old, buys=not buys):
                raise Refused(Code.FROZEN)
        position.sl, position.tp = sl, tp
        return Answer(Code.DONE, order=0)

    def _close_by(self, request: dict[str, Any]) -> Answer:
        venue = self._venue
        first, second = (venue.positions.get(request.get(key, 0)) for key in ("position", "position_by"))
        if first is None or second is None:
            raise Refused(Code.POSITION_CLOSED)
        symbol = venue.symbols[first.symbol]
        if not venue.hedging or first.symbol != second.symbol or first.side == second.side:
            raise Refused(Code.INVALID)
        if not symbol.order_mode & OrderBit.CLOSE_BY:
            raise Refused(Code.INVALID_ORDER)
        if not symbol.open:
            raise Refused(Code.MARKET_CLOSED)
        volume = min(first.volume, second.volume)
        order = venue.new_order(
            symbol.name, OrderType.CLOSE_BY, volume, second.price, request.get("magic", 0), request.get("comment", "")
        )
        order.position, order.left = first.ticket, ZERO
        deal = venue.reduce(first, order, volume, second.price, Entry.OUT_BY)
        venue.reduce(second, order, volume, second.price, Entry.OUT_BY)
        venue.end(order, State.FILLED)
        return Answer(Code.DONE, deal.ticket, order.ticket, volume)

    # ------------------------------------------------------------------ common

    def _symbol(self, request: dict[str, Any]) -> SimSymbol:
        symbol = self._venue.symbols.get(request.get("symbol", ""))
        if symbol is None:
            raise Refused(Code.INVALID)
        if symbol.trade_mode == TradeMode.DISABLED:
            raise Refused(Code.TRADE_DISABLED)
        if not symbol.open:
            raise Refused(Code.MARKET_CLOSED)
        if symbol.bid is None or symbol.ask is None:
            raise Refused(Code.PRICE_OFF)
        return symbol

    @staticmethod
    def _may_enter(symbol: SimSymbol, buys: bool) -> None:
        if symbol.trade_mode == TradeMode.CLOSE_ONLY:
            raise Refused(Code.CLOSE_ONLY)
        if symbol.trade_mode == TradeMode.LONG_ONLY and not buys:
            raise Refused(Code.LONG_ONLY)
        if symbol.trade_mode == TradeMode.SHORT_ONLY and buys:
            raise Refused(Code.SHORT_ONLY)

    def _volume(self, symbol: SimSymbol, request: dict[str, Any]) -> Decimal:
        volume = Decimal(repr(request.get("volume", 0.0)))
        if volume < symbol.volume_min or volume > symbol.volume_max or volume % symbol.volume_step:
            raise Refused(Code.INVALID_VOLUME)
        return volume.quantize(symbol.volume_step)

    @staticmethod
    def _stops(symbol: SimSymbol, request: dict[str, Any], buys: bool, base: Decimal | None) -> None:
        """Levels must lie on their side of `base`, and far enough from it."""
        assert base is not None
        least = symbol.stops_level * symbol.point
        sign = 1 if buys else -1
        sl, tp = _price(request, "sl"), _price(request, "tp")
        for level, away in ((sl, (base - sl) * sign), (tp, (tp - base) * sign)):
            if level and (away <= 0 or away < least):
                raise Refused(Code.INVALID_STOPS)
            if level and level.as_tuple().exponent < -symbol.digits:  # type: ignore[operator]
                raise Refused(Code.INVALID_STOPS)


def _price(request: dict[str, Any], key: str) -> Decimal:
    value = request.get(key, 0.0)
    return Decimal(repr(value)).normalize() if value else ZERO
