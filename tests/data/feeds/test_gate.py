"""What passes the gate, and what it says of a symbol's health."""

from __future__ import annotations

from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qkt.core.clock import EventClock
from qkt.core.events import Tick
from qkt.core.timeframe import DAY_MS, FIRST_MONDAY_MS, HOUR_MS
from qkt.data.feeds import DataGate, Fault, FeedHealth, FeedState, GateChange
from qkt.data.feeds.window import PriceWindow
from tests.data.feeds.hands import LEAN

MONDAY = FIRST_MONDAY_MS + 2800 * 7 * DAY_MS
FRIDAY_EVENING = MONDAY + 4 * DAY_MS + 22 * HOUR_MS


class Post:
    """A gate with its clock and what it has told."""

    def __init__(self, at: int = MONDAY) -> None:
        self.clock = EventClock(at)
        self.told: list[GateChange] = []
        self.gate = DataGate(self.clock, self.told.append)

    def quote(
        self, price: float = 1.1, after: int = 1000, *, spread: float = 0.0002, skew: int = 0, symbol: str = "EURUSD"
    ) -> bool:
        self.clock.time += after
        tick = Tick(symbol, self.clock.time + skew, price, price - spread / 2, price + spread / 2)
        return self.gate.admit(tick)

    def look(self, after: int) -> None:
        self.clock.time += after
        self.gate.look()

    def news(self) -> list[tuple[str, bool]]:
        """Faults that began or ended since last asked."""
        news = [(change.fault.value, change.began) for change in self.told]
        self.told.clear()
        return news


def test_good_ticks_pass_and_nothing_is_said() -> None:
    post = Post()
    assert all(post.quote(1.1 + n * 1e-5) for n in range(100))
    assert post.news() == []
    assert post.gate.unhealthy("EURUSD") is None
    assert post.gate.unhealthy("NEVER:SEEN") is None


def test_a_quiet_symbol_is_stale_once_and_well_with_its_next_tick() -> None:
    post = Post()
    post.quote()
    post.look(10_000)
    assert post.news() == []
    post.look(1)
    post.look(5_000)
    assert post.news() == [("stale", True)]
    assert post.gate.unhealthy("EURUSD") == "stale: no tick for 15 s"
    assert post.quote()
    assert post.news() == [("stale", False)]
    assert post.gate.unhealthy("EURUSD") is None


def test_a_symbol_that_seldom_ticks_is_given_five_of_its_gaps() -> None:
    post = Post()
    for _ in range(10):
        post.quote(after=8_000)
    post.look(40_000)
    assert post.news() == []
    post.look(1)
    assert post.news() == [("stale", True)]


def test_an_outage_does_not_hide_the_next_one() -> None:
    post = Post()
    for _ in range(20):
        post.quote()
    post.quote(after=3 * HOUR_MS)
    post.news()
    post.look(10_001)
    assert post.news() == [("stale", True)]


def test_a_closed_market_does_not_age() -> None:
    post = Post(FRIDAY_EVENING - 6_000)
    post.quote(after=0)
    post.look(6_000)
    post.look(47 * HOUR_MS)
    post.look(HOUR_MS)
    assert post.news() == []
    post.look(4_001)
    assert post.news() == [("stale", True)]


def test_the_weekend_is_no_gap_between_ticks() -> None:
    post = Post(FRIDAY_EVENING - 1_000)
    post.quote(after=0)
    post.quote(after=49 * HOUR_MS)
    post.look(15_001)
    assert post.news() == []  # five gaps of an open hour, not of a weekend
    post.look(5 * HOUR_MS)
    assert post.news() == [("stale", True)]


def test_an_outlier_is_kept_out_and_the_next_good_price_ends_the_episode() -> None:
    post = Post()
    for _ in range(20):
        post.quote(1.1)
    assert post.quote(1.113)
    assert not post.quote(1.2)
    assert not post.quote(0.9)
    assert post.news() == [("outlier", True)]
    assert "0.9 is far from 1.1" in str(post.gate.unhealthy("EURUSD"))
    assert post.quote(1.1)
    assert post.news() == [("outlier", False)]
    assert post.gate.refused == {Fault.OUTLIER: 2}


def test_few_prices_are_not_enough_to_call_one_an_outlier() -> None:
    post = Post()
    for _ in range(15):
        post.quote(1.1)
    assert post.quote(2.0)


