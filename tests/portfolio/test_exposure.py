"""No order passes that would let the book hold more than its caps allow; what takes exposure away always does."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qkt.core.events import RiskRejected
from qkt.core.numbers import ZERO
from qkt.portfolio import BookSettings, ExposureCaps
from tests.market import GOLD, SILVER
from tests.portfolio.fund import FIXED, Fund


def capped(folder: Path, **caps: object) -> Fund:
    limits = ExposureCaps(**{name: Decimal(str(value)) for name, value in caps.items()})
    fund = Fund(folder, FIXED, book=BookSettings(caps=limits))
    fund.quote(100)
    fund.quote(50, SILVER)
    return fund


def test_gross_exposure_is_refused_strictly_above_its_cap(tmp_path: Path) -> None:
    fund = capped(tmp_path, gross=2)
    assert fund.buy("a", 100)
    assert fund.sell("b", 100)  # 20,000 of 20,000
    assert not fund.sell("b", "0.01")
    assert fund.told(RiskRejected)[-1].reason == (
        "gross exposure of the book 20001 exceeds 20000 (2 * capital 10000; 20000 without this order)"
    )


def test_net_exposure_lets_the_other_side_in(tmp_path: Path) -> None:
    fund = capped(tmp_path, net=1)
    assert fund.buy("a", 100)
    assert not fund.buy("b", "0.01")
    assert fund.sell("b", 100)
    assert not fund.sell("b", "100.01")
    assert fund.sell("b", 100)


def test_concentration_binds_each_symbol_alone(tmp_path: Path) -> None:
    fund = capped(tmp_path, concentration="0.5")
    assert fund.buy("a", 50)
    assert not fund.buy("a", "0.01")
    assert fund.buy("b", 100, symbol=SILVER)
    assert not fund.buy("b", "0.02", symbol=SILVER)
    assert fund.told(RiskRejected)[-1].reason.startswith("exposure in SIM:SILVER of the book 5001 exceeds 5000")


def test_entries_that_work_count_as_filled(tmp_path: Path) -> None:
    fund = capped(tmp_path, gross=1)
    assert fund.buy("a", 60, limit=90)
    assert not fund.buy("b", 41)
    assert fund.buy("b", 40)


def test_a_reversal_counts_what_is_left_of_it(tmp_path: Path) -> None:
    fund = capped(tmp_path, gross=1)
    assert fund.buy("a", 60)
    assert fund.sell("a", 100)  # short 40
    assert not fund.sell("a", "60.01")
    assert fund.sell("a", 60)


def test_a_book_above_its_caps_by_the_market_may_only_shrink(tmp_path: Path) -> None:
    fund = capped(tmp_path, gross=1, net=1)
    fund.buy("a", 60)
    fund.quote(200)
    assert not fund.buy("a", "0.01")
    assert fund.sell("a", 10)
    assert fund.close("a")


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from(["buy", "sell", "close", "limit", "quote"]),
        st.integers(1, 12_000),
        st.sampled_from([GOLD, SILVER]),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(ACTIONS, st.tuples(*[st.sampled_from([None, "0.3", "1", "2.5"])] * 3))
def test_no_order_that_passes_breaks_a_cap(
    tmp_path: Path, actions: list[tuple[str, str, int, str]], chosen: tuple[str | None, ...]
) -> None:
    limits = ExposureCaps(*(None if cap is None else Decimal(cap) for cap in chosen))
    fund = Fund(tmp_path, FIXED, book=BookSettings(caps=limits))
    prices = {GOLD: Decimal(100), SILVER: Decimal(50)}
    for symbol, price in prices.items():
        fund.quote(price, symbol)
    for child, action, number, symbol in actions:
        lots = Decimal(number).scaleb(-2)
        before = exposures(fund, prices)
        if action == "quote":
            prices[symbol] = 20 + lots
            fund.quote(prices[symbol], symbol)
            continue
        if action == "close":
            fund.close(child, symbol)
            assert fund.net(child, symbol) == 0
            continue
        if action == "limit":
            fund.buy(child, lots, symbol=symbol, limit=prices[symbol] * Decimal("0.9"))
        else:
            getattr(fund, action)(child, lots, symbol=symbol)
        after = exposures(fund, prices)
        for name, cap in zip(("gross", "net", "concentration"), chosen, strict=True):
            if cap is not None:
                assert after[name] <= max(Decimal(cap) * 10_000, before[name]), name
    for child in "ab":  # and there is always a way out
        for symbol in prices:
            fund.close(child, symbol)
            assert fund.net(child, symbol) == 0


def exposures(fund: Fund, prices: dict[str, Decimal]) -> dict[str, Decimal]:
    """What the book holds, counted from its legs alone."""
    gross = ZERO
    nets = dict.fromkeys(prices, ZERO)
    for book in fund.session.books.strategies.values():
        for legs in book.open_books():
            for leg in legs:
                gross += leg.quantity * prices[legs.symbol]
                nets[legs.symbol] += leg.signed * prices[legs.symbol]
    sizes = [abs(net) for net in nets.values()]
    return {"gross": gross, "net": sum(sizes, ZERO), "concentration": max(sizes)}
