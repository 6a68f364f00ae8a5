"""Strategies written in Python. They see what compiled strategies see, and their signals take the same way."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import ClassVar, NamedTuple, TypeAlias

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
    ScaleOut,
    ScaleOutPart,
    StopSpec,
    TargetSpec,
    Trail,
    TrailingExit,
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


def trailing(distance: ExitPrice, arm_after: Amount = 0) -> TrailingExit:
    """A stop that follows the best price since the fill at a distance (`by` or `pct`), once the price has moved `arm_after`
    price units in favour."""
    return TrailingExit(_trail(distance), amount(arm_after))


def parts(*targets: tuple[Amount, ExitPrice]) -> ScaleOut:
    """A target in parts, each a fraction of what was filled and its price. What no part takes runs on under the stop."""
    found = tuple(ScaleOutPart(_positive("fraction", fraction), price) for fraction, price in targets)
    if sum(part.fraction for part in found) > 1:
        raise StrategyError("the fractions of a target add up to more than 1")
    return ScaleOut(found)


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
        trail: ExitPrice | None = None,
        stop_loss: StopSpec | None = None,
        take_profit: TargetSpec | None = None,
        tif: TimeInForce = TimeInForce.GTC,
        good_till: int | None = None,
        time_exit_ms: int | None = None,
    ) -> bool:
        """Buy lots at market, or with `limit` and `stop` as a limit, stop or stop-limit order, or with `trail` (`by` or `pct`)
        when the price has come back so far from its extreme.

        Exits are given with `at`, `by`, `pct`, `rr`, `trailing`, `parts` and anchored at the fill. `good_till` is epoch ms.
        `time_exit_ms` closes what this order opened so long after its fill. Returns whether the order passed risk and was not
        refused at once. Raises StrategyError for a quantity or price that is not positive.
        """
        terms = _terms(limit, stop, trail, stop_loss, take_profit, tif, good_till, time_exit_ms)
        return self._enter(Side.BUY, stream, quantity, terms)

    def sell(
        self,
        stream: str,
        quantity: Amount,
        *,
        limit: Amount | None = None,
        stop: Amount | None = None,
        trail: ExitPrice | None = None,
        stop_loss: StopSpec | None = None,
        take_profit: TargetSpec | None = None,
        tif: TimeInForce = TimeInForce.GTC,
        good_till: int | None = None,
        time_exit_ms: int | None = None,
    ) -> bool:
        """Sell lots; the mirror of `buy`."""
        terms = _terms(limit, stop, trail, stop_loss, take_profit, tif, good_till, time_exit_ms)
        return self._enter(Side.SELL, stream, quantity, terms)

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

    def _enter(self, side: Side, stream: str, quantity: Amount, terms: _Terms) -> bool:
        lots = _positive("quantity", quantity)
        reference = terms.stop or terms.limit
        signal = EnterSignal(self.context.strategy, self.symbol(stream), None, side, lots, reference, **terms._asdict())
        return self.context.fire(None, [signal])


class _Terms(NamedTuple):
    """The fields of an entry besides what is traded and how much."""

    kind: OrderKind
    limit: Decimal | None
    stop: Decimal | None
    trail: Trail | None
    tif: TimeInForce
    expires_at: int | None
    bracket: BracketSpec | None
    time_exit_ms: int | None
    plain: bool


def _terms(
    limit: Amount | None,
    stop: Amount | None,
    trail: ExitPrice | None,
    stop_loss: StopSpec | None,
    take_profit: TargetSpec | None,
    tif: TimeInForce,
    good_till: int | None,
    time_exit_ms: int | None,
) -> _Terms:
    kind = {
        (False, False, False): OrderKind.MARKET,
        (True, False, False): OrderKind.LIMIT,
        (False, True, False): OrderKind.STOP,
        (True, True, False): OrderKind.STOP_LIMIT,
        (False, False, True): OrderKind.TRAILING_STOP,
    }.get((limit is not None, stop is not None, trail is not None))
    if kind is None:
        raise StrategyError("a trailing order has no limit and no stop of its own")
    bracket = BracketSpec(stop_loss, take_profit) if stop_loss or take_profit else None
    return _Terms(
        kind=kind,
        limit=None if limit is None else q8(_positive("limit", limit)),
        stop=None if stop is None else q8(_positive("stop", stop)),
        trail=None if trail is None else _trail(trail),
        tif=tif if good_till is None else TimeInForce.GTD,
        expires_at=good_till,
        bracket=bracket,
        time_exit_ms=time_exit_ms,
        plain=kind is OrderKind.MARKET and bracket is None and time_exit_ms is None,
    )


def _trail(distance: ExitPrice) -> Trail:
    if distance.form is ExitForm.BY or distance.form is ExitForm.PCT:
        return Trail(distance.form, _positive("trail", distance.value))
    raise StrategyError("a trail is a distance", expected="by(...) or pct(...)")


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
