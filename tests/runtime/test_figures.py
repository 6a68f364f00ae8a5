"""Durations in classes say where a share of them ends."""

from hypothesis import given
from hypothesis import strategies as st

from qkt.runtime.figures import BOUNDS, Durations


@given(st.lists(st.integers(0, 2 * BOUNDS[-1]), min_size=1), st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_never_too_short_and_at_most_a_fifth_too_long(took: list[int], share: float) -> None:
    figures = Durations()
    for one in took:
        figures.add(one)
    exact = sorted(took)[max(0, -int(-share * len(took) // 1) - 1)]
    assert exact <= figures.quantile(share) <= max(figures.worst if exact > BOUNDS[-1] else exact * 1.2 + 1, BOUNDS[0])


def test_nothing_took_no_time() -> None:
    assert Durations().quantile(0.99) == 0
