"""Sessions of a real engine on a simulated account: link, desk, journal, tape and recovery."""

import itertools
import threading
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from qkt.brokers.factory import BrokerKind
from qkt.brokers.mt5 import feed, link
from qkt.brokers.mt5.broker import Mt5Broker
from qkt.brokers.mt5.native import NativeTerminal
from qkt.brokers.mt5.profile import Profile
from qkt.brokers.mt5.simulator import Faults, SimSymbol, SimulatedPackage, Venue
from qkt.brokers.mt5.simulator.faults import ReadFault, SendFault
from qkt.core.events import Tick
from qkt.data.feeds import FeedHealth, FeedTick
from qkt.risk import RiskLimits, VenueLimits
from qkt.runtime import venues
from qkt.runtime.control import commands as ask
from qkt.runtime.control.answers import Done, Failed
from qkt.runtime.engine import Engine
from qkt.runtime.errors import SessionError
from qkt.runtime.markets import OwnFeeds
from qkt.runtime.replay import replay
from qkt.runtime.setup import Terms
from qkt.runtime.venues import Mt5Accounts
from tests.runtime.samples import BOOK, START, ListFeed, strategy_file, ticks

UNMEASURED = RiskLimits(venue=VenueLimits(measured_usage_hours=Decimal(0), measured_usage_max_qty=Decimal(0)))
PROFILE = Profile("sim", suffix="m", magic=77)


@pytest.fixture(autouse=True)
def no_idling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "IDLE_S", 0.001)
    monkeypatch.setattr(venues, "PAUSE", 0.0)


class Wall:
    """A clock that begins when the market does and goes on whenever somebody looks at it, however fast the machine is."""

    def __init__(self) -> None:
        self._looks = itertools.count()

    def now(self) -> int:
        return START + 40 * next(self._looks)


class OneAtATime:
    """A terminal that two threads may use: the link's, and the market's."""

    def __init__(self, package: SimulatedPackage) -> None:
        self._terminal = NativeTerminal(package)
        self.lock = threading.RLock()

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._terminal, name)

        def locked(*arguments: Any) -> Any:
            with self.lock:
                return call(*arguments)

        return locked


class QuotedFeed(ListFeed):
    """Ticks that the venue quotes before anyone hears of them, with time for what they lead to."""

    def __init__(self, source: Sequence[Tick], rig: "Account") -> None:
        super().__init__(source)
        self._rig = rig

    async def __anext__(self) -> Any:
        if self._at < len(self._source):
            tick = self._source[self._at]
            with self._rig.terminal.lock:
                venue = self._rig.venue
                bid, ask = Decimal(str(tick.bid)), Decimal(str(tick.ask))
                venue.quote("EURUSDm", max(tick.ts, venue.now, self._rig.wall.now()), bid, ask)
            await self._rig.answered()
        return await super().__anext__()


class Account:
    """A simulated account that outlives engines."""

    def __init__(self, faults: Faults | None = None, *, hedging: bool = True) -> None:
        self.venue = Venue([SimSymbol("EURUSDm")], money_step=Decimal("1e-8"), hedging=hedging)
        self.package = SimulatedPackage(self.venue, faults=faults)
        self.terminal = OneAtATime(self.package)
        self.wall = Wall()

    def engine(self, state: Path, market: Sequence[Tick], profile: Profile = PROFILE, *, restore_live: bool = True) -> Engine:
        accounts = Mt5Accounts({"sim": profile}, self.wall, {"sim": self.terminal})  # type: ignore[dict-item]
        feeds = OwnFeeds(lambda: QuotedFeed(market, self), "the test's market")
        terms = Terms(broker=BrokerKind.MT5, limits=UNMEASURED)
        self.running = Engine(state, feeds, terms=terms, venues=accounts, wall=self.wall, restore_live=restore_live)
        return self.running

    async def answered(self) -> None:
        """Wait until what the ticks so far led to is answered, and what the venue did by itself is heard: the strategy's next
        decisions follow from it."""
        hosted = self.running.hosted.get("cross")
        if hosted is None:
            return
        live = hosted.live
        broker = live.machine.session.broker
        assert isinstance(broker, Mt5Broker)
        with anyio.fail_after(60):
            while (
                len(live.inbox)
                or live.recorder.backlog
                or broker.standing().outstanding
                or not _positions_heard(broker, self.venue)
            ):
                await anyio.sleep(0)


async def run(account: Account, engine: Engine, file: Path | None) -> tuple[Any, Mt5Broker]:
    """Let the market pass, what was asked for be answered and what the venue did by itself be seen. Returns the books and the
    broker as they are then."""
    async with engine:
        live = engine.hosted["cross"].live if file is None else await engine.deploy(file, "cross", {})
        await engine.hosted["cross"].pump.ended.wait()
        broker = live.machine.session.broker
        assert isinstance(broker, Mt5Broker)
        with anyio.fail_after(20):
            while broker.standing().outstanding or not (
                _rests(broker, account.venue) and _positions_heard(broker, account.venue)
            ):
                await anyio.sleep(0.01)
        return live.machine.session.books, broker


