"""Requests in the words of `order_send`: names, numbers, ways of filling, and the rules of a symbol that are checked here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from qkt.brokers.dispatch import Act, Request
from qkt.brokers.mt5.constants import (
    Action,
    Execution,
    Filling,
    FillingBit,
    Lifetime,
    LifetimeBit,
    OrderBit,
    OrderType,
    TradeMode,
)
from qkt.brokers.mt5.records import LastTick, Symbol
from qkt.brokers.mt5.server_time import ServerClock
from qkt.brokers.mt5.terminal import SendRequest
from qkt.core.terms import OrderKind, Side, TimeInForce

LEAST_LIFE_MS = 60_000
PENDING = {
    (OrderKind.LIMIT, Side.BUY): OrderType.BUY_LIMIT,
    (OrderKind.LIMIT, Side.SELL): OrderType.SELL_LIMIT,
    (OrderKind.STOP, Side.BUY): OrderType.BUY_STOP,
    (OrderKind.STOP, Side.SELL): OrderType.SELL_STOP,
    (OrderKind.STOP_LIMIT, Side.BUY): OrderType.BUY_STOP_LIMIT,
    (OrderKind.STOP_LIMIT, Side.SELL): OrderType.SELL_STOP_LIMIT,
}
KIND_BITS = {
    OrderKind.LIMIT: OrderBit.LIMIT,
    OrderKind.STOP: OrderBit.STOP,
    OrderKind.STOP_LIMIT: OrderBit.STOP_LIMIT,
}


class UnfitError(Exception):
    """A request that the symbol's terms do not allow; it is refused here and does not leave."""


@dataclass(frozen=True, slots=True)
class Shaper:
    """Puts requests of one account into words. `magic` marks its orders, `deviation` is in points."""

    clock: ServerClock
    magic: int
    deviation: int

    def shape(self, request: Request, symbol: Symbol, quote: LastTick | None, filling: Filling, now: int) -> SendRequest:
        """Raises UnfitError."""
        match request.act:
            case Act.OPEN | Act.CLOSE:
                return self._market(request, symbol, quote, filling)
            case Act.PLACE:
                return self._pending(request, symbol, quote, now)
            case Act.MOVE:
                prices = self._prices(request, symbol, quote, now)
                return {"action": int(Action.MODIFY), "order": request.ticket, "symbol": symbol.name, **prices}
            case Act.PROTECT:
                levels = {"sl": _level(request.sl, symbol), "tp": _level(request.tp, symbol)}
                return {"action": int(Action.SLTP), "symbol": symbol.name, "position": request.position, **levels}
            case Act.REMOVE:
                return {"action": int(Action.REMOVE), "order": request.ticket}
            case Act.CLOSE_BY:
                if not symbol.order_mode & OrderBit.CLOSE_BY:
                    raise UnfitError(f"{symbol.name} does not let one position close another")
                return {
                    "action": int(Action.CLOSE_BY),
                    "position": request.position,
                    "position_by": request.other,
                    "magic": self.magic,
                    "comment": request.token,
                }

    def _market(self, request: Request, symbol: Symbol, quote: LastTick | None, filling: Filling) -> SendRequest:
        buys = request.side is Side.BUY
        if quote is None:
            raise UnfitError(f"no price for {symbol.name} yet")
        shaped: dict[str, int | float | str] = {
            "action": int(Action.DEAL),
            "symbol": symbol.name,
            "volume": float(request.quantity),
            "type": int(OrderType.BUY if buys else OrderType.SELL),
            "price": quote.ask if buys else quote.bid,
            "deviation": self.deviation,
            "magic": self.magic,
            "comment": request.token,
            "type_time": int(Lifetime.GTC),
            "type_filling": int(filling),
        }
        if request.act is Act.CLOSE:
            return shaped | {"position": request.position}
        _entry_allowed(request, symbol)
        base = quote.bid if buys else quote.ask
        return shaped | self._levels(request, symbol, base, quote)

    def _pending(self, request: Request, symbol: Symbol, quote: LastTick | None, now: int) -> SendRequest:
        _entry_allowed(request, symbol)
        bit = KIND_BITS.get(request.kind)
        if bit is None or not symbol.order_mode & bit:
            raise UnfitError(f"{symbol.name} takes no {request.kind} orders")
        return {
            "action": int(Action.PENDING),
            "symbol": symbol.name,
            "volume": float(request.quantity),
            "type": int(PENDING[request.kind, request.side]),
            "magic": self.magic,
            "comment": request.token,
            "type_filling": int(Filling.RETURN),
            **self._prices(request, symbol, quote, now),
        }

    def _prices(self, request: Request, symbol: Symbol, quote: LastTick | None, now: int) -> dict[str, int | float | str]:
        """Where a pending order waits, until when, and the levels that it brings: what is left out would be taken away."""
        trigger = request.limit if request.kind is OrderKind.LIMIT else request.stop
        assert trigger is not None
        base = price = rounded(trigger, symbol)
        if quote is not None:
            _beyond_market(request, symbol, price, quote)
        shaped: dict[str, int | float | str] = {"price": float(price)}
        if request.kind is OrderKind.STOP_LIMIT:
            assert request.limit is not None
            base = rounded(request.limit, symbol)
            shaped["stoplimit"] = float(base)
        return shaped | self._lifetime(request, symbol, now) | self._levels(request, symbol, float(base), quote)

    def _lifetime(self, request: Request, symbol: Symbol, now: int) -> dict[str, int | float | str]:
        """The deadline at the venue where it keeps one; the engine keeps it in any case."""
        if request.expires_at is None:
            return {"type_time": int(Lifetime.GTC)}
        if request.expires_at < now + LEAST_LIFE_MS:
            raise UnfitError(f"the deadline {request.expires_at} is less than a minute away, now {now}")
        if symbol.expiration_mode & LifetimeBit.SPECIFIED:
            seconds = self.clock.to_server(request.expires_at) // 1000
            return {"type_time": int(Lifetime.SPECIFIED), "expiration": seconds}
        if request.tif is TimeInForce.DAY and symbol.expiration_mode & LifetimeBit.DAY:
            return {"type_time": int(Lifetime.DAY)}
        return {"type_time": int(Lifetime.GTC)}

    @staticmethod
    def _levels(request: Request, symbol: Symbol, base: float, quote: LastTick | None) -> dict[str, int | float | str]:
        """Native exits of an entry: refused here when the venue would refuse them, never left out."""
        least = Decimal(symbol.trade_stops_level) * Decimal(repr(symbol.point))
        del quote
        sign = request.side.sign
        found: dict[str, int | float | str] = {}
        for key, level, direction in (("sl", request.sl, -sign), ("tp", request.tp, sign)):
            if level is None:
                continue
            at = rounded(level, symbol)
            away = (at - Decimal(repr(base))) * direction
            if away <= 0 or away < least:
                name = "stop" if key == "sl" else "target"
                raise UnfitError(f"the {name} {at:f} is nearer to {base} than {symbol.trade_stops_level} points")
            found[key] = float(at)
        return found


