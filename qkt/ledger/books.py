"""The books of one session: every fill goes through here first, before anyone acts on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from qkt.brokers import QuoteBoard
from qkt.core.bus import Scope
from qkt.core.daily import UTC_MIDNIGHT, DailyBoundary
from qkt.core.events import OrderCancelled, OrderFilled, OrderRejected, Trade, VenueBooked, VenueCost
from qkt.core.instruments import Instrument, InstrumentRegistry
from qkt.core.latest import Rows, rows
from qkt.core.numbers import EXACT, NO_MONEY, ZERO, exact, q8, quotient, to_decimal, total
from qkt.core.terms import CostKind, LegRole
from qkt.ledger.conversion import Converter, Exchanged
from qkt.ledger.excursions import Excursions
from qkt.ledger.legs import Leg, LegBook, LegChange
from qkt.ledger.netting import NetPosition
from qkt.ledger.rows import FinancingRow, RoundTrip, TradeRow, position_effect, round_trip, venue_row
from qkt.ledger.strategy_book import StrategyBook
from qkt.ledger.venue_gains import ACCOUNT, VenueGains


@dataclass(frozen=True, slots=True)
class Costs:
    """What a fill cost besides its price, account currency: commission and fees positive charges, swap a positive credit."""

    commission: Decimal
    fees: Decimal = NO_MONEY
    swap: Decimal = NO_MONEY

    @property
    def net(self) -> Decimal:
        """What they take away."""
        return NO_MONEY if self is NO_COSTS else total((self.commission, self.fees, -self.swap))

    def share(self, part: Decimal, whole: Decimal) -> Costs:
        """The part that falls on some of the lots, 8 decimals."""
        if part == whole or self is NO_COSTS:
            return self
        return Costs(*(q8(quotient(exact(cost, part), whole)) for cost in (self.commission, self.fees, self.swap)))

    def without(self, share: Costs) -> Costs:
        if self is NO_COSTS:
            return self
        return Costs(self.commission - share.commission, self.fees - share.fees, self.swap - share.swap)


NO_COSTS = Costs(NO_MONEY)
NO_BALANCES: Mapping[str, Decimal] = MappingProxyType({})


class Books:
    """Positions and money of all strategies of a session, and of the account that nets them.

    The account starts with `starting`, and so does every strategy to which `balances` gives no share of its own.
    `trades` has a row for every fill, `round_trips` one for every leg that came back to flat, `financing` one for every leg
    and rollover that cost or earned something, and for money that a venue booked without a fill; of each
    the latest `kept`, all where that is None. `bars_closed` tells how many
    bars of a symbol have closed, `audit` is called after everything that was booked. Implements the leg view of the order
    manager.
    """

    def __init__(
        self,
        scope: Scope,
        strategies: Iterable[str],
        starting: Decimal,
        instruments: InstrumentRegistry,
        converter: Converter,
        board: QuoteBoard,
        balances: Mapping[str, Decimal] = NO_BALANCES,
        day: DailyBoundary = UTC_MIDNIGHT,
        kept: int | None = None,
    ) -> None:
        self._scope = scope
        self.kept = kept
        self._instruments = instruments
        self.converter = converter
        self._board = board
        self._legs: dict[int, Leg] = {}
        self._next_leg = 1
        # Symbol and execution id of what was booked, where the venue gives ids.
        self._executions: set[tuple[str, str]] = set()
        self.starting = starting
        self.realized = NO_MONEY
        self.commission = NO_MONEY
        self.fees = NO_MONEY
        self.swap = NO_MONEY
        # The highest equity of the account so far, kept where several strategies share it and somebody asked for that.
        self.shared_peak_f = float(starting)
        self.account: dict[str, NetPosition] = {}
        self.strategies = {name: StrategyBook(name, balances.get(name, starting), day) for name in strategies}
        # The strategy whose money is all of the account's.
        only = list(self.strategies.values())
        self.sole = only[0] if len(only) == 1 and only[0].starting == starting else None
        self.excursions = Excursions(self, board)
        self.trades: Rows[TradeRow] = rows(kept)
        self.round_trips: Rows[RoundTrip] = rows(kept)
        self.financing: Rows[FinancingRow] = rows(kept)
        self.bars_closed: Callable[[str], int] = _no_bars
        self.audit: Callable[[], None] | None = None
        # What a replay that jumps has yet to read out of these books as they are, before anything else is booked.
        self.owed: Callable[[], None] | None = None
        self._contract_f: dict[str, float] = {}
        # Factors that never change: symbols quoted in the account's currency.
        self._factors: dict[str, float] = {}
        self._venue_gains = VenueGains()
        scope.subscribe_first(OrderFilled, self.on_fill)
        scope.subscribe_first(VenueBooked, self._on_venue_booked)
        scope.subscribe(OrderCancelled, self._on_terminal)
        scope.subscribe(OrderRejected, self._on_terminal)

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

    def account_equity_f(self) -> float:
        """What the account started with plus realized and open profit of all strategies, float64."""
        if self.sole is not None:
            return self.equity_f(self.sole)
        equity = float(self.starting)
        for book in self.strategies.values():
            equity += self.equity_f(book) - float(book.starting)
        return equity

    def _open_profit_f(self, legs: LegBook) -> float:
        last = self._board.last(legs.symbol)
        return 0.0 if last is None else self.profit_f(legs, last)

    def profit_f(self, legs: LegBook, price: float) -> float:
        """Open profit of a strategy's legs on a symbol at a price of it, float64."""
        factor = self.factor_f(legs.symbol)
        total = 0.0
        for leg in legs.all:
            total += (price - leg.entry_f) * leg.signed_f * factor
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

    def exposure_f(self) -> tuple[float, float]:
        """What all strategies hold at the last prices, float64: the sum of what each one's position in each symbol is worth,
        and of what each symbol comes to."""
        gross, nets = 0.0, dict[str, float]()
        for book in self.strategies.values():
            for legs in book.legs.values():
                last = self._board.last(legs.symbol) if legs.all else None
                if last is not None:
                    worth = legs.net_f * last * self.factor_f(legs.symbol)
                    gross += abs(worth)
                    nets[legs.symbol] = nets.get(legs.symbol, 0.0) + worth
        return gross, sum(abs(worth) for worth in nets.values())

    def unrealized(self, at: int | None = None, strategy: str | None = None) -> Decimal:
        """Open profit of the session, or of one strategy, exact, 8 decimals: summed by strategy and symbol at the last prices.
        A result that is told gives its time `at`, so that its conversions are listed."""
        parts = []
        for book in self.strategies.values() if strategy is None else (self.strategies[strategy],):
            for legs in book.open_books():
                last = self._board.last(legs.symbol)
                if last is not None:
                    price = to_decimal(last)
                    native = total(self.open_profit(leg, price) for leg in legs)
                    parts.append(self.converter.value(q8(native), legs.symbol, price, at))
        return total(parts)

    def open_profit(self, leg: Leg, price: Decimal) -> Decimal:
        """What closing the leg at `price` would realize, quote currency, exact."""
        size = self._instruments.resolve(leg.symbol).contract_size
        return exact(EXACT.subtract(price, leg.entry), leg.signed, size)

    # ------------------------------------------------------------------- fills

    def on_fill(self, fill: OrderFilled) -> None:
        """Book a fill: positions, costs, realized money, rows, in this order; then tell it as a `Trade`. An execution that
        was booked before is marked as repeated and nothing else.

        Raises LedgerError for a fill of more than the leg it is bound to, InstrumentError when its result cannot be
        converted.
        """
        name = (fill.symbol, fill.execution)
        if name in self._executions:
            fill.repeated = True
            return
        self._settle()
        instrument = self._instruments.resolve(fill.symbol)
        book = self.strategies[fill.strategy]
        costs = _costs(fill, instrument)
        self.converter.rate(fill.symbol, fill.price)  # what cannot be converted is refused before anything is booked

        if fill.execution:
            self._executions.add(name)
        legs = book.book(fill.symbol)
        before = legs.net
        change = legs.apply(fill, fill.at, self._next_leg)
        after = legs.net
        native = q8(exact(change.points, instrument.contract_size))
        gross = self.converter.exchange(native, fill.symbol, fill.price, fill.at)
        if fill.venue_profit is not None or fill.venue_flat:
            gross = self._as_at_venue(fill, change, gross)
        realized = EXACT.subtract(gross.amount, costs.net)
        self._settle_legs(fill, change, native, gross.amount, costs, instrument)
        self._book_account(fill, instrument, costs)
        book.add(realized)
        if costs is not NO_COSTS:
            self._add_costs(costs)
        book.fills, book.last_fill = book.fills + 1, fill.at
        if change.opened is not None:
            book.count_entry(fill.at)
        if change.reduced is not None:
            book.count_outcome(fill.at, realized, fill.symbol)
        self.trades.append(self._row(fill, change, realized, native, gross, costs, before, after))
        if self.audit is not None:
            self.audit()
        self._scope.publish(Trade(fill, realized, costs.commission, before, after))

    def _settle(self) -> None:
        """Something is about to be booked."""
        if self.owed is not None:
            self.owed()
        self.excursions.settle()

    def _on_terminal(self, event: OrderCancelled | OrderRejected) -> None:
        book = self.strategies.get(event.strategy)
        legs = None if book is None else book.legs.get(event.symbol)
        if legs is not None:
            legs.forget(event.order_id)

    def _as_at_venue(self, fill: OrderFilled, change: LegChange, gross: Exchanged) -> Exchanged:
        """The gain of a fill with what makes all gains of its leg the venue's sum, when nothing of the leg is left there."""
        leg = change.reduced
        own = 0 if leg is None or leg.role is LegRole.PRIMARY else leg.id
        done = leg is not None and leg.quantity == 0 and (own > 0 or fill.venue_flat)
        told = gross.amount if fill.venue_profit is None else fill.venue_profit
        more = self._venue_gains.take(fill.strategy, fill.symbol, own, told, gross.amount, done=done)
        return Exchanged(EXACT.add(gross.amount, more), gross.rate)

    def _book_account(self, fill: OrderFilled, instrument: Instrument, costs: Costs) -> None:
        position = self.account.setdefault(fill.symbol, NetPosition())
        points = position.apply(exact(fill.quantity, Decimal(fill.side.sign)), fill.price, fill.at)
        native = q8(exact(points, instrument.contract_size))
        gross = self.converter.exchange(native, fill.symbol, fill.price, fill.at).amount
        if fill.venue_profit is not None:
            gross = EXACT.add(gross, self._account_gain(fill.symbol, fill.venue_profit, gross))
        self.realized = total((self.realized, gross, -costs.net))

    def _account_gain(self, symbol: str, told: Decimal, reckoned: Decimal) -> Decimal:
        """What the account is to book beside what its netted view reckoned, once no strategy has anything open."""
        held = any(symbol in book.legs and book.legs[symbol].all for book in self.strategies.values())
        done = not held and not self._venue_gains.outstanding(symbol)
        return self._venue_gains.take(ACCOUNT, symbol, 0, told, reckoned, done=done)

    def _add_costs(self, costs: Costs) -> None:
        self.commission = EXACT.add(self.commission, costs.commission)
        self.fees = EXACT.add(self.fees, costs.fees)
        self.swap = EXACT.add(self.swap, costs.swap)

    def _settle_legs(
        self, fill: OrderFilled, change: LegChange, native: Decimal, gross: Decimal, costs: Costs, instrument: Instrument
    ) -> None:
        """Gains and costs to the legs they belong to. A flip shares the costs by lots, to the last digit."""
        leg, opened = change.reduced, change.opened
        if leg is not None:
            fill.closed_leg, fill.closed_quantity = leg.id, change.reduced_quantity
            leg.native_gross = EXACT.add(leg.native_gross, native)
            leg.gross = EXACT.add(leg.gross, gross)
            _charge(leg, costs if opened is None else costs.share(change.reduced_quantity, fill.quantity))
            if leg.quantity == 0:
                self._legs.pop(leg.id, None)
                bars = self.bars_closed(leg.symbol) - leg.opened_bar
                leg.observe(float(fill.price), float(fill.price))
                trip = round_trip(leg, fill, self.converter.currency(fill.symbol), bars)
                self.round_trips.append(trip)
                book = self.strategies[fill.strategy]
                book.closed += 1
                book.won += trip.net > 0
        if opened is not None:
            if opened.id == self._next_leg:
                self._legs[opened.id] = opened
                self._next_leg += 1
                opened.opened_bar = self.bars_closed(fill.symbol)
            _charge(opened, costs if leg is None else costs.without(costs.share(change.reduced_quantity, fill.quantity)))
            if fill.initial_risk is not None:
                risk = exact(fill.initial_risk, change.opened_quantity, instrument.contract_size)
                opened.risk = EXACT.add(opened.risk, self.converter.value(risk, fill.symbol, fill.price))
            fill.opened_leg, fill.opened_quantity = opened.id, change.opened_quantity

    def _row(
        self,
        fill: OrderFilled,
        change: LegChange,
        realized: Decimal,
        native: Decimal,
        gross: Exchanged,
        costs: Costs,
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
            commission=costs.commission,
            slippage=EXACT.subtract(fill.price, fill.reference) * fill.side.sign,
            gross=gross.amount,
            native_currency=self.converter.currency(fill.symbol),
            fx_rate=gross.rate,
            position_before=before,
            position_after=after,
            native_gross=native,
            fees=costs.fees,
            swap=costs.swap,
            opened=change.opened_quantity,
            closed=change.reduced_quantity,
        )

    # --------------------------------------------------------------- financing

    def book_swap(self, leg: Leg, row: FinancingRow) -> None:
        """Book the financing of one leg at one rollover."""
        self._settle()
        leg.swap = EXACT.add(leg.swap, row.amount)
        self.strategies[row.strategy].add(row.amount)
        self.realized = EXACT.add(self.realized, row.amount)
        self.swap = EXACT.add(self.swap, row.amount)
        self.financing.append(row)
        if self.audit is not None:
            self.audit()

    def _on_venue_booked(self, event: VenueBooked) -> None:
        """Book what a venue moved without a fill: its costs at once, its gain with what else the primary leg differs by."""
        self._settle()
        book = self.strategies[event.strategy]
        done = event.flat and book.book(event.symbol).primary is None
        gain = self._venue_gains.take(event.strategy, event.symbol, 0, event.profit, ZERO, done=done)
        costs = _billed(event.costs)
        amount = q8(EXACT.subtract(gain, costs.net))
        self.realized = total((self.realized, self._account_gain(event.symbol, event.profit, ZERO), -costs.net))
        if amount:
            book.add(amount)
            self.swap = EXACT.add(self.swap, amount)
            self.financing.append(venue_row(event, amount, self.converter.account))
        if self.audit is not None:
            self.audit()


def _costs(fill: OrderFilled, instrument: Instrument) -> Costs:
    """What the venue billed, or what the instrument's terms say."""
    if fill.venue_costs is not None:
        return _billed(fill.venue_costs)
    if not instrument.commission_per_lot:
        return NO_COSTS
    return Costs(q8(exact(instrument.commission_per_lot, fill.quantity)))


def _billed(costs: tuple[VenueCost, ...]) -> Costs:
    commission, fees, swap = (
        q8(total(cost.amount for cost in costs if cost.kind is kind))
        for kind in (CostKind.COMMISSION, CostKind.FEE, CostKind.SWAP)
    )
    return Costs(commission, fees, -swap)


def _charge(leg: Leg, costs: Costs) -> None:
    if costs is NO_COSTS:
        return
    leg.commission = EXACT.add(leg.commission, costs.commission)
    leg.fees = EXACT.add(leg.fees, costs.fees)
    leg.swap = EXACT.add(leg.swap, costs.swap)


def _no_bars(symbol: str) -> int:  # noqa: ARG001 - books without a feed of candles
    return 0
