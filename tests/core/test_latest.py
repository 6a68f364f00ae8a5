"""A list that forgets answers as a list of everything would, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qkt.core.latest import Latest, first_of, read, rows


@given(kept=st.integers(1, 5), count=st.integers(0, 30), start=st.integers(-8, 35), stop=st.integers(-8, 35))
def test_what_can_be_read_is_what_a_list_of_everything_has(kept: int, count: int, start: int, stop: int) -> None:
    latest: Latest[int] = Latest(kept)
    everything = list(range(count))
    for row in everything:
        latest.append(row)
    assert len(latest) == count
    assert list(latest) == everything[latest.first :]
    assert min(count, kept) <= count - first_of(latest) < 2 * kept
    for at in (start, slice(start, stop), slice(start, None)):
        assert _read(latest, at) in (_read(everything, at), None)
    for at in range(latest.first, count):
        assert latest[at] == latest[at - count] == at
    assert latest[latest.first :] == everything[latest.first :]


@given(kept=st.integers(1, 5), bursts=st.lists(st.integers(0, 30), max_size=8))
def test_a_reader_of_every_row_gets_every_row_however_many_come_at_once(kept: int, bursts: list[int]) -> None:
    latest: Latest[int] = Latest(kept)
    got = read(latest, 0)
    for burst in bursts:
        for _ in range(burst):
            latest.append(len(latest))
        got += read(latest, len(got))
    assert got == list(range(sum(bursts)))
    latest.append(-1)
    assert len(latest) - latest.first <= max(2 * kept, 1)


def _read(of: Any, at: Any) -> Any:
    try:
        return of[at]
    except IndexError:
        return None


def test_a_row_that_is_gone_is_no_other_one() -> None:
    latest: Latest[str] = Latest(2)
    for row in "abcdefg":
        latest.append(row)
    assert latest.first == 5
    with pytest.raises(IndexError, match="row 3 is not there; there are 5 to 6"):
        latest[3]
    with pytest.raises(IndexError):
        latest[3:]
    assert first_of(rows(None)) == 0
