"""The books of one session: every fill goes through here first, before anyone acts on it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from qkt.brokers import QuoteBoard
from qkt.core.bus import Scope
from qkt.core.events import OrderFilled, Trade
from qkt.core.instruments import Instrument, InstrumentRegistry
from qkt.core.numbers import EXACT, ZERO, exact, q8, quotient, to_decimal
from qkt.ledger.conversion import Converter
from qkt.ledger.excursions import Excursions
from qkt.ledger.legs import Leg, LegBook, LegChange
from qkt.ledger.netting import NetPosition
from qkt.ledger.rows import RoundTrip, TradeRow, position_effect
from qkt.ledger.strategy_book import StrategyBook


class Books:
    """Positions and money of all strategies of a session, and of the account that nets them.

    `trades` has a row for every fill, `round_trips` one for every leg that came back to flat, `swaps` the financing booked.
    Implements the leg view of the order manager.
    """

    def __init__(
        self,
        scope: Scope,
        strategies: Iterable[str],
        starting: Decimal,
        instruments: InstrumentRegistry,
        converter: Converter,
        board: QuoteBoard,
    ) -> None:
        self._scope = scope
        self._instruments = instruments
        self.converter = converter
        self._board = board
        self._legs: dict[int, Leg] = {}
        self._next_leg = 1
        self.starting = starting
        self.realized = ZERO
        self.commission = ZERO
        self.swap = ZERO
        self.account: dict[str, NetPosition] = {}
        self.strategies = {name: StrategyBook(name, starting) for name in strategies}
        self.excursions = Excursions(self, board)
        self.trades: list[TradeRow] = []
        self.round_trips: list[RoundTrip] = []
        self._contract_f: dict[str, float] = {}
        # Factors that never change: symbols quoted in the account's currency.
        self._factors: dict[str, float] = {}
        scope.subscribe_first(OrderFilled, self.on_fill)

    # ------------------------------------------------------------------- views

    def leg_quantity(self, leg_id: int) -> Decimal:
        leg = self._legs.get(leg_id)
        return ZERO if leg is None else leg.quantity

    def net_quantity(self, strategy: str, symbol: str) -> Decimal:
        return self.strategies[strategy].book(symbol).net

    def contract_f(self, symbol: str) -> float:
        """Contract size as float, looked up once a symbol."""
        size = self._contract_f.get(symbol)
        if size is None:
            size = self._contract_f[symbol] = float(self._instruments.resolve(symbol).contract_size)
        return size

    def unrealized_f(self, book: StrategyBook, symbol: str | None = None) -> float:
        """Open profit of a strategy (of one symbol only when named) at the last prices, float64."""
        total = 0.0
        for legs in book.legs.values():
            if legs.all and (symbol is None or legs.symbol == symbol):
                total += self._open_profit_f(legs)
        return total

    def equity_f(self, book: StrategyBook) -> float:
        """Balance plus open profit of one strategy, float64."""
        equity = book.balance_f
        for legs in book.legs.values():
            if legs.all:
                equity += self._open_profit_f(legs)
        return equity

    def _open_profit_f(self, legs: LegBook) -> float:
        last = self._board.last(legs.symbol)
        if last is None:
            return 0.0
        factor = self.factor_f(legs.symbol)
        total = 0.0
        for leg in legs.all:
            total += (last - leg.entry_f) * leg.signed_f * factor
        return total

    def factor_f(self, symbol: str) -> float:
        """Account currency per price unit and lot at the last prices."""
        factor = self._factors.get(symbol)
        if factor is not None:
            return factor
        factor = self.contract_f(symbol)
        if self.converter.is_one(symbol):
            self._factors[symbol] = factor
            return factor
        return factor * self.converter.rate_f(symbol)

    def unrealized(self) -> Decimal:
        """Open profit of the session, exact, 8 decimals: summed by strategy and symbol at the last prices."""
        total = ZERO
        for book in self.strategies.values():
            for legs in book.open_books():
                last = self._board.last(legs.symbol)
                if last is None:
                    continue
                price = to_decimal(last)
                size = self._instruments.resolve(legs.symbol).contract_size
                parts = [exact(price - leg.entry, leg.quantity * leg.sign, size) for leg in legs]
                total += self.converter.convert(q8(sum(parts, ZERO)), legs.symbol, price)
        return total

    # ------------------------------------------------------------------- fills

    def on_fill(self, fill: OrderFilled) -> None:
        """Book a fill: positions, costs, realized money, rows, in this order; then tell it as a `Trade`."""
        self.excursions.settle()
        instrument = self._instruments.resolve(fill.symbol)
        book = self.strategies[fill.strategy]
        commission = q8(exact(instrument.commission_per_lot, fill.quantity))
        self._book_account(fill, instrument, commission)

        legs = book.book(fill.symbol)
        before = legs.net
        change = legs.apply(fill, fill.at, self._next_leg)
        after = legs.net
        rate = self.converter.rate(fill.symbol, fill.price)
        gross = self._settle_legs(fill, change, instrument, commission, book)
        realized = q8(gross - commission)
        book.add(realized)
        self.commission += commission
        if abs(after) > abs(before) or (before != 0 and after != 0 and (after > 0) != (before > 0)):
            book.count_entry(fill.at)
        if change.reduced:
            book.count_outcome(fill.at, realized, fill.symbol)
        self.trades.append(self._row(fill, realized, gross, commission, rate, before, after))
        self._scope.publish(Trade(fill, realized, commission, before, after))

    def _book_account(self, fill: OrderFilled, instrument: Instrument, commission: Decimal) -> None:
        position = self.account.setdefault(fill.symbol, NetPosition())
        points = position.apply(fill.quantity * fill.side.sign, fill.price, fill.at)
        gross = self.converter.convert(exact(points, instrument.contract_size), fill.symbol, fill.price)
        self.realized = q8(self.realized + gross - commission)

    def _settle_legs(
        self, fill: OrderFilled, change: LegChange, instrument: Instrument, commission: Decimal, book: StrategyBook
    ) -> Decimal:
        """Gains of the legs the fill reduced, in account currency; the commission is shared by quantity."""
        gross = ZERO
        for leg, quantity, points in change.reduced:
            fill.closed_leg, fill.closed_quantity = leg.id, quantity
            gain = self.converter.convert(exact(points, instrument.contract_size), fill.symbol, fill.price)
            gross += gain
            leg.gross += gain
            leg.commission += _share(commission, quantity, fill.quantity)
            if leg.quantity == 0:
                self._legs.pop(leg.id, None)
                self.round_trips.append(_round_trip(leg, fill, book.strategy))
        leg_opened = change.opened
        if leg_opened is not None:
            if leg_opened.id == self._next_leg:
                self._legs[leg_opened.id] = leg_opened
                self._next_leg += 1
            leg_opened.commission += _share(commission, change.opened_quantity, fill.quantity)
            fill.opened_leg, fill.opened_quantity = leg_opened.id, change.opened_quantity
        return gross

    def _row(
        self,
        fill: OrderFilled,
        realized: Decimal,
        gross: Decimal,
        commission: Decimal,
        rate: Decimal,
        before: Decimal,
        after: Decimal,
    ) -> TradeRow:
        return TradeRow(
            timestamp=fill.at,
            strategy=fill.strategy,
            symbol=fill.symbol,
            side=fill.side,
            quantity=fill.quantity,
            price=fill.price,
            realized=realized,
            position_effect=position_effect(before, after),
            order_type=fill.kind.value,
            order_id=fill.order_id,
            purpose=fill.purpose.value,
            commission=commission,
            slippage=(fill.price - fill.reference) * fill.side.sign,
            gross=gross,
            native_currency=self.converter.currency(fill.symbol),
            fx_rate=rate,
            position_before=before,
            position_after=after,
        )

    # --------------------------------------------------------------- financing

    def book_swap(self, strategy: str, leg: Leg, amount: Decimal) -> None:
        """Book financing of one leg and night in account currency, positive a credit."""
        self.excursions.settle()
        leg.swap += amount
        self.strategies[strategy].add(amount)
        self.realized = q8(self.realized + amount)
        self.swap += amount


def _share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    return amount if part == whole else q8(quotient(EXACT.multiply(amount, part), whole))


def _round_trip(leg: Leg, fill: OrderFilled, strategy: str) -> RoundTrip:
    entry = q8(quotient(leg.entered_value, leg.entered))
    exit_price = q8(quotient(leg.exited_value, leg.exited))
    leg.observe(float(fill.price), float(fill.price))
    return RoundTrip(
        strategy=strategy,
        symbol=leg.symbol,
        side=leg.side,
        quantity=leg.entered,
        entry_time=leg.opened_at,
        entry_price=entry,
        exit_time=fill.at,
        exit_price=exit_price,
        gross=leg.gross,
        commission=leg.commission,
        swap=leg.swap,
        net=q8(leg.gross - leg.commission + leg.swap),
        mfe=q8(to_decimal(leg.mfe)),
        mae=q8(to_decimal(leg.mae)),
        exit_reason=fill.purpose.value,
    )
