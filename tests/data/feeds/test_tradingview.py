"""The feed from TradingView, against a server that behaves well and badly."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import anyio
import pytest

from qkt.core.errors import UsageError
from qkt.data.feeds import FeedHealth, FeedItem, FeedTick
from qkt.data.feeds.tradingview import TradingViewFeed, TradingViewSettings
from qkt.data.feeds.tradingview.frames import frame, message
from tests.data.feeds.fake_tradingview import FakeConnection, FakeTradingView, fake_tradingview
from tests.data.feeds.hands import ManualTimer, states, ticks

FIXTURES = Path(__file__).resolve().parents[4] / "shared" / "data" / "tradingview"
NOW = 1_700_000_000_500
EURUSD, GOLD = "OANDA:EURUSD", "OANDA:XAUUSD"
OK = {"lp": 1.1, "bid": 1.0999, "ask": 1.1001}


class Scene:
    """A feed that is being read, the server it reads from, and the time of both."""

    def __init__(self, server: FakeTradingView, feed: TradingViewFeed, timer: ManualTimer) -> None:
        self.server = server
        self.feed = feed
        self.timer = timer
        self.items: list[FeedItem] = []
        self._news = anyio.Event()

    async def read(self) -> None:
        async for item in self.feed:
            self.items.append(item)
            self._news.set()
            self._news = anyio.Event()

    async def until(self, *, seen: int = 0, state: str = "", times: int = 1) -> None:
        """Wait until so many ticks, or a change of health so often, have come."""
        while len(ticks(self.items)) < seen or (state and states(self.items).count(state) < times):
            await self._news.wait()

    @property
    def prices(self) -> list[float]:
        return [item.tick.price for item in ticks(self.items)]

    def reason(self, state: str) -> str:
        return [item.reason for item in self.items if isinstance(item, FeedHealth) and item.state == state][-1]

    async def again(self) -> float:
        """Let the wait before the next attempt pass; how long it was."""
        wait = await self.timer.until_asleep()
        await self.timer.advance(wait)
        return wait

    async def lose(self, connection: FakeConnection, times: int = 1) -> None:
        connection.drop()
        await self.until(state="reconnecting", times=times)


def play(test: Callable[[Scene], Awaitable[None]], *symbols: str, seed: int = 1, refusing: int = 0) -> None:
    async def run() -> None:
        with anyio.fail_after(20):
            async with fake_tradingview() as server:
                server.refusing = refusing
                timer = ManualTimer(NOW)
                feed = TradingViewFeed(server.settings, clock=timer, timer=timer, seed=seed)
                await feed.subscribe(symbols or [EURUSD])
                scene = Scene(server, feed, timer)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(scene.read)
                    await test(scene)
                    tasks.cancel_scope.cancel()
                await feed.aclose()

    anyio.run(run)


def test_the_handshake_is_the_protocols() -> None:
    async def test(scene: Scene) -> None:
        wire = await scene.server.connection(1)
        session = await wire.ready()
        assert wire.headers["Origin"] == "https://www.tradingview.com"
        assert wire.calls == [
            ("set_auth_token", ["unauthorized_user_token"]),
            ("quote_create_session", [session]),
            ("quote_set_fields", [session, "lp", "lp_time", "bid", "ask", "volume"]),
            ("quote_add_symbols", [session, EURUSD, GOLD]),
        ]
        assert session.startswith("qs_")
        assert len(session) == 15

    play(test, EURUSD, GOLD)


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="needs ../shared/data/tradingview, which is not part of the repository")
def test_sampled_quotes_become_ticks() -> None:
    lines = (FIXTURES / "quote-session-eurusd.jsonl").read_text(encoding="utf-8").splitlines()

    async def test(scene: Scene) -> None:
        wire = await scene.server.connection(1)
        session = await wire.ready()
        await wire.raw("".join(frame(line.replace("qs_test", session)) for line in lines))
        await scene.until(seen=3)
        assert states(scene.items) == ["connected"]
        found = [(tick.symbol, tick.ts, tick.price, tick.bid, tick.ask) for tick in (item.tick for item in ticks(scene.items))]
        assert found == [
            (EURUSD, NOW, 1.1001, 1.10005, 1.10015),
            (EURUSD, NOW, 1.1002, 1.10005, 1.10015),
            (EURUSD, NOW, 1.10018, 1.10013, 1.10023),
        ]

    play(test)


def test_heartbeats_are_sent_back_as_they_came() -> None:
    async def test(scene: Scene) -> None:
        wire = await scene.server.connection(1)
        await wire.raw(frame("~h~7") + frame("~h~8~h~"))
        await wire.answered(2)
        assert wire.heartbeats == ["~h~7", "~h~8~h~"]

    play(test)


def test_half_frames_and_many_frames_at_once_are_one_stream() -> None:
    async def test(scene: Scene) -> None:
        wire = await scene.server.connection(1)
        session = await wire.ready()
        text = "".join(message("qsd", session, {"n": EURUSD, "s": "ok", "v": {"lp": 1.0 + n}}) for n in range(4))
        for piece in (text[:2], text[2:5], text[5:90], text[90:]):
            await wire.raw(piece)
        await scene.until(seen=4)
        assert scene.prices == [1.0, 2.0, 3.0, 4.0]

    play(test)


@pytest.mark.parametrize(
    "payload",
    [
        "not json", "[]", "7", "{}", '{"m":7,"p":[]}', '{"m":"qsd","p":"x"}', '{"m":"qsd"}', '{"m":"qsd","p":[null,null]}',
        '{"m":"qsd","p":["SESSION",[]]}', '{"m":"qsd","p":["SESSION",{"n":[],"s":"ok"}]}', "~h~x", "[" * 100_000,
        '{"m":"qsd","p":["SESSION",{"n":"OANDA:EURUSD","s":"ok","v":[1]}]}',
        '{"m":"qsd","p":["SESSION",{"n":"OANDA:EURUSD","s":"ok","v":{"lp":"1.1","bid":NaN,"ask":true,"lp_time":1e999}}]}',
        '{"m":"qsd","p":["SESSION",{"n":"OTHER:SYMBOL","s":"ok","v":{"lp":9}}]}',
        '{"m":"qsd","p":["qs_anotherone0",{"n":"OANDA:EURUSD","s":"ok","v":{"lp":9}}]}',
        '{"m":"no_such_method","p":[{"lp":9}]}', '{"m":"symbol_error","p":[]}',
    ],
)  # fmt: skip
def test_garbage_inside_frames_is_passed_over(payload: str) -> None:
    async def test(scene: Scene) -> None:
        wire = await scene.server.connection(1)
        await wire.raw(frame(payload.replace("SESSION", await wire.ready())))
        await wire.quote(EURUSD, **OK)
        await scene.until(seen=1)
        assert scene.prices == [1.1]
        assert states(scene.items) == ["connected"]

    play(test)


async def garbage(scene: Scene, wire: FakeConnection) -> None:
    await wire.raw("HTTP/1.1 200 OK")


async def binary(scene: Scene, wire: FakeConnection) -> None:
    await wire.bytes(b"~m~4~m~~h~1")


async def endless(scene: Scene, wire: FakeConnection) -> None:
    await wire.raw("~m~9999999~m~")


async def protocol_error(scene: Scene, wire: FakeConnection) -> None:
    await wire.say("protocol_error", "wrong data")


async def close(scene: Scene, wire: FakeConnection) -> None:
    await wire.close()


async def drop(scene: Scene, wire: FakeConnection) -> None:
    wire.drop()


async def half_a_frame_then_drop(scene: Scene, wire: FakeConnection) -> None:
    await wire.raw("~m~500~m~{")
    wire.drop()


async def silence(scene: Scene, wire: FakeConnection) -> None:
    await scene.timer.advance(60.0)


FAULTS = [garbage, binary, endless, protocol_error, close, drop, half_a_frame_then_drop, silence]


@pytest.mark.parametrize("fault", FAULTS)
def test_the_session_survives(fault: Callable[[Scene, FakeConnection], Awaitable[None]]) -> None:
    async def test(scene: Scene) -> None:
        for number in (1, 2):
            wire = await scene.server.connection(number)
            await wire.quote(EURUSD, **OK)
            await scene.until(seen=number)
            await fault(scene, wire)
            await scene.until(state="reconnecting", times=number)
            await scene.again()
        wire = await scene.server.connection(3)
        await wire.quote(EURUSD, lp=1.2)
        await scene.until(seen=3)
        assert scene.prices == [1.1, 1.1, 1.2]
        broken = ["stale", "lost"] if fault is silence else ["lost"]
        assert states(scene.items) == [*(["connected", *broken, "reconnecting"] * 2), "connected"]

    play(test)


def test_any_order_of_faults_is_survived() -> None:
    faults = Random(7).choices(FAULTS, k=40)

    async def test(scene: Scene) -> None:
        for number, fault in enumerate(faults, 1):
            wire = await scene.server.connection(number)
            await wire.quote(EURUSD, lp=number)
            await scene.until(seen=number)
            await fault(scene, wire)
            await scene.until(state="reconnecting", times=number)
            assert await scene.again() <= 1.2
        assert scene.prices == [float(number) for number in range(1, 41)]
        told = states(scene.items)
        assert [told.count(state) for state in ("connected", "lost", "reconnecting")] == [40, 40, 40]
        assert told.count("stale") == faults.count(silence)

    play(test)


def test_after_a_loss_the_session_is_a_new_one_and_old_fields_are_forgotten() -> None:
    async def test(scene: Scene) -> None:
        first = await scene.server.connection(1)
        await first.quote(EURUSD, **OK)
        await scene.until(seen=1)
        await scene.lose(first)
        await scene.again()
        second = await scene.server.connection(2)
        assert await second.ready() != await first.ready()
        await second.quote(EURUSD, bid=1.05)
        await second.quote(EURUSD, lp=1.2)
        await scene.until(seen=2)
        tick = ticks(scene.items)[-1].tick
        assert (tick.price, tick.bid, tick.ask) == (1.2, None, None)

    play(test)


def test_attempts_come_after_waits_that_double_up_to_a_minute_with_jitter() -> None:
    waits: dict[int, list[float]] = {}

    async def test(scene: Scene) -> None:
        for attempt in range(1, 9):
            await scene.until(state="reconnecting", times=attempt)
            waits.setdefault(seed, []).append(await scene.again())
        wire = await scene.server.connection(1)
        await wire.quote(EURUSD, **OK)
        await scene.until(seen=1)
        assert states(scene.items).count("lost") == 1
        assert "403" in scene.reason("lost")
        await scene.lose(wire, times=9)
        assert await scene.timer.until_asleep() <= 1.2

    for seed in (1, 2):
        play(test, seed=seed, refusing=8)
    for own in waits.values():
        for wait, plain in zip(own, (1, 2, 4, 8, 16, 32, 60, 60), strict=True):
            assert 0.8 * plain <= wait <= 1.2 * plain
    assert waits[1] != waits[2]


def test_only_a_price_ends_the_series_of_attempts() -> None:
    async def test(scene: Scene) -> None:
        waits = []
        for attempt in range(1, 5):
            wire = await scene.server.connection(attempt)
            await wire.ready()
            await scene.lose(wire, times=attempt)
            waits.append(await scene.again())
        assert waits[3] > 4 * waits[0]
        assert "connected" not in states(scene.items)

    play(test)


def test_heartbeats_keep_a_quiet_wire_alive() -> None:
    async def test(scene: Scene) -> None:
        wire = await scene.server.connection(1)
        await wire.quote(EURUSD, **OK)
        await scene.until(seen=1)
        for number in range(1, 4):
            await scene.timer.advance(50.0)
            await wire.heartbeat(number)
            await wire.answered(number)
        assert states(scene.items) == ["connected"]
        assert len(scene.server.connections) == 1

    play(test)


def test_a_long_outage_is_told_once_and_attempts_go_on() -> None:
    async def test(scene: Scene) -> None:
        for attempt in range(1, 11):
            await scene.until(state="reconnecting", times=attempt)
            await scene.again()
        assert states(scene.items).count("outage") == 1
        assert scene.reason("outage").startswith("no price for 1")
        wire = await scene.server.connection(1)
        await wire.quote(EURUSD, **OK)
        await scene.until(seen=1)

    play(test, refusing=10)


def test_three_protocol_errors_in_a_row_and_the_feed_gives_up_loudly() -> None:
    async def test(scene: Scene) -> None:
        for attempt in (1, 2, 3):
            wire = await scene.server.connection(attempt)
            await wire.ready()
            await wire.say("protocol_error", "wrong\x1b[31m data")
            if attempt < 3:
                await scene.until(state="reconnecting", times=attempt)
                await scene.again()
        await scene.until(state="failed")
        assert scene.reason("failed") == "the server called our protocol wrong 3 times: wrong [31m data"

    play(test)


def test_a_critical_error_ends_the_feed_at_once() -> None:
    async def test(scene: Scene) -> None:
        wire = await scene.server.connection(1)
        await wire.say("critical_error", await wire.ready(), "invalid_method", "no such thing")
        await scene.until(state="failed")
        assert scene.reason("failed") == "critical error: invalid_method no such thing"

    play(test)


def test_a_symbol_that_is_refused_is_told_once_and_the_others_go_on() -> None:
    async def test(scene: Scene) -> None:
        wire = await scene.server.connection(1)
        await wire.refuse(GOLD, "no\r\nsuch symbol")
        await wire.refuse(GOLD, "again", status="permission_denied")
        await wire.quote(EURUSD, **OK)
        await scene.until(seen=1)
        assert scene.items[0] == FeedHealth(scene.items[0].state, NOW, "no  such symbol", (GOLD,))  # type: ignore[union-attr]
        assert states(scene.items) == ["unavailable", "connected"]

    play(test, EURUSD, GOLD)


def test_symbols_come_and_go_while_the_wire_stands() -> None:
    async def test(scene: Scene) -> None:
        wire = await scene.server.connection(1)
        session = await wire.ready()
        await scene.feed.subscribe([EURUSD, GOLD])
        assert await wire.called("quote_add_symbols", times=2) == [session, GOLD]
        await scene.feed.unsubscribe([EURUSD])
        assert await wire.called("quote_remove_symbols") == [session, EURUSD]
        await wire.quote(EURUSD, **OK)
        await wire.quote(GOLD, lp=2000)
        await scene.until(seen=1)
        assert [item.tick.symbol for item in ticks(scene.items)] == [GOLD]
        await scene.lose(wire)
        await scene.again()
        again = await scene.server.connection(2)
        assert (await again.called("quote_add_symbols"))[1:] == [GOLD]

    play(test)


def test_closing_leaves_no_task_and_no_connection() -> None:
    async def run() -> None:
        with anyio.fail_after(20):
            async with fake_tradingview() as server:
                before = {task.id for task in anyio.get_running_tasks()}
                for number in range(1, 6):
                    feed = TradingViewFeed(server.settings, clock=ManualTimer(NOW), timer=ManualTimer(NOW))
                    await feed.subscribe([EURUSD])

                    async def first_tick(feed: TradingViewFeed = feed) -> None:
                        async for item in feed:
                            if isinstance(item, FeedTick):
                                return

                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(first_tick)
                        wire = await server.connection(number)
                        await wire.quote(EURUSD, **OK)
                    await feed.aclose()
                    with pytest.raises(StopAsyncIteration):
                        await anext(feed)
                await anyio.wait_all_tasks_blocked()
                left = [task for task in anyio.get_running_tasks() if task.id not in before]
                assert not left

    anyio.run(run)


def test_market_ids_and_aliases_name_symbols_of_an_exchange() -> None:
    settings = replace(TradingViewSettings(), aliases={"EURUSD": EURUSD})
    assert settings.name_of("TV:OANDA:EURUSD") == EURUSD
    assert settings.name_of("TV:EURUSD") == settings.name_of("EURUSD") == EURUSD
    for wrong in ("TV:XAUUSD", "EURUSD;", 'TV:OANDA:"}', "TV:OANDA:eurusd\n", ""):
        with pytest.raises(UsageError, match="has no symbol"):
            settings.name_of(wrong)


def test_a_token_is_sent_and_never_shown() -> None:
    assert "secret" not in repr(TradingViewSettings(token="secret"))


def test_a_live_feed_cannot_be_resumed() -> None:
    with pytest.raises(UsageError, match="does not go back"):
        TradingViewFeed().resume(5)


def test_messages_are_ascii() -> None:
    text = message("quote_add_symbols", "qs_1", "Ä:€")
    assert text.isascii()
    assert json.loads(text.rpartition("~m~")[2])["p"][1] == "Ä:€"