def test_three_outliers_that_agree_are_the_new_level() -> None:
    post = Post()
    for _ in range(64):
        post.quote(1.1)
    assert [post.quote(price) for price in (1.2, 1.2001, 1.2002)] == [False, False, True]
    assert post.news() == [("outlier", True), ("outlier", False)]
    assert post.quote(1.2003)


def test_outliers_that_do_not_agree_change_nothing() -> None:
    post = Post()
    for _ in range(64):
        post.quote(1.1)
    assert not any(post.quote(price) for price in (1.2, 1.2, 1.3, 1.2, 1.2, 1.3))
    assert post.quote(1.1)


def test_a_crossed_quote_is_kept_out_and_never_becomes_the_level() -> None:
    post = Post()
    for _ in range(20):
        post.quote(1.1)
    assert not any(post.quote(1.2, spread=-0.001) for _ in range(5))
    assert post.news() == [("crossed", True)]
    assert post.quote(1.1)
    assert post.news() == [("crossed", False)]


def test_outliers_with_a_crossed_quote_among_them_are_not_in_a_row() -> None:
    post = Post()
    for _ in range(64):
        post.quote(1.1)
    assert not post.quote(1.2)
    assert not post.quote(1.2)
    assert not post.quote(1.2, spread=-0.001)
    assert not post.quote(1.2)


def test_a_tick_whose_clock_is_off_passes_but_its_symbol_is_unhealthy() -> None:
    post = Post()
    assert post.quote(skew=60_000)
    assert post.news() == []
    assert post.quote(skew=-60_001)
    assert post.quote(skew=61_000)
    assert post.news() == [("skewed", True)]
    assert post.gate.unhealthy("EURUSD") == "skewed: its time is +61.0 s off"
    post.quote()
    assert post.news() == [("skewed", False)]


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf")])
def test_what_is_no_price_is_refused_and_counted(price: float) -> None:
    post = Post()
    assert not post.quote(price, spread=0.0)
    assert post.gate.refused == {Fault.UNPRICED: 1}
    assert post.news() == []


def test_a_symbol_is_judged_by_its_own_data() -> None:
    post = Post()
    post.quote(symbol="EURUSD")
    post.look(11_000)
    post.quote(symbol="XAUUSD", price=2000.0)
    assert post.gate.unhealthy("EURUSD")
    assert post.gate.unhealthy("XAUUSD") is None


def test_without_a_wire_nothing_it_serves_is_healthy() -> None:
    post = Post()
    served = ["EURUSD", "XAUUSD"]
    post.gate.hear(FeedHealth(FeedState.LOST, 1, "the server closed"), served)
    post.gate.hear(FeedHealth(FeedState.RECONNECTING, 1, "in 2 s"), served)
    assert post.news() == [("disconnected", True)] * 2
    assert post.gate.unhealthy("XAUUSD") == "disconnected: in 2 s"
    post.gate.hear(FeedHealth(FeedState.CONNECTED, 1), served)
    assert post.news() == [("disconnected", False)] * 2
    post.gate.hear(FeedHealth(FeedState.UNAVAILABLE, 1, "no permission", ("XAUUSD",)), served)
    assert post.gate.unhealthy("EURUSD") is None
    assert post.gate.unhealthy("XAUUSD") == "unavailable: no permission"


@LEAN
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 1.1, 1.1001, 1.3, 1.31, 2.0]), st.sampled_from([0, 500, 20_000]), st.booleans(), st.booleans()
        ),
        max_size=25,
    )
)
def test_every_episode_is_told_once_when_it_begins_and_once_when_it_ends(deeds: list[tuple[float, int, bool, bool]]) -> None:
    post = Post()
    for _ in range(16):
        post.quote(1.1)
    for price, after, crossed, skewed in deeds:
        post.look(after)
        post.quote(price, spread=-0.01 if crossed else 0.0, skew=90_000 if skewed else 0)
    under_way: set[Fault] = set()
    for change in post.told:
        assert change.began == (change.fault not in under_way)
        under_way ^= {change.fault}
    assert bool(under_way) == (post.gate.unhealthy("EURUSD") is not None)


@LEAN
@given(st.lists(st.floats(1.0, 2.0), min_size=1, max_size=300), st.sampled_from([1.0, 30_000.0]))
def test_the_window_knows_mean_and_deviation_of_its_last_prices(moves: list[float], level: float) -> None:
    window = PriceWindow()
    prices = [level + move for move in moves]
    for price in prices:
        window.add(price)
    assert window.mean == pytest.approx(fmean(prices[-64:]), rel=1e-12)
    assert window.deviation == pytest.approx(pstdev(prices[-64:]), abs=1e-6)
