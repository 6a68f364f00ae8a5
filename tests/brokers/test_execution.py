"""What the simulated venue does to orders on their way and in its book."""

from decimal import Decimal

import pytest

from qkt.brokers.paper import ExecutionSettings
from qkt.core.events import CancelFailed, OrderAccepted, OrderCancelled, OrderFilled, OrderModified, OrderRejected, Tick
from tests.market import GOLD, SILVER, Market, at, by, instrument


def market(*symbols: str, terms: dict[str, object] | None = None, **values: object) -> Market:
    names = symbols or (GOLD,)
    table = {name.rpartition(":")[2]: instrument(name.rpartition(":")[2], **(terms or {})) for name in names}
    return Market(*names, execution=ExecutionSettings.of(**values), terms=table)  # type: ignore[arg-type]


def prices(market: Market) -> list[str]:
    return [f"{fill.price.normalize():f}" for fill in market.fills]


# --------------------------------------------------------------------------- latency


def test_a_late_order_is_acknowledged_at_once_and_filled_when_it_arrives() -> None:
    m = market(latency=250)
    m.quote(100, 101, at=60_000)
    m.buy(1)
    assert len(m.told(OrderAccepted)) == 1
    m.quote(200, 201, at=60_249)
    assert m.fills == []
    m.quote(102, 103, at=60_250)
    assert [(fill.at, fill.price) for fill in m.fills] == [(60_250, 103)]


def test_any_symbols_tick_lets_an_order_arrive() -> None:
    m = market(GOLD, SILVER, latency=250)
    m.quote(100, 101, at=60_000)
    m.buy(1)
    m.quote(20, 21, at=61_000, symbol=SILVER)
    assert [(fill.symbol, fill.at, fill.price) for fill in m.fills] == [(GOLD, 61_000, 101)]


def test_a_pending_order_is_tested_by_the_tick_it_arrives_with() -> None:
    m = market(latency=250)
    m.quote(100, 101)
    m.buy(1, stop=105)
    m.quote(106, 107)
    assert prices(m) == ["107"]


def test_an_order_whose_time_ran_out_on_the_way_is_cancelled_on_arrival() -> None:
    m = market(latency=5_000)
    m.quote(100, 101)
    m.buy(1, limit=105, good_till=m.now + 5_000)
    m.quote(100, 101, at=m.now + 5_000)
    assert m.fills == []
    assert "expired" in m.told(OrderCancelled)[0].reason  # type: ignore[attr-defined]


def test_orders_arrive_in_the_order_in_which_they_were_sent() -> None:
    m = market(latency=250)
    m.quote(100, 101)
    m.buy(1)
    m.sell(2)
    m.quote(100, 101)
    assert [fill.quantity for fill in m.fills] == [1, 2]


def test_a_cancel_that_overtakes_its_order_kills_it_on_arrival() -> None:
    m = market(latency=5_000, cancel_latency=0)
    m.quote(100, 101)
    m.buy(1, limit=105)
    m.cancel()
    assert m.told(OrderCancelled) == []
    m.quote(100, 101, at=m.now + 5_000)
    assert (len(m.told(OrderCancelled)), m.fills, m.working) == (1, [], [])


def test_a_cancel_that_follows_its_order_takes_it_off_the_book() -> None:
    m = market(latency=250)
    m.quote(100, 101)
    m.buy(1, limit=99)
    m.cancel()
    m.quote("98.5", 99)
    assert (len(m.told(OrderCancelled)), m.fills) == (1, [])


def test_a_cancel_that_comes_after_the_fill_reports_the_lost_race() -> None:
    m = market(cancel_latency=2_500)
    m.quote(100, 101)
    m.buy(1, limit=99)
    m.cancel()
    m.quote("98.5", 99)
    assert prices(m) == ["99"]
    m.quote(100, 101)
    m.quote(100, 101)
    assert [event.reason for event in m.told(CancelFailed)] == ["it was filled before the cancel arrived"]  # type: ignore[attr-defined]


def test_changes_of_size_are_late_too_and_a_fill_never_exceeds_the_leg() -> None:
    m = market(modify_latency=10_000)
    m.quote(100, 101)
    m.buy(1, stop_loss=at(90))
    m.sell("0.4")
    assert m.told(OrderModified) == []
    m.quote(89, 90)
    assert m.fills[-1].quantity == Decimal("0.6")
    assert m.net() == 0


# ------------------------------------------------------------- slippage and spread


def test_slippage_of_fixed_points_of_the_instrument_and_of_none() -> None:
    for text, price in (("instrument", "101.03"), ("none", "101"), ("7", "101.07")):
        m = market(slippage=text, terms={"slippage_points": Decimal(3)})
        m.quote(100, 101)
        m.buy(1)
        assert prices(m) == [price]


