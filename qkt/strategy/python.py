"""Strategies written in Python. They see what compiled strategies see, and their signals take the same way."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import ClassVar, TypeAlias

from qkt.core.errors import StrategyError
from qkt.core.events import Candle, LatchBroken, OrderFilled, PositionExited, Tick
from qkt.core.numbers import ZERO, q8, to_decimal
from qkt.core.terms import OrderKind, Side, TimeInForce
from qkt.core.timeframe import Timeframe
from qkt.core.watch import NEVER
from qkt.strategy.context import Context, LegSize, PositionView
from qkt.strategy.protocol import StreamSpec
from qkt.strategy.signals import (
    BracketSpec,
    CancelSignal,
    CloseSignal,
    EnterSignal,
    ExitForm,
    ExitPrice,
)

Amount: TypeAlias = float | int | str | Decimal
ParamValue: TypeAlias = float | int | bool | str

STREAM = re.compile(r"^(?P<prefix>\w+):(?P<symbol>[\w.\-]+)\s+(?P<timeframe>\d+[smhdw])$")


def at(price: Amount) -> ExitPrice:
    """A protective exit at an absolute price."""
    return ExitPrice(ExitForm.AT, amount(price))


def by(distance: Amount) -> ExitPrice:
    """A protective exit this far from the fill, in price units."""
    return ExitPrice(ExitForm.BY, amount(distance))


def pct(percent: Amount) -> ExitPrice:
    """A protective exit this many percent from the fill."""
    return ExitPrice(ExitForm.PCT, amount(percent))


def rr(multiple: Amount) -> ExitPrice:
    """A target at this multiple of the stop's distance."""
    return ExitPrice(ExitForm.RR, amount(multiple))


def amount(value: Amount) -> Decimal:
    """A quantity or price as Decimal; floats through their 12 significant digits. Raises StrategyError for no number."""
    try:
        found = to_decimal(value) if isinstance(value, float) else Decimal(value)
    except (ArithmeticError, ValueError):
        found = None
    if found is None or not found.is_finite():
        raise StrategyError(f"{value!r} is no finite number")
    return found