def _positions_heard(broker: Mt5Broker, venue: Venue) -> bool:
    """Whether the broker knows of the positions what the venue does."""
    return {n: one.volume for n, one in venue.positions.items()} == {n: one.volume for n, one in broker.tickets.open.items()}


def _rests(broker: Mt5Broker, venue: Venue) -> bool:
    """Whether all that the broker has under way rests at the venue: a stop that the last tick filled is not seen at once."""
    return len(broker.parts.active) == len(venue.orders) and all(
        part.request.act == "place" for part in broker.parts.active.values()
    )


def _agree(account: Account, books: Any, broker: Mt5Broker) -> None:
    venue = account.venue
    assert _positions_heard(broker, venue)
    assert len(books.trades) == len(venue.deals)
    realized = sum((deal.profit for deal in venue.deals), Decimal(0))
    assert books.strategies["cross"].realized == pytest.approx(realized, abs=Decimal("0.01"))


@pytest.mark.anyio
async def test_a_session_trades_at_the_venue_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    account, market, state = Account(), list(ticks(1_400)), tmp_path / "state"
    books, broker = await run(account, account.engine(state, market[:700]), strategy_file(tmp_path))
    assert len(books.trades) > 1
    _agree(account, books, broker)
    books, broker = await run(account, account.engine(state, market), None)
    _agree(account, books, broker)
    assert len(books.trades) > 3
    done = replay(state, "cross")
    assert (done.way, done.divergence) == ("inputs", None)


@pytest.mark.anyio
async def test_a_session_on_an_account_shows_as_live_and_waits_for_a_word_where_somebody_sits_before_it(tmp_path: Path) -> None:
    account, market, state = Account(), list(ticks(200)), tmp_path / "state"
    async with account.engine(state, market[:100]) as engine:
        await engine.deploy(strategy_file(tmp_path), "cross", {})
        row = engine.snapshot().tables.strategies["cross"]
        assert (row.mode, row.account, engine.hello().mode) == ("LIVE", "mt5:cross", "LIVE")
        assert engine.snapshot().tables.accounts["mt5:cross"].mode == "LIVE"
    async with account.engine(state, market[:100], restore_live=False) as engine:
        row = engine.snapshot().tables.strategies["cross"]
        assert (row.mode, row.state, engine.hosted) == ("LIVE", "STOPPED", {})
        assert any("waits for an operator" in alert.text for alert in engine.snapshot().tables.alerts.values())


@pytest.mark.anyio
async def test_a_session_on_a_failing_terminal_comes_to_the_venues_truth(tmp_path: Path) -> None:
    faults = Faults(5, send=dict.fromkeys(SendFault, 0.02), read={ReadFault.LINK: 0.01, ReadFault.NONE: 0.01})
    account = Account(faults)
    engine = account.engine(tmp_path / "state", list(ticks(900)))
    books, broker = await run(account, engine, strategy_file(tmp_path))
    assert books.trades
    _agree(account, books, broker)
    figures = engine.links["sim"]
    assert figures.calls["order_send"] > 0
    assert 0 < figures.failures.total() < figures.calls.total()
    assert not figures.up


@pytest.mark.anyio
async def test_a_position_that_nobody_knows_refuses_the_start_until_it_is_adopted(tmp_path: Path) -> None:
    account, market, state = Account(), list(ticks(300)), tmp_path / "state"
    async with account.engine(state, market[:100]) as engine:
        live = await engine.deploy(strategy_file(tmp_path), "cross", {})
        owner = live.machine.settings.venue.owner
        await engine.hosted["cross"].pump.ended.wait()
    order = {
        "action": 1,
        "symbol": "EURUSDm",
        "volume": 0.3,
        "type": 0,
        "type_filling": 1,
        "comment": f"{owner}-zz",
        "magic": 77,
    }
    with account.terminal.lock:
        account.venue.execute(order)
    async with account.engine(state, market) as engine:
        reason = engine.resting["cross"][1]
        assert reason is not None
        assert "position" in reason
        assert "adopt = true" in reason
        with pytest.raises(SessionError):
            engine.find("cross")
    async with account.engine(state, market[:100], replace(PROFILE, adopt=True)) as engine:
        assert await engine.hosted["cross"].seat.compare() == []  # type: ignore[union-attr]
        with account.terminal.lock:
            account.venue.execute({**order, "volume": 0.2, "comment": f"{owner}-zy"})
        row = (await engine.hosted["cross"].seat.compare())[0]  # type: ignore[union-attr]
        assert (row.session, row.venue) == ("nothing", "BUY 0.2")
        books = engine.hosted["cross"].live.machine.session.books
        assert books.net_quantity("cross", "SIM:EURUSD") == Decimal("0.3")


TRAILED = 1_116
"""After so many ticks of the market a position is open whose stop trails."""


