"""What a broken way to the terminal must not do: send an entry late, stop for good, or leave a position without its exit."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from decimal import Decimal

import anyio
import pytest

from qkt.brokers.dispatch import Act, Report, Request, What
from qkt.brokers.mt5 import desk, feed
from qkt.brokers.mt5 import link as links
from qkt.brokers.mt5.link import Link, LinkError
from qkt.brokers.mt5.pipe import Pipe
from qkt.brokers.mt5.profile import Profile
from qkt.brokers.mt5.records import TickRow
from qkt.brokers.mt5.server_time import ServerClock
from qkt.brokers.mt5.sight import Sight, look
from qkt.brokers.mt5.simulator import Faults
from qkt.brokers.mt5.simulator.faults import SendFault
from qkt.brokers.mt5.terminal import Terminal, TerminalError
from qkt.core.clock import EventClock
from qkt.core.terms import OrderKind, Side
from qkt.data import mid_price
from qkt.data.feeds import FeedHealth, FeedTick
from qkt.risk import Cause, Halt, Lasts
from qkt.runtime.venues import Mt5Accounts
from qkt.strategy.signals import BracketSpec
from tests.brokers.mt5.rig import Rig
from tests.market import by, trailing
from tests.runtime.samples import START
from tests.simulation.account import Account

BID, SPREAD = Decimal("100.00"), Decimal("0.02")


def quoted() -> Rig:
    rig = Rig(3)
    rig.quote(BID, SPREAD)
    return rig


def entry(rig: Rig, **changes: object) -> None:
    plain = replace(rig.entry(pending=False), side=Side.BUY, quantity=Decimal("0.30"), bracket=None)
    rig.take(replace(plain, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(("age", "sent"), [(0, True), (9_000, True), (11_000, False), (3 * 3_600_000, False)])
def test_an_entry_that_could_not_be_sent_in_its_time_is_refused(age: int, sent: bool) -> None:
    rig = quoted()
    request = Request("k3x9ab-zz", Act.OPEN, "o", "SIM:GOLD", Side.BUY, Decimal("0.30"))
    rig.desk.submit(request, rig.now - age)
    told = [report for report in rig.desk.step() if report.token == request.token]
    assert bool(rig.venue.positions) is sent
    if not sent:
        assert [one.what for one in told] == [What.REFUSED]
        assert "the market has gone on" in told[0].text


def test_what_takes_risk_away_is_sent_however_late() -> None:
    rig = quoted()
    entry(rig)
    rig.settle()
    (position,) = rig.venue.positions
    request = Request("k3x9ab-zz", Act.CLOSE, "o", "SIM:GOLD", Side.SELL, Decimal("0.30"), position=position)
    rig.desk.submit(request, rig.now - 3_600_000)
    rig.desk.step()
    assert not rig.venue.positions


def test_a_link_goes_on_after_whatever_fails_when_it_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    account, wall = Account(1, trouble=False), EventClock(START)
    opening, failures = account.terminal.initialize, list[Exception]()

    def initialize() -> None:
        if failures:
            raise failures.pop()
        opening()

    monkeypatch.setattr(account.terminal, "initialize", initialize)
    link = Link(Profile("sim", suffix="m", magic=77), wall, account.terminal)
    link.open()
    failures += [OSError("no process can be made"), ValueError("a defect")]
    account.terminal.shutdown()
    answered = False
    for _ in range(200):
        wall.time += 5_000
        answered = link.ask(lambda terminal: terminal.account_info()).exception(5) is None
        if answered:
            break
        threading.Event().wait(0.01)
    link.close()
    assert not failures
    assert answered


def test_an_account_that_may_not_trade_leaves_no_terminal_open(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account(1, trouble=False)
    monkeypatch.setattr(links, "tradable", lambda _: "an investor's password")
    with pytest.raises(LinkError, match="investor"):
        Link(Profile("sim", suffix="m", magic=77), EventClock(START), account.terminal).open()
    with pytest.raises(TerminalError):
        account.terminal.account_info()


def test_a_child_that_ended_is_a_terminal_that_is_gone() -> None:
    ends = "import sys; sys.stdin.readline(); print('{}', flush=True)"
    pipe = Pipe({}, command=(sys.executable, "-c", ends))
    pipe.open()
    assert pipe._child is not None
    pipe._child.wait()
    for _ in range(2):
        with pytest.raises(TerminalError):
            pipe.call({"method": "account_info"})


def test_a_child_that_cannot_be_started_is_a_terminal_that_is_gone() -> None:
    with pytest.raises(TerminalError, match="cannot be started"):
        Pipe({}, command=("/nowhere/python",)).open()


def test_a_close_that_is_refused_after_a_part_of_it_is_sent_again() -> None:
    """A stop that the engine holds fires, is filled for a part, and then the venue refuses the rest."""
    rig = quoted()
    rig.venue.symbols["GOLDm"].filling_mode = 2  # what is there at once, the rest is not filled
    entry(rig, bracket=BracketSpec(trailing(Decimal("0.50"), "0.05"), None))
    rig.settle()
    rig.package.faults = Faults(script=[SendFault.PARTIAL, SendFault.NO_MONEY, SendFault.NO_MONEY])
    rig.quote(BID + Decimal("0.20"), SPREAD)
    rig.pass_time(2_000)
    rig.quote(BID - Decimal("0.45"), SPREAD)
    for _ in range(40):
        rig.pass_time(5_000)
        rig.quote(BID - Decimal("0.45"), SPREAD)
    assert not rig.package.faults.script
    assert any("was rejected after a part of it" in line.text for line in rig.session.logs)
    assert not rig.venue.positions
    assert not rig.problems()


def test_a_change_of_levels_that_is_refused_now_and_then_takes_no_stop_away() -> None:
    rig = quoted()
    entry(rig, bracket=BracketSpec(by(Decimal("0.50")), by(Decimal("1.00"))))
    rig.settle()
    ((number, ticket),) = rig.broker.tickets.open.items()
    natives, stop = rig.broker._natives, ticket.sl
    for day in range(3):
        natives.on_refused("not known", number, "invalid stops", rig.now + day)
        natives.on_taken("not known", number)
    assert ticket.sl == stop
    assert ticket.stop is not None
    natives.on_refused("not known", number, "invalid stops", rig.now)
    close = rig.broker._outbox.emit(Request("k3x9ab-zz", Act.CLOSE, "o", "SIM:GOLD", Side.SELL, position=number))
    rig.take(Report(What.TAKEN, rig.now, close, "SIM:GOLD", position=number))
    natives.on_refused("not known", number, "invalid stops", rig.now)
    assert ticket.stop is None, "a close that is taken says nothing of levels"


def test_an_entry_that_is_watched_here_asks_once_more_whether_it_may_leave() -> None:
    rig = quoted()
    entry(rig, kind=OrderKind.IF_TOUCHED, stop=BID - Decimal("0.20"))
    (order,) = rig.session.orders.live_orders()
    rig.session.risk.put(Halt(Cause.STORAGE, "nothing can be recorded", Lasts.WHILE, rig.now))
    rig.quote(BID - Decimal("0.30"), SPREAD)
    rig.settle()
    assert not order.live
    assert not rig.venue.positions
    assert not [one for one in rig.requests if one.act is Act.OPEN]


def test_a_look_at_what_had_ended_before_it_was_asked_for_comes_to_an_end() -> None:
    """The answer to a change got lost, and what it was about was gone by then."""
    rig = quoted()
    for act, text in ((Act.MOVE, "the order has ended"), (Act.PROTECT, "the position is closed already")):
        rig.desk._known.volumes[77] = Decimal(0)
        rig.package.faults = Faults(script=[SendFault.LOST_BEFORE])
        kind = OrderKind.LIMIT if act is Act.MOVE else OrderKind.MARKET
        about = {"ticket": 76} if act is Act.MOVE else {"position": 77}
        request = Request(f"k3x9ab-{act}", act, "o", "SIM:GOLD", kind=kind, limit=BID, sl=BID - 1, **about)  # type: ignore[arg-type]
        rig.desk.submit(request)
        told: list[Report] = []
        for _ in range(20):
            try:
                told += rig.desk.step()
            except TerminalError:
                rig.terminal.initialize()
            rig.now += 1_000
        assert [(one.what, one.text) for one in told if one.token == request.token] == [(What.REFUSED, text)]


def test_an_order_that_works_for_weeks_does_not_have_the_whole_history_read_every_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = quoted()
    entry(rig, kind=OrderKind.LIMIT, limit=BID - 1)
    rig.pass_time(2_000)
    assert rig.venue.orders
    rig.now += 30 * 86_400_000
    depths: list[int] = []

    def looked(terminal: Terminal, clock: ServerClock, since: int, now: int) -> Sight:
        depths.append((now - since) // 86_400_000)
        return look(terminal, clock, since, now)

    monkeypatch.setattr(desk, "look", looked)
    for _ in range(60):
        rig.pass_time(2_000)
    assert depths.count(30) in (2, 3)
    assert depths.count(0) > 50
    rig.quote(BID - 2, SPREAD)
    rig.settle()
    assert rig.venue.positions
    assert not rig.venue.orders
    assert not rig.problems()


def test_a_live_price_is_the_middle_that_a_file_has() -> None:
    rig = quoted()
    uneven = [(1.10001, 1.10004), (1.08123, 1.08126), (1.10017, 1.10018), (1.09999, 1.10002)]
    assert any((bid + ask) / 2 != mid_price(bid, ask) for bid, ask in uneven)
    for bid, ask in uneven:
        row = TickRow(START, bid, ask, 0.0, 0.0, 0)
        tick = feed.tick_of("SIM:GOLD", row, rig.clock)
        assert tick is not None
        assert tick.price == mid_price(bid, ask)


@pytest.mark.anyio
async def test_a_feed_waits_for_an_account_that_nobody_has_reached_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "PAUSE_MS", 1)
    monkeypatch.setattr(feed, "REOPEN_MS", 1)
    account, wall = Account(1, trouble=False), EventClock(START)
    accounts = Mt5Accounts({"sim": Profile("sim", suffix="m", magic=77)}, wall, {"sim": account.terminal})
    borrow, refusals = accounts.borrow, [LinkError("the terminal cannot be reached")] * 3

    async def borrowed(name: str) -> Link:
        if refusals:
            raise refusals.pop()
        return await borrow(name)

    monkeypatch.setattr(accounts, "borrow", borrowed)
    reader = feed.Mt5Feed(accounts, wall)
    await reader.subscribe(["SIM:EURUSD"])
    account.quote(START, 1.1, 1.10002)
    heard: list[str] = []
    with anyio.fail_after(10):
        while "tick" not in heard:
            item = await anext(reader)
            heard.append(item.state.value if isinstance(item, FeedHealth) else "tick" if isinstance(item, FeedTick) else "")
    await reader.aclose()
    assert heard == ["lost", "connected", "tick"]
