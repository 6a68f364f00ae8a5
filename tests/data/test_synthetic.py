"""Invented quotes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qkt.core.calendars import FX
from qkt.core.errors import UsageError
from qkt.data import open_data, synthesize
from qkt.data.tick_writer import write_ticks


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        write_ticks(tmp_path / f"{name}.csv.gz", "EURUSD", synthesize("EURUSD", 2, seed, ticks_per_day=500))
    a, b, c = ((tmp_path / f"{name}.csv.gz").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_quotes_are_sane_and_in_market_hours(tmp_path: Path) -> None:
    path = tmp_path / "eurusd.csv.gz"
    write_ticks(path, "EURUSD", synthesize("EURUSD", 7, 3, ticks_per_day=2_000))
    source = open_data([str(path)])["EURUSD"]
    tables = list(source.tables())
    assert source.report.bad == source.report.reordered == 0
    assert source.report.good > 7 * 1_500
    assert all(FX.is_open(int(ts)) for table in tables for ts in table.ts[::50])  # type: ignore[union-attr]


def test_every_tick_of_the_price_is_a_whole_number_of_points() -> None:
    for day in synthesize("XAUUSD", 1, 1, ticks_per_day=500):
        assert np.array_equal(np.round(day["bid"], 2), day["bid"])
        assert (day["ask"] > day["bid"]).all()


def test_a_symbol_without_a_known_price_needs_one() -> None:
    with pytest.raises(UsageError, match="no first price is known for EURSEK"):
        next(iter(synthesize("EURSEK", 1, 1)))
    day = next(iter(synthesize("EURSEK", 1, 1, price=11.2, ticks_per_day=100)))
    assert abs(day["bid"][0] - 11.2) < 0.5


def test_days_must_be_positive() -> None:
    with pytest.raises(UsageError):
        next(iter(synthesize("EURUSD", 0, 1)))
