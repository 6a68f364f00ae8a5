"""A small market for tests: one session on the paper broker, driven quote by quote."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from qkt.brokers.paper import ExecutionSettings
from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.events import Candle, Event, LatchBroken, OrderFilled, PositionExited, Tick
from qkt.core.instruments import Instrument, InstrumentRegistry
from qkt.core.terms import OrderKind, Side, TimeInForce
from qkt.core.timeframe import Timeframe
from qkt.core.watch import NEVER
from qkt.engine import Session, SessionSettings, TickBoard, assemble
from qkt.ledger import Books
from qkt.orders import Order
from qkt.risk import RiskLimits
from qkt.strategy import (
    BracketSpec,
    CancelSignal,
    CloseSignal,
    Context,
    EnterSignal,
    ExitForm,
    ExitPrice,
    ScaleOut,
    ScaleOutPart,
    Signal,
    SteppedExit,
    StopSpec,
    StopStep,
    StreamSpec,
    TargetSpec,
    TighteningExit,
    Trail,
    TrailingExit,
)

GOLD = "SIM:GOLD"
SILVER = "SIM:SILVER"


def instrument(symbol: str = "GOLD", **terms: object) -> Instrument:
    values: dict[str, object] = {
        "symbol": symbol,
        "contract_size": Decimal(1),
        "digits": 2,
        "point_size": Decimal("0.01"),
        "volume_min": Decimal("0.01"),
        "volume_step": Decimal("0.01"),
        "quote_currency": "USD",
    }
    return Instrument(**(values | terms))  # type: ignore[arg-type]


class Script:
    """A strategy without a will: tests fire its signals and hang handlers on its events."""

    name = "script"
    wants_ticks = False
    due = NEVER
    wants_volume = True

    def __init__(self, *symbols: str, timeframe: str = "1m") -> None:
        frame = Timeframe.parse(timeframe)
        self.streams = tuple(StreamSpec(f"s{n}", symbol, frame) for n, symbol in enumerate(symbols))
        self.context: Context
        self.rearmed: list[int] = []
        self.candle: Callable[[Candle], None] = lambda candle: None
        self.fill: Callable[[OrderFilled], None] = lambda fill: None
        self.latch: Callable[[LatchBroken], None] = lambda broken: None
        self.exit: Callable[[PositionExited], None] = lambda exit_: None

    def on_start(self, context: Context) -> None:
        self.context = context

    def on_tick(self, tick: Tick) -> None: ...

    def on_candle(self, candle: Candle) -> None:
        self.candle(candle)

    def on_fill(self, fill: OrderFilled) -> None:
        self.fill(fill)

    def on_time(self, ts: int) -> None: ...

    def on_latch(self, broken: LatchBroken) -> None:
        self.latch(broken)

    def on_exit(self, exit_: PositionExited) -> None:
        self.exit(exit_)

    def on_stop(self) -> None: ...

    def rearm(self, rule: int) -> None:
        self.rearmed.append(rule)


class Market:
    """Quotes go in, fills come out. Every quote is one second after the one before unless it says `at`."""

    def __init__(
        self,
        *symbols: str,
        execution: ExecutionSettings | None = None,
        terms: dict[str, Instrument] | None = None,
        balance: str = "10000",
        currency: str = "USD",
        start: int = 60_000,
        markets: tuple[str, ...] = (),
        limits: RiskLimits | None = None,
        real: bool = False,
    ) -> None:
        symbols = symbols or (GOLD,)
        self.script = Script(*symbols)
        table = {symbol.rpartition(":")[2]: instrument(symbol.rpartition(":")[2]) for symbol in symbols}
        clock = EventClock()
        self.settings = SessionSettings(
            Decimal(balance),
            currency,
            InstrumentRegistry.standard().with_layer(table | (terms or {})),
            execution or ExecutionSettings(),
            limits=limits or RiskLimits(),
            markets=markets,
            real=real,
        )
        self.session: Session = assemble(self.script, self.settings, EventBus(clock), clock, TickBoard(), on_fault=_raise)
        self.symbol = symbols[0]
        self.now = start - 1_000
        self.events: list[Event] = []
        self.session.scope.tap(self.events.append)

    @property
    def books(self) -> Books:
        return self.session.books

    @property
    def fills(self) -> list[OrderFilled]:
        return [event for event in self.told(OrderFilled) if isinstance(event, OrderFilled)]

    @property
    def working(self) -> list[Order]:
        return self.session.orders.live_orders()

    def told(self, kind: type[Event]) -> list[Event]:
        """Events of a class in the order of publishing; a tap hears nested ones first."""
        return sorted((event for event in self.events if type(event) is kind), key=lambda event: event.seq)

    def quote(self, bid: object, ask: object | None = None, *, at: int | None = None, symbol: str | None = None) -> None:
        """One tick; without an ask the bid is a trade without quotes."""
        self.now = self.now + 1_000 if at is None else at
        low = float(str(bid))
        if ask is None:
            tick = Tick(symbol or self.symbol, self.now, low)
        else:
            high = float(str(ask))
            tick = Tick(symbol or self.symbol, self.now, round((low + high) / 2, 8), low, high)
        self.session.on_tick(tick)

    def fire(self, *signals: Signal, rule: int | None = None) -> bool:
        return self.script.context.fire(rule, signals)

    def entry(
        self,
        side: Side,
        quantity: object,
        *,
        limit: object | None = None,
        stop: object | None = None,
        trail: Trail | None = None,
        limit_offset: object | None = None,
        stop_loss: StopSpec | None = None,
        take_profit: TargetSpec | None = None,
        good_till: int | None = None,
        tif: TimeInForce = TimeInForce.GTC,
        time_exit_ms: int | None = None,
        symbol: str | None = None,
        rule: int | None = None,
        **follows: object,
    ) -> EnterSignal:
        """The signal of an entry. `follows` are the fields of it that say what comes after the fill."""
        kind = {
            (False, False): OrderKind.MARKET,
            (True, False): OrderKind.LIMIT,
            (False, True): OrderKind.STOP,
            (True, True): OrderKind.STOP_LIMIT,
        }[(limit is not None, stop is not None)]
        if trail is not None:
            kind = OrderKind.TRAILING_STOP if limit_offset is None else OrderKind.TRAILING_STOP_LIMIT
        return EnterSignal(
            "script",
            symbol or self.symbol,
            rule,
            side,
            Decimal(str(quantity)),
            None,
            kind,
            None if limit is None else Decimal(str(limit)),
            None if stop is None else Decimal(str(stop)),
            trail=trail,
            tif=tif,
            expires_at=good_till,
            bracket=BracketSpec(stop_loss, take_profit) if stop_loss or take_profit else None,
            time_exit_ms=time_exit_ms,
            limit_offset=None if limit_offset is None else Decimal(str(limit_offset)),
            **follows,  # type: ignore[arg-type]
        )

    def enter(self, side: Side, quantity: object, *, rule: int | None = None, **how: object) -> bool:
        return self.fire(self.entry(side, quantity, rule=rule, **how), rule=rule)  # type: ignore[arg-type]

    def buy(self, quantity: object, **how: object) -> bool:
        return self.enter(Side.BUY, quantity, **how)

    def sell(self, quantity: object, **how: object) -> bool:
        return self.enter(Side.SELL, quantity, **how)

    def close(self, symbol: str | None = None) -> bool:
        name = symbol or self.symbol
        return self.fire(CancelSignal("script", name, None), CloseSignal("script", name, None, self.script.context.legs(name)))

    def cancel(self, including_protection: bool = False) -> bool:
        return self.fire(CancelSignal("script", self.symbol, None, including_protection))

    def net(self, symbol: str | None = None) -> Decimal:
        return self.books.net_quantity("script", symbol or self.symbol)

    def levels(self) -> dict[str, tuple[str, Decimal]]:
        """Working orders: id -> (quantity, level)."""
        found = {}
        for order in self.working:
            level = order.limit if order.kind is OrderKind.LIMIT else order.stop
            assert level is not None
            found[order.id] = (f"{order.remaining.normalize():f}", level)
        return found


def by(distance: object) -> ExitPrice:
    return ExitPrice(ExitForm.BY, Decimal(str(distance)))


def at(price: object) -> ExitPrice:
    return ExitPrice(ExitForm.AT, Decimal(str(price)))


def pct(percent: object) -> ExitPrice:
    return ExitPrice(ExitForm.PCT, Decimal(str(percent)))


def rr(multiple: object) -> ExitPrice:
    return ExitPrice(ExitForm.RR, Decimal(str(multiple)))


def trailing(distance: object, arm_after: object = 0) -> TrailingExit:
    return TrailingExit(Trail(ExitForm.BY, Decimal(str(distance))), Decimal(str(arm_after)))


def stepped(distance: object, *steps: tuple[object, object]) -> SteppedExit:
    """Steps as (threshold, offset)."""
    return SteppedExit(Decimal(str(distance)), tuple(StopStep(Decimal(str(t)), Decimal(str(o))) for t, o in steps))


def tightening(distance: object, by: object, every_ms: int, floor: object) -> TighteningExit:
    return TighteningExit(Decimal(str(distance)), Decimal(str(by)), every_ms, Decimal(str(floor)))


def parts(*of: tuple[object, ExitPrice]) -> ScaleOut:
    """Targets as (fraction, price)."""
    return ScaleOut(tuple(ScaleOutPart(Decimal(str(fraction)), price) for fraction, price in of))


def _raise(problem: Exception) -> None:
    raise problem
