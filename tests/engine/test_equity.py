"""The curve begins with the balance and ends with the last tick."""

from tests.market import Market


def test_the_curve_has_a_sample_before_anything_happened_and_one_at_the_end() -> None:
    market = Market(start=60_000)
    market.quote(100, 100, at=60_250)
    market.buy(1)
    market.quote(90, 90, at=60_500)  # a loss within the first window
    market.quote(95, 95, at=125_000)
    market.session.end()
    curve = market.session.equity
    assert list(zip(curve.times, curve.values, strict=True)) == [(60_250, 10_000), (120_000, 9_990), (125_000, 9_995)]
