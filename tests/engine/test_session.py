"""One session: when things happen on a tick, and what the equity curve holds."""

from decimal import Decimal

import pytest

from qkt.core.bus import EventBus
from qkt.core.clock import EventClock
from qkt.core.errors import StrategyError
from qkt.core.events import Candle, Tick
from qkt.engine import SessionSettings, TickBoard, assemble
from tests.market import GOLD, SILVER, Market, Script, at, by


def candles_of(market: Market) -> list[tuple[int, float, float, float, float]]:
    return [(c.start, c.open, c.high, c.low, c.close) for c in market.told(Candle)]  # type: ignore[attr-defined]


def test_a_rule_on_the_close_trades_at_the_first_tick_of_a_later_bar() -> None:
    market = Market(start=0)
    market.script.candle = lambda candle: market.buy(1)
    market.quote("412.5", "412.7", at=299_000)
    market.quote("413.0", "413.2", at=300_120)
    assert [(fill.at, fill.price) for fill in market.fills] == [(300_120, Decimal("413.2"))]


def test_a_pending_order_of_a_close_is_not_filled_by_the_tick_that_closed_the_bar() -> None:
    market = Market(start=0)
    market.script.candle = lambda candle: market.buy(1, limit=420)
    market.quote(412, 413, at=59_000)
    market.quote(412, 413, at=60_000)
    assert market.fills == []
    market.script.candle = lambda candle: None
    market.quote(412, 413, at=60_500)
    assert len(market.fills) == 1


def test_a_quiet_window_makes_no_candle_and_the_old_one_keeps_its_end() -> None:
    market = Market(start=0)
    market.quote(10, 10, at=1_000)
    market.quote(12, 12, at=500_000)
    market.quote(11, 11, at=545_000)
    assert candles_of(market) == [(0, 10, 10, 10, 10), (480_000, 12, 12, 12, 12)]


def test_the_evaluation_time_is_the_candles_end_and_a_fills_own_time() -> None:
    market = Market(start=0)
    seen: list[tuple[str, int]] = []

    def candle(closed: Candle) -> None:
        seen.append(("candle", market.script.context.time))
        market.buy(1)
        seen.append(("after", market.script.context.time))

    market.script.candle = candle
    market.script.fill = lambda fill: seen.append(("fill", market.script.context.time))
    market.quote(10, 10, at=30_000)
    market.quote(10, 10, at=61_500)
    assert seen == [("candle", 60_000), ("fill", 61_500), ("after", 60_000)]


def test_a_stop_and_a_candle_on_one_tick_the_stop_comes_first() -> None:
    market = Market(start=0)
    market.quote(100, 100, at=1_000)
    market.buy(1, stop_loss=by(5))
    nets: list[Decimal] = []
    market.script.candle = lambda candle: nets.append(market.net())
    market.quote(90, 90, at=60_000)
    assert nets == [0]


def test_a_later_handler_sees_what_an_earlier_order_did() -> None:
    market = Market(start=0)
    market.script.candle = lambda candle: (market.buy(1), market.buy(market.net()))  # type: ignore[assignment, func-returns-value]
    market.quote(100, 100, at=1_000)
    market.quote(100, 100, at=60_000)
    assert market.net() == 2


def test_equity_is_marked_with_the_bars_own_prices_not_with_the_tick_that_closed_it() -> None:
    market = Market(start=0)
    market.quote(100, 100, at=1_000)
    market.buy(1)
    market.quote(103, 103, at=59_000)
    market.quote(50, 50, at=61_000)
    market.session.end()
    curve = list(zip(market.session.equity.times, market.session.equity.values, strict=True))
    assert curve == [(1_000, 10_000), (60_000, 10_003), (61_000, 9_950)]


def test_a_fill_of_the_closing_tick_belongs_to_the_next_sample() -> None:
    market = Market(start=0)
    market.quote(100, 100, at=1_000)
    market.buy(1, stop_loss=at(95))
    market.quote(102, 102, at=59_000)
    market.quote(90, 90, at=60_500)
    market.session.end()
    assert list(market.session.equity.values) == [10_000, 10_002, 9_990]


def test_with_several_symbols_one_sample_marks_all_of_them() -> None:
    market = Market(GOLD, SILVER, start=0)
    market.quote(100, 100, at=1_000)
    market.quote(20, 20, at=2_000, symbol=SILVER)
    market.buy(1)
    market.buy(1, symbol=SILVER)
    market.quote(110, 110, at=30_000)
    market.quote(21, 21, at=60_500, symbol=SILVER)
    market.quote(111, 111, at=61_000)
    assert list(market.session.equity.values) == [10_000, 10_010]


def test_a_first_candle_that_began_before_the_data_asked_for_is_not_published() -> None:
    clock, script = EventClock(), Script(GOLD)
    settings = SessionSettings(begin=30_000, instruments=Market().settings.instruments)
    session = assemble(script, settings, EventBus(clock), clock, TickBoard())
    seen: list[int] = []
    script.candle = lambda candle: seen.append(candle.start)
    for ts in (30_000, 60_000, 120_000):
        session.on_tick(Tick(GOLD, ts, 10.0))
    assert seen == [60_000]


def test_a_strategy_that_raises_is_told_to_the_owner_of_its_scope() -> None:
    clock, script = EventClock(), Script(GOLD)
    faults: list[Exception] = []
    settings = SessionSettings(instruments=Market().settings.instruments)
    session = assemble(script, settings, EventBus(clock), clock, TickBoard(), on_fault=faults.append)

    def fails(candle: Candle) -> None:
        raise ZeroDivisionError

    script.candle = fails
    for ts in (1_000, 60_000):
        session.on_tick(Tick(GOLD, ts, 10.0))
    assert [type(fault) for fault in faults] == [ZeroDivisionError]


def test_a_session_needs_a_stream() -> None:
    clock = EventClock()
    with pytest.raises(StrategyError, match="no stream is declared"):
        assemble(Script(), SessionSettings(), EventBus(clock), clock, TickBoard())