@pytest.mark.anyio
@pytest.mark.parametrize("holds", [True, False], ids=["the venue holds it", "the venue refuses it"])
async def test_a_session_that_stops_leaves_its_last_level_at_the_venue_or_asks(tmp_path: Path, holds: bool) -> None:
    account = Account()
    async with account.engine(tmp_path / "state", list(ticks(TRAILED))) as engine:
        await engine.deploy(strategy_file(tmp_path), "cross", {})
        await engine.hosted["cross"].pump.ended.wait()
        await account.answered()
        machine = engine.hosted["cross"].live.machine
        (held,) = machine.exposed()
        (position,) = account.venue.positions.values()
        net = position.sl
        assert net < held.stop  # type: ignore[operator]
        account.venue.symbols["EURUSDm"].stops_level = 0 if holds else 1_000
        with anyio.fail_after(60):
            answer = await engine.perform(ask.Stop(id="stop-once", author="me", name="cross"), lambda step: None)
        if holds:
            assert isinstance(answer, Done)
            assert position.sl == held.stop
        else:
            assert isinstance(answer, Failed)
            assert answer.kind == "unprotected"
            assert position.sl == net
            agreed = ask.Stop(id="stop-again", author="me", name="cross", leave_unprotected=True)
            assert isinstance(await engine.perform(agreed, lambda step: None), Done)
    assert replay(tmp_path / "state", "cross").divergence is None


@pytest.mark.anyio
async def test_a_market_of_a_netting_account_is_one_strategys_alone(tmp_path: Path) -> None:
    account, file = Account(hedging=False), strategy_file(tmp_path)
    async with account.engine(tmp_path / "state", list(ticks(20))) as engine:
        with pytest.raises(SessionError, match="more than one child of book"):
            await engine.deploy(strategy_file(tmp_path, BOOK, "book.qkt"), "book", {})
        await engine.deploy(file, "cross", {})
        with pytest.raises(SessionError, match="session cross trades already"):
            await engine.deploy(file, "other", {})
        await engine.end(engine.find("cross"))
        await engine.deploy(file, "other", {})
        assert list(engine.hosted) == ["other"]


@pytest.mark.anyio
async def test_a_feed_says_when_its_terminal_is_lost_and_goes_on_without_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "PAUSE_MS", 1)
    account = Account()
    accounts = Mt5Accounts({"sim": PROFILE}, account.wall, {"sim": account.terminal})  # type: ignore[dict-item]
    reader = feed.Mt5Feed(accounts, account.wall)
    await reader.subscribe(["SIM:EURUSD"])
    prices = [Decimal(n).scaleb(-5) for n in range(110_000, 110_060)]

    def quote(bid: Decimal) -> None:
        with account.terminal.lock:
            account.venue.quote("EURUSDm", account.venue.now + 3, bid, bid + Decimal("0.00002"))

    account.venue.now = START
    quote(prices[0])
    heard: list[float | str] = []
    with anyio.fail_after(30):
        for number, bid in enumerate(prices[1:], 1):
            while len([one for one in heard if isinstance(one, float)]) < number:
                item = await anext(reader)
                heard.append(item.tick.bid or 0.0 if isinstance(item, FeedTick) else item.state.value)
            quote(bid)
            if number == 20:
                with account.terminal.lock:
                    account.package.cut(1_000_000)
                item = await anext(reader)
                assert isinstance(item, FeedHealth)
                heard.append(item.state.value)
                account.package._offline_until = 0
    await reader.aclose()
    assert [one for one in heard if isinstance(one, float)] == [float(price) for price in prices[:-1]]
    assert [one for one in heard if isinstance(one, str)] == ["connected", "lost", "connected"]


@pytest.mark.anyio
async def test_what_the_venue_no_longer_has_is_settled_when_the_operator_says_so(tmp_path: Path) -> None:
    account, market, state = Account(), list(ticks(TRAILED)), tmp_path / "state"
    async with account.engine(state, market) as engine:
        live = await engine.deploy(strategy_file(tmp_path), "cross", {})
        owner = live.machine.settings.venue.owner
        await engine.hosted["cross"].pump.ended.wait()
        await account.answered()
    (number,) = account.venue.positions
    with account.terminal.lock:  # a server that has lost a position and its history, and found an order
        del account.venue.positions[number]
        pending = {"action": 5, "symbol": "EURUSDm", "volume": 0.3, "type": 2, "price": 1.0, "comment": f"{owner}-zz"}
        account.venue.execute({**pending, "type_filling": 2, "magic": 77})
    async with account.engine(state, market) as engine:
        reason = engine.resting["cross"][1] or ""
        assert f"position {number} SIM:EURUSD: the session has BUY 0.20, the venue nothing" in reason
        assert "complete = true in the profile to book it as closed" in reason
        assert "complete = true in the profile to cancel it" in reason
    async with account.engine(state, market, replace(PROFILE, complete=True)) as engine:
        assert engine.resting == {}
        assert not account.venue.orders
        assert await engine.hosted["cross"].seat.compare() == []  # type: ignore[union-attr]
        books = engine.hosted["cross"].live.machine.session.books
        assert books.net_quantity("cross", "SIM:EURUSD") == 0
        assert books.round_trips[-1].quantity == Decimal("0.2")
    assert replay(state, "cross").divergence is None
