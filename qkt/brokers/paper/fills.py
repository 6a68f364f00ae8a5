"""At what price an order is filled. Whether it is filled is the broker's business and the same in every model."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from qkt.brokers.quotes import Quote
from qkt.core.instruments import Instrument
from qkt.core.numbers import exact, q8, to_decimal
from qkt.core.terms import Side

HALF = Decimal("0.5")


def money(price: float) -> Decimal:
    """A market price as an order price: 12 significant digits, 8 decimals."""
    return q8(to_decimal(price))


def side_price(side: Side, quote: Quote) -> float:
    """What the side pays: ask for a buyer, bid for a seller, the price itself without quotes."""
    return quote.buy if side is Side.BUY else quote.sell


class FillModel(Protocol):
    """Prices of executions, 8 decimals. `quote` is the tick that fills."""

    def market(self, side: Side, quote: Quote, instrument: Instrument) -> Decimal: ...

    def stop(self, side: Side, quote: Quote, level: Decimal, through: bool, instrument: Instrument) -> Decimal:
        """`through` tells that the market ran through the level without a gap (inside a bar)."""
        ...

    def limit(self, side: Side, quote: Quote, level: Decimal, through: bool) -> Decimal: ...


class QuoteFills:
    """Honest fills: the side that the order pays, stops never better than their level, limits at the limit or better,
    and the instrument's slippage against market orders and stops. Where the data has no quotes half of the instrument's
    modelled spread is paid instead."""

    def market(self, side: Side, quote: Quote, instrument: Instrument) -> Decimal:
        price = money(side_price(side, quote))
        return self._adverse(side, price, self._half_spread(quote, instrument), instrument)

    def stop(self, side: Side, quote: Quote, level: Decimal, through: bool, instrument: Instrument) -> Decimal:
        price = level if through else money(side_price(side, quote))
        return self._adverse(side, price, self._half_spread(quote, instrument), instrument)

    def limit(self, side: Side, quote: Quote, level: Decimal, through: bool) -> Decimal:
        if through:
            return level
        price = money(side_price(side, quote))
        return min(price, level) if side is Side.BUY else max(price, level)

    @staticmethod
    def _half_spread(quote: Quote, instrument: Instrument) -> Decimal:
        if quote.bid is not None and quote.ask is not None:
            return Decimal(0)
        return exact(instrument.spread_points, instrument.point_size, HALF)

    @staticmethod
    def _adverse(side: Side, price: Decimal, half_spread: Decimal, instrument: Instrument) -> Decimal:
        slip = half_spread + exact(instrument.slippage_points, instrument.point_size)
        return q8(price + side.sign * slip)


class MidFills:
    """Every fill at the tick's price, the middle of quote-only data: the published engine's paper model. No slippage."""

    def market(self, side: Side, quote: Quote, instrument: Instrument) -> Decimal:  # noqa: ARG002
        return money(quote.price)

    def stop(
        self,
        side: Side,  # noqa: ARG002
        quote: Quote,
        level: Decimal,
        through: bool,
        instrument: Instrument,  # noqa: ARG002
    ) -> Decimal:
        return level if through else money(quote.price)

    def limit(self, side: Side, quote: Quote, level: Decimal, through: bool) -> Decimal:  # noqa: ARG002
        return level if through else money(quote.price)
