"""One word leads from the tick at which something was decided to every fill that it brought, also after a restart."""

from __future__ import annotations

import anyio
import pytest

from qkt.runtime.engine import Engine
from qkt.runtime.markets import OwnFeeds
from tests.runtime.samples import ListFeed, strategy_file, ticks

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def played(state, file, source):
    async with Engine(state, OwnFeeds(lambda: ListFeed(source))) as engine:
        if file is not None:
            await engine.deploy(file, "one", {})
        with anyio.fail_after(20):
            await engine.hosted["one"].pump.ended.wait()
        return [line for line in engine.lines(0, session="one", limit=10_000) if line.order]


async def test_entry_exits_and_fills_carry_the_input_of_the_decision(tmp_path):
    lines = await played(tmp_path / "state", strategy_file(tmp_path), list(ticks(1500)))
    filled = [line for line in lines if line.event == "fill"]
    assert len(filled) > 4
    for entry, close in zip(filled[::2], filled[1::2], strict=False):
        intent = next(one for one in lines if one.order == entry.order and one.event == "order")
        assert entry.trace == close.trace == intent.trace
        assert entry.order != close.order
    assert len({line.trace for line in filled}) == len(filled[::2])


async def test_what_was_decided_before_a_restart_keeps_its_trace(tmp_path):
    source = list(ticks(1500))
    whole = await played(tmp_path / "whole", strategy_file(tmp_path), source)
    cut = 1120  # between an entry and its exit
    first = await played(tmp_path / "cut", strategy_file(tmp_path), source[:cut])
    second = await played(tmp_path / "cut", None, source)
    assert [(one.order, one.trace) for one in whole] == [(one.order, one.trace) for one in (*first, *second)]
    assert {one.trace for one in first} & {one.trace for one in second}, "a trade lives across the restart"
