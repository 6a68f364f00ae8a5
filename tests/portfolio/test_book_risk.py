"""The ladder, the weights and the caps of a book, at their exact boundaries."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qkt.core.errors import StrategyError
from qkt.core.events import RiskRejected
from qkt.portfolio import BookRiskChanged, BookSettings, ExposureCaps, Method, Rung
from qkt.portfolio.allocation import Covariance, equal_risk, inverse_volatility, targeted, volatility
from qkt.portfolio.ladder import DrawdownLadder
from tests.market import SILVER
from tests.portfolio.fund import FIXED, GATED, REGIMES, Fund

RETURNS = st.integers(0, 10_000).map(lambda seed: np.random.default_rng(seed))


def some_returns(rng: np.random.Generator) -> np.ndarray:
    count, children = int(rng.integers(3, 40)), int(rng.integers(1, 6))
    mixed = rng.normal(size=(count, children)) @ (np.eye(children) + 0.3 * rng.random((children, children)))
    return mixed * rng.uniform(0.001, 0.2, children)


@given(RETURNS)
@settings(max_examples=60, deadline=None)
def test_the_covariance_is_that_of_the_whole_sample(rng: np.random.Generator) -> None:
    returns = some_returns(rng)
    running = Covariance(returns.shape[1])
    for row in returns.tolist():
        running.add(row)
    assert np.allclose(running.matrix(), np.atleast_2d(np.cov(returns, rowvar=False, ddof=1)), rtol=1e-9, atol=1e-15)


@given(RETURNS)
@settings(max_examples=60, deadline=None)
def test_inverse_volatility_gives_every_child_the_same_risk_alone(rng: np.random.Generator) -> None:
    covariance = np.atleast_2d(np.cov(some_returns(rng), rowvar=False))
    tilts = np.array(inverse_volatility(covariance.tolist()))
    assert np.allclose(tilts * np.sqrt(np.diag(covariance)), tilts[0] * np.sqrt(covariance[0, 0]))
    assert np.isclose(tilts.sum(), len(tilts))


@given(RETURNS)
@settings(max_examples=60, deadline=None)
def test_equal_risk_contributions_are_equal(rng: np.random.Generator) -> None:
    """The property that defines the allocation, on books whose children do not hedge each other."""
    covariance = np.abs(np.atleast_2d(np.cov(some_returns(rng), rowvar=False)))
    size = len(covariance)
    deviations = np.sqrt(np.diag(covariance))
    mild = np.outer(deviations, deviations) * (0.3 + 0.7 * np.eye(size))
    tilts = np.array(equal_risk(mild.tolist()))
    contributions = tilts * (mild @ tilts)
    assert np.allclose(contributions, contributions.mean(), rtol=1e-6)
    assert np.isclose(tilts.sum(), size)


def test_two_children_carry_equal_risk_where_their_weights_go_by_inverse_volatility() -> None:
    """For two, whatever their correlation, the solution is known in closed form."""
    covariance = [[0.04, -0.006], [-0.006, 0.01]]
    assert equal_risk(covariance) == pytest.approx([2 / 3, 4 / 3])


def test_children_that_cancel_out_fall_back_to_inverse_volatility() -> None:
    perfect = [[0.04, -0.02], [-0.02, 0.01]]
    assert equal_risk(perfect) == inverse_volatility(perfect)


def test_a_child_without_variance_counts_one_and_the_others_divide_the_rest() -> None:
    assert inverse_volatility([[0.04, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.01]]) == pytest.approx([2 / 3, 1.0, 4 / 3])
    assert inverse_volatility([[0.0]]) == [1.0]


@given(RETURNS, st.floats(0.01, 1.0))
@settings(max_examples=40, deadline=None)
def test_weights_are_scaled_to_the_volatility_that_is_wanted(rng: np.random.Generator, target: float) -> None:
    covariance = np.atleast_2d(np.cov(some_returns(rng), rowvar=False))
    weights = targeted([1.0] * len(covariance), covariance.tolist(), 252.0, target, 1e9)
    assert volatility(weights, covariance.tolist()) * np.sqrt(252) == pytest.approx(target)
    capped = targeted([1.0] * len(covariance), covariance.tolist(), 252.0, target, 0.5)
    assert sum(capped) == pytest.approx(min(0.5, sum(weights)))


# --------------------------------------------------------------------------------------------------------------- the ladder

RUNGS = (Rung(Decimal("0.05"), Decimal("0.5")), Rung(Decimal("0.1"), Decimal(0), cooldown_bars=2))


def factors(*equities: object) -> list[Decimal]:
    ladder = DrawdownLadder(Decimal(10_000), RUNGS)
    found = []
    for equity in equities:
        ladder.sample(Decimal(str(equity)))
        found.append(ladder.factor)
    return found


def test_a_rung_begins_exactly_at_its_drawdown() -> None:
    assert factors("9500.01", "9500", "9000.01", "9000") == [1, Decimal("0.5"), Decimal("0.5"), 0]


def test_a_rung_of_zero_holds_for_its_cool_down_after_the_book_came_back() -> None:
    assert factors(9000, 9500, 9900, 9900, 9000, 9900) == [0, 0, 0, 1, 0, 0]


def test_the_peak_is_the_highest_equity_seen_and_at_least_the_capital() -> None:
    assert factors(9600, 20_000, 19_000) == [1, 1, Decimal("0.5")]


def test_the_ladder_of_a_portfolio_sizes_new_risk_and_says_so(tmp_path: Path) -> None:
    fund = Fund(tmp_path, FIXED, book=BookSettings(ladder=RUNGS))
    fund.quote(100)
    fund.buy("a", 50)
    fund.close_bar(90)  # 500 of 10,000
    assert fund.buy("b", 1)
    assert fund.net("b") == Decimal("0.5")
    (told,) = fund.told(BookRiskChanged)
    assert (told.equity, told.peak, told.drawdown, told.ladder) == (9500, 10_000, Decimal("0.05"), Decimal("0.5"))
    fund.close_bar(80)
    assert not fund.buy("b", 1)
    assert fund.told(RiskRejected)[-1].reason == "book de-risk: new risk suppressed (1 lots * ladder 0 * weight 1)"
    assert fund.close("a")


def test_weights_follow_what_the_children_earn(tmp_path: Path) -> None:
    fund = Fund(tmp_path, FIXED, book=BookSettings(method=Method.INVERSE_VOL))
    fund.quote(100)
    fund.quote(50, SILVER)
    fund.buy("a", 4)
    fund.buy("b", 1)
    for price in (101, 103, 102):
        fund.close_bar(price)
    returns = np.array([[4, 1], [8, 2], [-4, -1]])[1:] / 10_000  # the first sample has nothing before it
    expected = inverse_volatility(np.cov(returns, rowvar=False).tolist())
    share = [float(fund.supervisor.share(f"p:{child}").weight) for child in "ab"]
    assert share == pytest.approx(expected)
    assert share == pytest.approx([0.4, 1.6])


def test_weights_are_made_anew_only_so_often(tmp_path: Path) -> None:
    fund = Fund(tmp_path, FIXED, book=BookSettings(method=Method.INVERSE_VOL, rebalance_every_bars=4))
    fund.quote(100)
    fund.buy("a", 4)
    fund.buy("b", 1)
    seen = []
    for price in (101, 103, 102, 105, 101, 102):
        fund.close_bar(price)
        seen.append(fund.supervisor.share("p:a").weight != 1)
    assert seen == [False, False, False, True, True, True]


def test_a_volatility_target_scales_the_shares_of_a_regime(tmp_path: Path) -> None:
    fund = Fund(tmp_path, REGIMES, book=BookSettings(target_vol=0.2, max_leverage=3.0))
    fund.quote(100)
    fund.close_bar(100)
    fund.buy("a", 2)
    fund.buy("b", 5)
    for price in ("100.01", "100.03", "100.02"):
        fund.close_bar(price)
    factors = [float(fund.supervisor.share(f"p:{child}").factor) for child in "ab"]
    assert factors[0] / factors[1] == pytest.approx(0.5 / 0.4)
    assert sum(factors) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("book", "found"),
    [
        (BookSettings(ladder=RUNGS), "a drawdown ladder"),
        (BookSettings(caps=ExposureCaps(net=Decimal(1))), "an exposure cap"),
        (BookSettings(method=Method.ERC), "an allocation by risk"),
        (BookSettings(target_vol=0.1), "a volatility target"),
    ],
)
def test_what_is_measured_by_capital_needs_some(tmp_path: Path, book: BookSettings, found: str) -> None:
    with pytest.raises(StrategyError, match=found):
        Fund(tmp_path, GATED, book=book)


def test_the_file_and_the_configuration_do_not_both_allocate(tmp_path: Path) -> None:
    with pytest.raises(StrategyError, match="ALLOCATE"):
        Fund(tmp_path, REGIMES, book=BookSettings(method=Method.ERC))
