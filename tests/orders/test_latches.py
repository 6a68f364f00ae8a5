"""Latches: which tick or candle confirms the break of a wire."""

from decimal import Decimal

import pytest

from qkt.core.events import LatchBroken
from qkt.core.terms import Side
from qkt.strategy import Confirmation, LatchSignal
from tests.market import GOLD, SILVER, Market

MINUTE = 60_000


@pytest.fixture
def market() -> Market:
    market = Market(GOLD, SILVER)
    market.quote(100, symbol=SILVER)
    market.quote(100)
    return market


def arm(
    market: Market, confirm: Confirmation | None = None, *, up: int = 102, down: int = 98, ms: int = 600_000, n: int = 0
) -> None:
    market.fire(LatchSignal("script", GOLD, 7, n, "s0", Decimal(up), Decimal(down), ms, confirm), rule=7)


def broken(market: Market) -> list[tuple[int, Decimal, int]]:
    return [(event.direction, event.level, event.time) for event in market.told(LatchBroken) if isinstance(event, LatchBroken)]


def walk(market: Market, *prices: object) -> list[object]:
    """The prices at which something was confirmed, one second from tick to tick."""
    hits = []
    for price in prices:
        before = len(broken(market))
        market.quote(price)
        hits += [price] * (len(broken(market)) - before)
    return hits


def test_the_first_tick_at_or_beyond_a_wire_commits_once(market: Market) -> None:
    arm(market)
    assert walk(market, 101, "98.1", 98, 97, 102) == [98]
    (event,) = market.told(LatchBroken)
    assert isinstance(event, LatchBroken)
    assert (event.latch, event.rule, event.direction, event.level) == (0, 7, -1, 98)


def test_the_upper_wire_has_its_own_direction(market: Market) -> None:
    arm(market)
    assert walk(market, "102.5") == ["102.5"]
    assert broken(market) == [(1, Decimal(102), market.now)]


def test_other_markets_break_nothing(market: Market) -> None:
    arm(market)
    market.quote(110, symbol=SILVER)
    assert broken(market) == []


def test_the_time_of_a_latch_ends_with_the_tick_it_counts_from(market: Market) -> None:
    arm(market, ms=5_000)
    armed_at = market.now
    market.quote(100, at=armed_at + 4_999)
    market.quote(102, at=armed_at + 5_000)
    assert broken(market) == []


def test_several_latches_are_independent(market: Market) -> None:
    arm(market, n=1)
    arm(market, up=101, n=2)
    assert walk(market, 101, 102) == [101, 102]
    assert [event.latch for event in market.told(LatchBroken)] == [2, 1]  # type: ignore[attr-defined]


def test_the_strategy_answers_a_break_with_entries(market: Market) -> None:
    market.script.latch = lambda event: market.buy(1, limit=event.level - 1) and None
    arm(market)
    market.quote(102)
    assert [(order.side, order.limit) for order in market.working] == [(Side.BUY, Decimal(101))]


class TestCloseBeyond:
    CONFIRM = Confirmation("CLOSE_BEYOND")

    def test_only_the_close_of_a_candle_counts(self, market: Market) -> None:
        arm(market, self.CONFIRM)
        assert walk(market, 103, 101) == []
        market.quote(103, at=2 * MINUTE)
        market.quote(103, at=2 * MINUTE + 1)
        assert broken(market) == []
        market.quote(100, at=3 * MINUTE)
        assert broken(market) == [(1, Decimal(102), 3 * MINUTE)]

    def test_candles_of_other_streams_do_not_count(self, market: Market) -> None:
        arm(market, self.CONFIRM)
        market.quote(103, symbol=SILVER)
        market.quote(103, at=2 * MINUTE, symbol=SILVER)
        assert broken(market) == []

    def test_it_commits_before_the_strategy_sees_the_candle(self, market: Market) -> None:
        order: list[str] = []
        market.script.candle = lambda candle: order.append("candle")
        market.script.latch = lambda event: order.append("latch")
        arm(market, self.CONFIRM)
        market.quote(103)
        market.quote(100, at=2 * MINUTE)
        assert order == ["latch", "candle"]

    def test_a_candle_that_ends_when_the_time_is_over_does_not_count(self, market: Market) -> None:
        arm(market, self.CONFIRM, ms=2 * MINUTE - market.now)
        market.quote(103)
        market.quote(103, at=2 * MINUTE)
        market.quote(103, at=3 * MINUTE)
        assert broken(market) == []

    def test_a_candle_that_ended_in_time_counts_though_its_last_tick_comes_late(self, market: Market) -> None:
        arm(market, self.CONFIRM, ms=2 * MINUTE - market.now + 1)
        market.quote(103)
        market.quote(100, at=5 * MINUTE)
        assert broken(market) == [(1, Decimal(102), 2 * MINUTE)]


class TestTimeInBreach:
    CONFIRM = Confirmation("TIME_IN_BREACH", ms=2_000)

    def test_the_price_must_stay_beyond_one_wire_so_long(self, market: Market) -> None:
        arm(market, self.CONFIRM)
        assert walk(market, 102, 103, "101.9", 102, 103, 102, 103) == [102]

    def test_the_other_wire_starts_anew(self, market: Market) -> None:
        arm(market, self.CONFIRM)
        assert walk(market, 102, 103, 98, 97, 98) == [98]
        assert broken(market)[0][0] == -1

    def test_no_tick_has_to_come_while_it_lasts(self, market: Market) -> None:
        arm(market, self.CONFIRM)
        market.quote(103)
        market.quote(103, at=market.now + 60_000)
        assert len(broken(market)) == 1


class TestRetestHold:
    CONFIRM = Confirmation("RETEST_HOLD", ms=3_000, distance=Decimal("0.5"))

    def test_a_later_tick_near_the_broken_wire_commits(self, market: Market) -> None:
        arm(market, self.CONFIRM)
        assert walk(market, 103, 104, "102.5", 102) == ["102.5"]

    def test_the_first_tick_beyond_the_wire_is_no_retest(self, market: Market) -> None:
        arm(market, self.CONFIRM)
        assert walk(market, "102.2", "102.6", "102.2") == ["102.2"]
        assert len(broken(market)) == 1
        assert market.now == 60_000 + 4_000

    def test_crossing_back_starts_again(self, market: Market) -> None:
        arm(market, self.CONFIRM)
        assert walk(market, 103, "101.9", "102.2", "102.2") == ["102.2"]

    def test_a_retest_that_comes_too_late_is_a_new_break(self, market: Market) -> None:
        arm(market, self.CONFIRM)
        assert walk(market, 103, 103, 103, 103, "102.2", "102.3") == ["102.3"]

    def test_the_lower_wire_mirrors_it(self, market: Market) -> None:
        arm(market, self.CONFIRM)
        assert walk(market, 97, "97.4", "97.5") == ["97.5"]
        assert broken(market)[0][:2] == (-1, Decimal(98))