def fillings(request: Request, symbol: Symbol) -> Iterator[Filling]:
    """Ways of filling a market order, the best first. `filling_mode` has other numbers than `type_filling`."""
    bits = symbol.filling_mode
    if symbol.trade_exemode in (Execution.REQUEST, Execution.INSTANT):
        yield Filling.FOK
        yield Filling.RETURN
        return
    if symbol.trade_exemode == Execution.EXCHANGE and not request.tif.immediate:
        yield Filling.RETURN
    wanted = (Filling.FOK, Filling.IOC) if request.tif is TimeInForce.FOK else (Filling.IOC, Filling.FOK)
    allowed = [one for one in wanted if bits & (FillingBit.IOC if one is Filling.IOC else FillingBit.FOK)]
    if request.tif is TimeInForce.FOK:  # whole or nothing was asked for
        allowed = [one for one in allowed if one is Filling.FOK]
    yield from allowed
    if not allowed and request.tif is not TimeInForce.FOK:
        yield Filling.IOC


def rounded(price: Decimal, symbol: Symbol) -> Decimal:
    """The price on the symbol's grid: its digits, or the tick size where that is coarser; half to even."""
    grid = Decimal(1).scaleb(-symbol.digits)
    size = Decimal(repr(symbol.trade_tick_size)) if symbol.trade_tick_size else grid
    if size > grid:
        price = (price / size).quantize(Decimal(1), rounding=ROUND_HALF_EVEN) * size
    return price.quantize(grid, rounding=ROUND_HALF_EVEN)


def _level(level: Decimal | None, symbol: Symbol) -> float:
    return 0.0 if level is None else float(rounded(level, symbol))


def _entry_allowed(request: Request, symbol: Symbol) -> None:
    mode = symbol.trade_mode
    if mode in (TradeMode.DISABLED, TradeMode.CLOSE_ONLY):
        raise UnfitError(f"the broker lets nobody enter {symbol.name}")
    if mode == TradeMode.LONG_ONLY and request.side is Side.SELL:
        raise UnfitError(f"{symbol.name} may only be bought")
    if mode == TradeMode.SHORT_ONLY and request.side is Side.BUY:
        raise UnfitError(f"{symbol.name} may only be sold")


def _beyond_market(request: Request, symbol: Symbol, price: Decimal, quote: LastTick) -> None:
    """A pending order waits for a price that the market does not have, at the symbol's distance at least."""
    buys = request.side is Side.BUY
    market = Decimal(repr(quote.ask if buys else quote.bid))
    above = buys is not (request.kind is OrderKind.LIMIT)
    away = price - market if above else market - price
    least = symbol.trade_stops_level * Decimal(repr(symbol.point))
    if away <= 0 or away < least:
        where = "above" if above else "below"
        raise UnfitError(
            f"{request.kind} {request.side} at {price:f} must lie {where} the market, which is at {market:f}, "
            f"by {symbol.trade_stops_level} points at least"
        )
