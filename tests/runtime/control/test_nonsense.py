"""Requests that make no sense do an engine no harm. `python -m tests.runtime.fuzz` sends more of them."""

from __future__ import annotations

import pytest

from tests.runtime.fuzz import fuzz
from tests.runtime.stream_fuzz import fuzz_streams

pytestmark = pytest.mark.anyio


async def test_each_is_answered_in_a_sentence_and_the_engine_trades_on(runtime_dir):
    fuzzed = await fuzz(120, 5)
    assert fuzzed.mistreated == []
    assert fuzzed.became["400"] > 20


async def test_streams_end_with_a_sentence_or_are_given_frames(runtime_dir):
    streamed = await fuzz_streams(64, 5)
    assert streamed.mistreated == []
    assert {"closed 1002", "closed 1008", "given frames"} <= set(streamed.became)