def test_drawn_slippage_is_of_whole_points_in_its_range_and_differs_between_orders() -> None:
    m = market(slippage="0..20")
    slips = set()
    for _ in range(200):
        m.quote(100, 101)
        m.buy("0.01")
        slips.add((m.fills[-1].price - 101) * 100)
    assert slips == set(range(21))


def test_an_order_more_elsewhere_shifts_no_draw() -> None:
    def run(extra: bool, seed: int = 1) -> list[Decimal]:
        m = market(GOLD, SILVER, slippage="0..1000", limit_chance=0.5, seed=seed)
        for n in range(20):
            m.quote(20, 21, symbol=SILVER)
            m.quote(100, 101)
            if extra and n % 3 == 0:
                m.buy(1, symbol=SILVER)
                m.buy(1, limit=90)
            m.buy(1, stop_loss=by(50))
        return [fill.price for fill in m.fills if fill.symbol == GOLD]

    assert run(extra=True) == run(extra=False)
    assert run(extra=False) != run(extra=False, seed=2)


def test_impact_grows_with_the_root_of_the_size_and_with_the_range() -> None:
    def slip(quantity: str, move: float) -> Decimal:
        m = market(slippage="impact:0.5", terms={"average_daily_volume": Decimal(10_000), "slippage_points": Decimal(7)})
        for n in range(40):
            m.quote(100 + move * (n % 2), 100 + move * (n % 2), at=60_000 + 60_000 * n)
        m.buy(quantity)
        return m.fills[-1].price - Decimal(str(100 + move))

    assert slip("1", 2) == Decimal("0.01")  # 0.5 * 2 * sqrt(1 / 10000)
    assert slip("4", 2) == Decimal("0.02")
    assert slip("1", 4) == Decimal("0.02")


def test_impact_takes_the_instruments_points_until_the_range_is_known_and_needs_a_volume() -> None:
    m = market(slippage="impact:0.5", terms={"average_daily_volume": Decimal(10), "slippage_points": Decimal(7)})
    m.quote(100, 100)
    m.buy(1)
    assert prices(m) == ["100.07"]
    m = market(slippage="impact:0.5")
    m.quote(100, 100)
    with pytest.raises(Exception, match="average_daily_volume"):
        m.buy(1)


def test_where_no_quotes_are_half_the_spread_is_paid_by_time_of_day_or_as_last_seen() -> None:
    hour = 3_600_000
    m = market(spread="00:00=4,01:00=10", terms={"spread_points": Decimal(2)})
    for moment in (0, hour - 1, hour):
        m.quote(100, at=24 * hour + moment)
        m.buy(1)
    assert prices(m) == ["100.02", "100.02", "100.05"]
    m = market(spread="observed", terms={"spread_points": Decimal(2)})
    m.quote(100)
    m.buy(1)
    m.quote(99, 101)
    m.quote(100)
    m.sell(1)
    assert prices(m) == ["100.01", "99"]


# ------------------------------------------------------------------------ limits


def limit_fills(rule: str, *asks: str, **values: object) -> list[str]:
    m = market(limits=rule, **values)
    m.quote(100, 101)
    m.buy(1, limit=99)
    for ask in asks:
        m.quote(90, ask)
    return prices(m)


def test_a_touch_fills_or_does_not() -> None:
    assert limit_fills("touch", "99") == ["99"]
    assert limit_fills("through", "99") == []
    assert limit_fills("through", "99", "98.99") == ["99"]
    assert limit_fills("through:3", "99", "98.98") == []
    assert limit_fills("through:3", "99", "98.97") == ["99"]


def test_a_better_price_is_only_for_limits_that_the_market_jumped() -> None:
    assert limit_fills("through", "98.5") == ["98.5"]
    assert limit_fills("through:3", "98.99", "98.5") == ["99"]


def test_a_limit_out_of_luck_needs_the_market_beyond_it() -> None:
    assert limit_fills("touch", "99", limit_chance=0) == []
    assert limit_fills("touch", "99", "98.99", limit_chance=0) == ["99"]
    lucky = [limit_fills("touch", "99", limit_chance=0.5, seed=seed) for seed in range(40)]
    assert 8 < lucky.count(["99"]) < 32


def test_a_stop_limit_obeys_the_rule_once_it_is_a_limit() -> None:
    m = market(limits="through")
    m.quote(100, 101)
    m.buy(1, stop=102, limit=102)
    m.quote(101, 102)
    m.quote(101, 102)
    assert m.fills == []
    m.quote(101, "101.99")
    assert prices(m) == ["102"]


# ------------------------------------------------------------------ partial fills


def test_a_fraction_comes_first_and_the_rest_follows_with_a_draw_of_its_own() -> None:
    m = market(partial="0.5", slippage="0..1000")
    m.quote(100, 101)
    m.buy("0.05")
    assert [(str(fill.quantity), fill.complete) for fill in m.fills] == [("0.02", False), ("0.03", True)]
    assert m.fills[0].price != m.fills[1].price
    assert m.working == []


