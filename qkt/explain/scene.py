"""A run as it stood after one of its inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from qkt.backtest.result import as_data
from qkt.core.events import Candle, Event
from qkt.core.numbers import q8, to_decimal
from qkt.engine import Stage
from qkt.explain.life import Step, order_words, told
from qkt.explain.witness import keep_latest
from qkt.lang.compiled import CompiledStrategy
from qkt.lang.looking import LookedAt


@dataclass(frozen=True, slots=True)
class Market:
    """The newest quote of a symbol, None where there is none yet."""

    symbol: str
    price: float | None
    bid: float | None
    ask: float | None


@dataclass(frozen=True, slots=True)
class Bar:
    """The latest closed bar of a stream, [start, end) in epoch ms."""

    stream: str
    start: int
    end: int
    open: float
    high: float
    low: float
    close: float


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with its terms as they are now; `armed` tells whether it may fire."""

    strategy: str
    number: int
    text: str
    armed: bool
    terms: tuple[LookedAt, ...]


@dataclass(frozen=True, slots=True)
class Holding:
    """An open leg; `profit` in account currency at the newest price."""

    strategy: str
    symbol: str
    side: str
    quantity: Decimal
    entry: Decimal
    opened: int
    profit: Decimal


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything at one place: what the input led to (`happened`), the market, the rules, what is held and what works. Money in
    account currency."""

    run: str
    place: int
    length: int
    at: int
    happened: tuple[Step, ...]
    markets: tuple[Market, ...]
    bars: tuple[Bar, ...]
    rules: tuple[Rule, ...]
    holdings: tuple[Holding, ...]
    orders: tuple[str, ...]
    fills: int
    balance: Decimal
    equity: Decimal

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        data: dict[str, Any] = as_data(self)
        return data


class SceneMaker:
    """Attends a run that ends at a place, and draws what is there then."""

    def __init__(self, stage: Stage, place: int) -> None:
        self._stage = stage
        self._place = place
        self._happened: list[tuple[int, Step]] = []
        self._candles: dict[str, dict[str, Candle]] = {}
        session = stage.session
        for trader in session.traders:
            candles = self._candles[trader.name] = {}
            trader.scope.subscribe_first(Candle, partial(keep_latest, candles))
        session.scope.tap(self._on_event)

    def scene(self, run: str, length: int) -> Scene:
        """The scene, once the run has come to its end."""
        session = self._stage.session
        books = session.books
        symbols = dict.fromkeys(one.symbol for trader in session.traders for one in trader.strategy.streams if one.fed)
        balance = books.starting + sum((book.realized for book in books.strategies.values()), Decimal(0))
        return Scene(
            run=run,
            place=self._place,
            length=length,
            at=session.last_ts,
            happened=tuple(step for _, step in sorted(self._happened, key=lambda one: one[0])),
            markets=tuple(self._market(symbol) for symbol in symbols),
            bars=tuple(_bar(candle) for candles in self._candles.values() for candle in candles.values()),
            rules=tuple(self._rules()),
            holdings=tuple(self._holdings()),
            orders=tuple(f"{order.id}: {order_words(order)}" for order in session.orders.live_orders()),
            fills=len(books.trades),
            balance=balance,
            equity=balance + books.unrealized(session.last_ts),
        )

    def _on_event(self, event: Event) -> None:
        if self._stage.place() == self._place:
            text = told(event)
            if text is not None:
                self._happened.append((event.seq, Step(event.at, text)))

    def _market(self, symbol: str) -> Market:
        quote = self._stage.board.quote(symbol)
        return Market(symbol, None, None, None) if quote is None else Market(symbol, quote.price, quote.bid, quote.ask)

    def _rules(self) -> Iterator[Rule]:
        for trader in self._stage.session.traders:
            strategy = trader.strategy
            if isinstance(strategy, CompiledStrategy):
                for index, text in enumerate(strategy.rules):
                    terms = strategy.look(index, self._candles[trader.name], self._stage.session.last_ts)
                    yield Rule(trader.name, index + 1, text, not strategy.memory.fired[index], terms)

    def _holdings(self) -> Iterator[Holding]:
        books = self._stage.session.books
        for book in books.strategies.values():
            for legs in book.open_books():
                last = self._stage.board.last(legs.symbol)
                price = to_decimal(last or 0.0)
                for leg in legs:
                    profit = books.converter.value(q8(books.open_profit(leg, price)), legs.symbol, price)
                    yield Holding(book.strategy, leg.symbol, leg.side.value, leg.quantity, leg.entry, leg.opened_at, profit)


def _bar(candle: Candle) -> Bar:
    return Bar(candle.stream, candle.start, candle.end, candle.open, candle.high, candle.low, candle.close)
