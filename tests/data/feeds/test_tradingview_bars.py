"""Bars of the past from TradingView."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import numpy as np
import pytest

from qkt.core.errors import DataError, UsageError
from qkt.core.events import Tick
from qkt.core.timeframe import MINUTE_MS, Timeframe
from qkt.data import BarTable, CandleBuilder
from qkt.data.feeds.tradingview import fetch_bars, fetch_history
from qkt.data.feeds.tradingview.frames import frame
from tests.data.feeds.fake_tradingview import FakeConnection, FakeTradingView, fake_tradingview
from tests.data.feeds.hands import ManualTimer
from tests.data.feeds.test_tradingview import FIXTURES

M5 = 5 * MINUTE_MS
FIRST = 1_700_000_100_000
EURUSD = "OANDA:EURUSD"


def rows(*numbers: int) -> dict[str, object]:
    """An update with these bars, counted from the first."""
    bars = [{"i": n, "v": [FIRST / 1000 + n * 300.0, 1.0 + n, 1.5 + n, 0.5 + n, 1.2 + n, 10 * n]} for n in numbers]
    return {"sds_1": {"s": bars, "t": "s1"}}


async def ask(server: FakeTradingView, timer: ManualTimer, start: int, end: int | None = None) -> BarTable:
    return await fetch_bars(f"TV:{EURUSD}", M5, start, end, settings=server.settings, clock=timer, timer=timer, seed=1)


def fetch(
    answer: Callable[[FakeConnection, str, ManualTimer], Awaitable[None]],
    start: int = FIRST,
    end: int | None = None,
    now: int = 3,
) -> BarTable:
    """Bars asked for `now` bars after the first, from a server that answers like this."""

    async def run() -> BarTable:
        with anyio.fail_after(20):
            async with fake_tradingview() as server:
                timer = ManualTimer(FIRST + now * M5 + 1)

                async def serve() -> None:
                    wire = await server.connection(1)
                    session = (await wire.called("create_series"))[0]
                    await answer(wire, session, timer)

                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(serve)
                    try:
                        return await ask(server, timer, start, end)
                    except (DataError, UsageError) as raised:
                        problem = raised
                    finally:
                        tasks.cancel_scope.cancel()
                raise problem

    return anyio.run(run)


async def three(wire: FakeConnection, session: str, timer: ManualTimer) -> None:
    await wire.say("symbol_resolved", session, "symbol_1", {"timezone": "Etc/UTC"})
    await wire.say("timescale_update", session, rows(2, 0, 1))
    await wire.say("du", session, rows(2, 3))
    await wire.say("series_completed", session, "sds_1", "streaming", "s1")


def test_closed_bars_come_sorted_once_and_without_the_running_one() -> None:
    async def answer(wire: FakeConnection, session: str, timer: ManualTimer) -> None:
        await three(wire, session, timer)
        assert wire.calls[1:] == [
            ("chart_create_session", [session, ""]),
            ("switch_timezone", [session, "Etc/UTC"]),
            ("resolve_symbol", [session, "symbol_1", '={"symbol":"OANDA:EURUSD","adjustment":"splits"}']),
            ("create_series", [session, "sds_1", "s1", "symbol_1", "5", 4, ""]),
        ]

    table = fetch(answer)
    assert table.start.tolist() == [FIRST, FIRST + M5, FIRST + 2 * M5]
    assert table.close.tolist() == [1.2, 2.2, 3.2]
    assert table.volume is not None
    assert table.volume.tolist() == [0.0, 10.0, 20.0]


def test_a_range_is_half_open() -> None:
    assert fetch(three, FIRST + 1, FIRST + 2 * M5).start.tolist() == [FIRST + M5]


def test_older_bars_are_asked_for_until_the_range_is_covered_or_there_are_none() -> None:
    async def answer(wire: FakeConnection, session: str, timer: ManualTimer) -> None:
        await wire.say("timescale_update", session, rows(8, 9))
        await wire.say("series_completed", session, "sds_1", "streaming", "s1")
        assert await wire.called("request_more_data") == [session, "sds_1", 8]
        await wire.say("timescale_update", session, rows(5, 6, 7))
        await wire.say("series_completed", session, "sds_1", "streaming", "s1")
        assert await wire.called("request_more_data", times=2) == [session, "sds_1", 5]
        await wire.say("series_completed", session, "sds_1", "streaming", "s1")

    assert [(start - FIRST) // M5 for start in fetch(answer, now=10).start.tolist()] == [5, 6, 7, 8, 9]


def test_what_is_no_bar_is_left_out_and_volume_may_be_missing() -> None:
    async def answer(wire: FakeConnection, session: str, timer: ManualTimer) -> None:
        good = [FIRST / 1000, 1.0, 2.0, 0.5, 1.5]
        bad: list[object] = [None, {"v": None}, {"v": [1]}, {"v": [1.0, 2.0, 1.0, 0.5, 1.5]}, {"v": ["x", 1, 1, 1, 1]}, 7]
        await wire.say("timescale_update", session, {"sds_1": {"s": [*bad, {"i": 0, "v": good}]}})
        await wire.say("timescale_update", session, [])
        await wire.say("series_completed", session, "sds_1")

    table = fetch(answer)
    assert (table.start.tolist(), table.high.tolist(), table.volume) == ([FIRST], [2.0], None)


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="needs ../shared/data/tradingview, which is not part of the repository")
def test_sampled_bars_are_read() -> None:
    lines = (FIXTURES / "chart-session-eurusd-m5.jsonl").read_text(encoding="utf-8").splitlines()

    async def answer(wire: FakeConnection, session: str, timer: ManualTimer) -> None:
        await wire.raw("".join(frame(line.replace("cs_test", session)) for line in lines))

    table = fetch(answer, start=1_700_000_000_000)
    sample = json.loads(lines[0])["p"][1]["sds_1"]["s"]
    assert np.array_equal(table.start, [row["v"][0] * 1000 for row in sample])
    assert np.array_equal(table.close, [row["v"][4] for row in sample])


@pytest.mark.parametrize(
    ("method", "params", "reason"),
    [
        ("symbol_error", ["SESSION", "symbol_1", "invalid symbol"], "no such bars: invalid symbol"),
        ("series_error", ["SESSION", "sds_1", "s1", "resolve error"], "no such bars: s1 resolve error"),
        ("critical_error", ["SESSION", "invalid_method", "what"], "calls our protocol wrong"),
        ("protocol_error", ["wrong data"], "calls our protocol wrong: wrong data"),
    ],
)
def test_refusals_are_told(method: str, params: list[str], reason: str) -> None:
    async def answer(wire: FakeConnection, session: str, timer: ManualTimer) -> None:
        await wire.say(method, *(session if param == "SESSION" else param for param in params))

    with pytest.raises(DataError, match=reason):
        fetch(answer)


def test_a_server_that_does_not_answer_is_not_waited_for_longer_than_half_a_minute() -> None:
    async def answer(wire: FakeConnection, session: str, timer: ManualTimer) -> None:
        await timer.advance(30.0)

    with pytest.raises(DataError, match="did not send the bars within 30 s"):
        fetch(answer)


def test_a_server_that_hangs_up_is_told() -> None:
    async def answer(wire: FakeConnection, session: str, timer: ManualTimer) -> None:
        wire.drop()

    with pytest.raises(DataError, match="did not send the bars: the server closed the connection"):
        fetch(answer)


def test_what_cannot_be_had_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(UsageError, match=r"no bars of 120 s, expected one of 1 s, .*604800 s"):
        anyio.run(fetch_bars, EURUSD, 2 * MINUTE_MS, FIRST)
    with pytest.raises(UsageError, match="more than 20,000 bars"):
        anyio.run(fetch_bars, EURUSD, 1000, FIRST)


def test_history_makes_the_same_candles_again_from_the_longest_bars_that_fit() -> None:
    async def run() -> list[Tick]:
        with anyio.fail_after(20):
            async with fake_tradingview() as server, anyio.create_task_group() as tasks:
                timer = ManualTimer(FIRST + 3 * M5 + 1)

                async def serve() -> None:
                    wire = await server.connection(1)
                    session = (await wire.called("create_series"))[0]
                    assert (await wire.called("create_series"))[4] == "5"
                    await three(wire, session, timer)
                    await wire.called("request_more_data")
                    await wire.say("series_completed", session, "sds_1", "streaming", "s1")

                tasks.start_soon(serve)
                wanted = {f"TV:{EURUSD}": [(2 * M5, 20), (3 * M5, 0)]}
                return list(await fetch_history(wanted, settings=server.settings, clock=timer, timer=timer))

    ticks = anyio.run(run)
    builder = CandleBuilder(Timeframe.parse("5m"))
    bars = [bar for tick in ticks if (bar := builder.update(tick.ts, tick.price, None, None, tick.volume)) is not None]
    assert [tick.ts for tick in ticks] == sorted(tick.ts for tick in ticks)
    assert [tuple(bar[2:7]) for bar in (*bars, builder.unfinished)] == [
        (1.0, 1.5, 0.5, 1.2, 0.0),
        (2.0, 2.5, 1.5, 2.2, 10.0),
        (3.0, 3.5, 2.5, 3.2, 20.0),
    ]


def test_history_that_no_bars_can_make_is_refused() -> None:
    with pytest.raises((UsageError, DataError)):
        anyio.run(partial(fetch_history, {"TV:NOTHING": [(M5, 1)]}))