class Strategy:
    """Base class: declare `streams`, override the handlers, act with `buy`, `sell`, `close`, `cancel`.

    `streams` maps an alias to `PREFIX:SYMBOL TIMEFRAME`, such as {"eur": "BACKTEST:EURUSD 1m"}. `params` are defaults
    that `--param NAME=VALUE` replaces; read them from `self.params`. Overriding `on_tick` makes the replay deliver every
    tick. Handlers run one after another; an exception stops the strategy.
    """

    streams: ClassVar[Mapping[str, str]] = {}
    params: Mapping[str, ParamValue] = {}
    context: Context

    def on_start(self) -> None:
        """Before the first event; `self.context` is there."""

    def on_tick(self, tick: Tick) -> None:
        """Every tick of the declared symbols, after pending orders were matched against it."""

    def on_candle(self, candle: Candle) -> None:
        """A candle of a declared stream closed; `candle.stream` is its alias."""

    def on_fill(self, fill: OrderFilled) -> None:
        """One of the strategy's orders was filled, exits included; positions are up to date."""

    def on_stop(self) -> None:
        """After the last event."""

    # ----------------------------------------------------------------- looking

    def symbol(self, stream: str) -> str:
        """The market id of a stream."""
        text = self.streams.get(stream)
        if text is None:
            close = difflib.get_close_matches(stream, self.streams, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"declared are {', '.join(self.streams)}"
            raise StrategyError(f"no stream named '{stream}'", where=type(self).__name__, remedy=hint)
        return text.split()[0]

    def position(self, stream: str) -> PositionView:
        return self.context.position(self.symbol(stream))

    # ------------------------------------------------------------------ acting

    def buy(
        self,
        stream: str,
        quantity: Amount,
        *,
        limit: Amount | None = None,
        stop: Amount | None = None,
        stop_loss: ExitPrice | None = None,
        take_profit: ExitPrice | None = None,
        good_till: int | None = None,
    ) -> bool:
        """Buy lots at market, or with `limit` and `stop` as a limit, stop or stop-limit order.

        Exits are given with `at`, `by`, `pct`, `rr` and anchored at the fill. `good_till` is epoch ms. Returns whether the
        order passed risk and was not refused at once. Raises StrategyError for a quantity or price that is not positive.
        """
        return self._enter(Side.BUY, stream, quantity, limit, stop, stop_loss, take_profit, good_till)

    def sell(
        self,
        stream: str,
        quantity: Amount,
        *,
        limit: Amount | None = None,
        stop: Amount | None = None,
        stop_loss: ExitPrice | None = None,
        take_profit: ExitPrice | None = None,
        good_till: int | None = None,
    ) -> bool:
        """Sell lots; the mirror of `buy`."""
        return self._enter(Side.SELL, stream, quantity, limit, stop, stop_loss, take_profit, good_till)

    def close(self, stream: str, quantity: Amount | None = None) -> bool:
        """Cancel the working entries on the stream's symbol, then close its legs at market, or `quantity` of them, oldest
        first. Never opens a position."""
        symbol, name = self.symbol(stream), self.context.strategy
        legs = self.context.legs(symbol)
        if quantity is not None:
            legs = _part_of(legs, amount(quantity))
        close = [CloseSignal(name, symbol, None, legs)] if legs else []
        return self.context.fire(None, [CancelSignal(name, symbol, None), *close])

    def cancel(self, stream: str, *, including_protection: bool = False) -> None:
        """Cancel the working entries on the stream's symbol, its protective exits only when asked to."""
        symbol = self.symbol(stream)
        self.context.fire(None, [CancelSignal(self.context.strategy, symbol, None, including_protection)])

    def log(self, text: str, level: str = "INFO") -> None:
        """Write a line to the strategy's log: DEBUG, INFO, WARN or ERROR."""
        self.context.log(level, text)

    def _enter(
        self,
        side: Side,
        stream: str,
        quantity: Amount,
        limit: Amount | None,
        stop: Amount | None,
        stop_loss: ExitPrice | None,
        take_profit: ExitPrice | None,
        good_till: int | None,
    ) -> bool:
        lots = _positive("quantity", quantity)
        limit_price = None if limit is None else q8(_positive("limit", limit))
        stop_price = None if stop is None else q8(_positive("stop", stop))
        bracket = BracketSpec(stop_loss, take_profit) if stop_loss or take_profit else None
        kind = {
            (False, False): OrderKind.MARKET,
            (True, False): OrderKind.LIMIT,
            (False, True): OrderKind.STOP,
            (True, True): OrderKind.STOP_LIMIT,
        }[(limit is not None, stop is not None)]
        signal = EnterSignal(
            self.context.strategy,
            self.symbol(stream),
            None,
            side,
            lots,
            stop_price or limit_price,
            kind,
            limit_price,
            stop_price,
            tif=TimeInForce.GTC if good_till is None else TimeInForce.GTD,
            expires_at=good_till,
            bracket=bracket,
            plain=kind is OrderKind.MARKET and bracket is None,
        )
        return self.context.fire(None, [signal])


def _positive(what: str, value: Amount) -> Decimal:
    found = amount(value)
    if found <= 0:
        raise StrategyError(f"{what} {value!r} is not positive")
    return found


def _part_of(legs: Sequence[LegSize], quantity: Decimal) -> tuple[LegSize, ...]:
    """The oldest legs up to a total quantity."""
    part = []
    for leg in legs:
        size = min(leg.quantity, quantity)
        if size > ZERO:
            part.append(leg._replace(quantity=size))
            quantity -= size
    return tuple(part)


class PythonStrategy:
    """Runs a user's `Strategy`: implements `RunnableStrategy` around it."""

    wants_volume = True
    due = NEVER

    def __init__(self, strategy: Strategy, name: str, code_file: Path | None = None) -> None:
        self.name = name
        self.code_file = code_file
        self._strategy = strategy
        self.streams = _streams(strategy)
        self.wants_ticks = type(strategy).on_tick is not Strategy.on_tick

    def on_start(self, context: Context) -> None:
        self._strategy.context = context
        self._strategy.on_start()

    def on_tick(self, tick: Tick) -> None:
        self._strategy.on_tick(tick)

    def on_candle(self, candle: Candle) -> None:
        self._strategy.on_candle(candle)

    def on_fill(self, fill: OrderFilled) -> None:
        self._strategy.on_fill(fill)

    def on_time(self, ts: int) -> None:
        """Python strategies set no timers."""

    def on_latch(self, broken: LatchBroken) -> None:
        """Python strategies arm no latches."""

    def on_exit(self, exit_: PositionExited) -> None:
        """Python strategies hear of exits as fills."""

    def on_stop(self) -> None:
        self._strategy.on_stop()

    def rearm(self, rule: int) -> None:
        """Python strategies have no rules: they hear of refusals through the return values of buy and sell."""


def _streams(strategy: Strategy) -> tuple[StreamSpec, ...]:
    where = type(strategy).__name__
    if not strategy.streams:
        raise StrategyError("no streams are declared", where=where, expected='streams = {"eur": "BACKTEST:EURUSD 1m"}')
    specs = []
    for alias, text in strategy.streams.items():
        match = STREAM.match(text)
        if match is None:
            raise StrategyError(f"stream '{alias}' is {text!r}", where=where, expected="PREFIX:SYMBOL TIMEFRAME")
        specs.append(StreamSpec(alias, f"{match['prefix']}:{match['symbol']}", Timeframe.parse(match["timeframe"])))
    return tuple(specs)
