"""At what price an order is filled. Whether it is filled is the broker's business and the same in every model."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from qkt.brokers.paper.book import Resting
from qkt.brokers.paper.settings import ExecutionSettings
from qkt.brokers.paper.slippage import SlippageModel, slippage_model
from qkt.brokers.paper.spread import SpreadModel, spread_model
from qkt.brokers.quotes import Quote, QuoteBoard
from qkt.core.bus import Scope
from qkt.core.instruments import Instrument
from qkt.core.numbers import ZERO, exact, q8, to_decimal
from qkt.core.terms import Side


def money(price: float) -> Decimal:
    """A market price as an order price: 12 significant digits, 8 decimals."""
    return q8(to_decimal(price))


def side_price(side: Side, quote: Quote) -> float:
    """What the side pays: ask for a buyer, bid for a seller, the price itself without quotes."""
    return quote.buy if side is Side.BUY else quote.sell


@dataclass(slots=True)
class Slice:
    """What is being filled: `quantity` (lots) of a working order, by the quote at `ts`."""

    resting: Resting
    quantity: Decimal
    quote: Quote
    ts: int
    instrument: Instrument


class FillModel(Protocol):
    """Prices of executions, 8 decimals."""

    def market(self, part: Slice, level: Decimal | None) -> Decimal:
        """A market order or a stop. `level` is given when the market ran through it without a gap (inside a bar)."""
        ...

    def limit(self, part: Slice, limit: Decimal, at_limit: bool) -> Decimal:
        """A limit. `at_limit` tells that the market came to it without a gap, so that it gets no better price."""
        ...


class QuoteFills:
    """Honest fills: the side that the order pays, stops never better than their level, limits at the limit or better, and
    slippage against market orders and stops. Where the data has no quotes half of the modelled spread is paid instead."""

    def __init__(self, spread: SpreadModel, slippage: SlippageModel) -> None:
        self._spread = spread
        self._slippage = slippage

    def market(self, part: Slice, level: Decimal | None) -> Decimal:
        resting, instrument = part.resting, part.instrument
        order = resting.order
        price = money(side_price(order.side, part.quote)) if level is None else level
        points = self._slippage.points(resting.key, resting.slices, part.quantity, instrument, order.symbol)
        adverse = self._half_spread(part) + exact(points, instrument.point_size)
        return q8(price + order.side.sign * adverse)

    def limit(self, part: Slice, limit: Decimal, at_limit: bool) -> Decimal:
        if at_limit:
            return limit
        side = part.resting.order.side
        price = q8(money(side_price(side, part.quote)) + side.sign * self._half_spread(part))
        return min(price, limit) if side is Side.BUY else max(price, limit)

    def _half_spread(self, part: Slice) -> Decimal:
        if part.quote.bid is not None and part.quote.ask is not None:
            return ZERO
        return self._spread.half(part.resting.order.symbol, part.ts, part.instrument)


class MidFills:
    """Every fill at the tick's price, the middle of quote-only data: the published engine's paper model. No slippage."""

    def market(self, part: Slice, level: Decimal | None) -> Decimal:
        return money(part.quote.price) if level is None else level

    def limit(self, part: Slice, limit: Decimal, at_limit: bool) -> Decimal:
        return limit if at_limit else money(part.quote.price)


def fill_model(settings: ExecutionSettings, scope: Scope, board: QuoteBoard) -> FillModel:
    """The model that the settings name."""
    if settings.fills == "mid":
        return MidFills()
    return QuoteFills(spread_model(settings.spread, board), slippage_model(settings.slippage, settings.seed, scope))