def test_exits_of_a_sliced_entry_guard_all_of_it_and_leave_in_slices() -> None:
    m = market(partial="0.5")
    m.quote(100, 101)
    m.buy(1, stop_loss=at(90), take_profit=at(120))
    assert sorted(m.levels().values()) == [("1", Decimal(90)), ("1", Decimal(120))]
    m.quote(89, 90)
    assert [fill.quantity for fill in m.fills[2:]] == [Decimal("0.5"), Decimal("0.5")]
    assert (m.net(), m.working) == (0, [])


def test_a_slice_too_small_for_the_step_is_no_slice() -> None:
    m = market(partial="0.5")
    m.quote(100, 101)
    m.buy("0.01")
    assert [str(fill.quantity) for fill in m.fills] == ["0.01"]


def test_a_handler_that_cancels_after_the_first_slice_keeps_the_rest_from_filling() -> None:
    m = market(partial="0.5")
    m.script.fill = lambda fill: None if fill.complete else m.cancel()
    m.quote(100, 101)
    m.buy(1, limit=100)
    m.quote(99, 100)
    assert [(fill.quantity, fill.complete) for fill in m.fills] == [(Decimal("0.5"), False)]
    assert (len(m.told(OrderCancelled)), m.working) == (1, [])


# --------------------------------------------------------------------- refusals


def test_every_nth_order_is_rejected() -> None:
    m = market(reject_every=3)
    m.quote(100, 101)
    for _ in range(7):
        m.buy(1)
    assert (len(m.fills), len(m.told(OrderRejected))) == (5, 2)


@pytest.mark.parametrize(
    ("order", "refused"),
    [
        ({"limit": "100.91"}, True),
        ({"limit": "100.90"}, False),
        ({"stop": "101.09"}, True),
        ({"stop": "101.10"}, False),
        ({"stop_loss": by("0.09")}, True),
        ({"stop_loss": by("0.10")}, False),
        ({"take_profit": at("101.05")}, True),
        ({"limit": 95, "take_profit": at("95.05")}, True),
    ],
)
def test_levels_nearer_than_the_venue_allows_are_refused(order: dict[str, object], refused: bool) -> None:
    m = market(stop_distance=True, terms={"stops_level_points": 10})
    m.quote(100, 101)
    m.buy(1, **order)
    assert len(m.told(OrderRejected)) == refused
    assert (not m.fills and not m.working) == refused


def test_quantities_are_floored_and_refused_below_the_least_and_above_the_most() -> None:
    m = market(terms={"volume_min": Decimal("0.05"), "volume_max": Decimal(2), "volume_step": Decimal("0.05")})
    m.quote(100, 101)
    for quantity in ("0.0499", "2.05", "0.0999", "2.0499"):
        m.buy(quantity)
    assert [str(fill.quantity) for fill in m.fills] == ["0.05", "2.00"]
    assert ["below" in event.reason for event in m.told(OrderRejected)] == [True, False]  # type: ignore[attr-defined]


def test_one_fill_when_the_first_of_two_hit_orders_takes_the_other_with_it() -> None:
    m = market()
    m.quote(100, 101)
    m.buy(1, stop_loss=at(95), take_profit=at(95))
    m.quote(95, 96)
    assert len(m.told(OrderFilled)) == 2


# ----------------------------------------------------------------- displayed size


def sized(m: Market, bid: float, ask: float, size: float | None) -> None:
    m.now += 1_000
    m.session.on_tick(Tick(GOLD, m.now, (bid + ask) / 2, bid, ask, bid_size=size, ask_size=size))


def test_a_market_order_takes_what_is_displayed_tick_by_tick() -> None:
    m = market(partial="depth")
    sized(m, 100, 101, 0.4)
    m.buy(1)
    sized(m, 101, 102, 0.509)
    sized(m, 102, 103, 0)
    sized(m, 103, 104, 7)
    assert [(str(fill.quantity), fill.price, fill.complete) for fill in m.fills] == [
        ("0.40", 101, False),
        ("0.50", 102, False),
        ("0.10", 104, True),
    ]


def test_what_is_left_of_a_stop_goes_on_at_market_and_of_a_limit_waits_for_it() -> None:
    m = market(partial="depth")
    sized(m, 100, 101, 5)
    m.buy(1, stop=102)
    m.buy(1, limit=99)
    sized(m, 101, 102, 0.4)
    sized(m, 99.5, 100.5, 5)
    assert prices(m) == ["102", "100.5"]
    sized(m, 98, 99, 0.3)
    sized(m, 99, 100, 5)
    sized(m, 97, 98, 5)
    assert [(str(fill.quantity), fill.price) for fill in m.fills[2:]] == [("0.30", 99), ("0.70", 98)]


def test_where_no_size_is_displayed_everything_fills() -> None:
    m = market(partial="depth")
    sized(m, 100, 101, None)
    m.buy(1)
    assert [fill.complete for fill in m.fills] == [True]
