"""A damaged file is refused in a sentence, or all of it is counted. `python -m tests.data.fuzz` tries more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.fuzz import KINDS, fuzz, sound, tried


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_damaged_is_read(kind: str, tmp_path: Path) -> None:
    assert tried(tmp_path, kind, sound(tmp_path)[kind]) == "read"


def test_a_damaged_file_is_refused_or_all_of_it_is_counted() -> None:
    became, mistreated = fuzz(150, 9)
    assert mistreated == []
    assert sum(became.values()) == 150
