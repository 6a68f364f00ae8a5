"""A session's profit of the day counts by the same day as its limits."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import pairwise
from sys import getsizeof

from hypothesis import given
from hypothesis import strategies as st

from qkt.core.daily import DailyBoundary
from qkt.runtime.equity import KEPT, MINUTE, SPARE, EquityHistory, Sample, Samples, as_money, outlined, summed


class Purse:
    now = Decimal(100)

    def equity(self) -> Decimal:
        return self.now

    balance = equity


def test_the_day_begins_at_the_configured_instant_through_a_change_of_clocks() -> None:
    purse = Purse()
    history = EquityHistory(purse, DailyBoundary("America/New_York", 17 * 60))
    starts = []
    # New York put its clocks forward on the tenth: its day of 23 hours ends at 21:00 UTC.
    for text in ("09T21:59", "09T22:00", "10T00:00", "10T20:59", "10T21:00", "11T20:59"):
        purse.now += 1
        history.sample(round(dt.datetime.fromisoformat(f"2024-03-{text}Z").timestamp() * 1000))
        starts.append(history.day_start)
    assert starts == [101, 102, 102, 102, 105, 105]


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=120), st.integers(2, 40))
def test_fewer_points_have_the_same_outline(values: list[int], most: int) -> None:
    samples = [Sample(minute, float(value), 0.0) for minute, value in enumerate(values)]
    found = outlined(samples, most)
    assert len(found) <= max(most, 2)
    assert (found[0], found[-1]) == (samples[0], samples[-1])
    assert all(one.ts < other.ts for one, other in pairwise(found))
    assert set(found) <= set(samples)
    if most >= 4:
        assert (min(one.equity for one in found), max(one.equity for one in found)) == (min(values), max(values))


def test_a_month_of_samples_is_kept_to_the_last_digit_in_a_megabyte() -> None:
    purse, history = Purse(), EquityHistory(Purse())
    history.account = purse
    given = []
    for minute in range(KEPT + 2 * SPARE):
        purse.now = Decimal(9_000_000) + Decimal(minute * 7_919_123 + 1).scaleb(-8)
        history.sample(minute * MINUTE + 17)
        given.append((minute * MINUTE + 17, purse.now, purse.now))
    kept = history.samples
    assert KEPT <= len(kept) < KEPT + SPARE
    assert [(one.ts, as_money(one.equity), as_money(one.balance)) for one in kept.since(0)] == given[-len(kept) :]
    last = given[-1][0]
    assert [one.ts for one in kept.since(last)] == [last] == [kept.last]
    assert [one.ts for one in kept.since(last - MINUTE + 1)] == [last]
    assert getsizeof(kept._times) + getsizeof(kept._money) < 1_300_000


TIMES = st.lists(st.integers(0, 40), max_size=30, unique=True).map(sorted)


@given(st.lists(TIMES, max_size=4))
def test_accounts_are_summed_at_the_minutes_that_all_of_them_know(times: list[list[int]]) -> None:
    accounts = [Samples() for _ in times]
    for number, (account, minutes) in enumerate(zip(accounts, times, strict=True), 1):
        for minute in minutes:
            account.add(minute * MINUTE + 7 * number, Decimal(number * 100 + minute), Decimal(number))
    common = sorted(set.intersection(*map(set, times))) if times else []
    whole = sum(range(1, len(times) + 1))
    assert list(summed(accounts)) == [Sample(m * MINUTE, whole * 100 + m * len(times), whole) for m in common]


def test_a_part_is_a_copy_that_changes_no_more() -> None:
    samples = Samples()
    for minute in range(5):
        samples.add(minute * MINUTE, Decimal(minute), Decimal(0))
    part = samples.since(2 * MINUTE)
    samples.add(5 * MINUTE, Decimal(5), Decimal(0))
    assert [one.equity for one in part] == [2, 3, 4]
    assert [one.equity for one in samples[1:3]] == [1, 2]
    assert samples[-1].equity == 5
