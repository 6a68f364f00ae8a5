"""Requests that make no sense do an engine no harm. `python -m tests.runtime.fuzz` sends more of them."""

from __future__ import annotations

import pytest

from tests.runtime.fuzz import fuzz

pytestmark = pytest.mark.anyio


async def test_each_is_answered_in_a_sentence_and_the_engine_trades_on(runtime_dir):
    fuzzed = await fuzz(120, 5)
    assert fuzzed.mistreated == []
    assert fuzzed.became["400"] > 20
