"""Kills engines that trade on a MetaTrader 5 account at random points, and holds what comes back to the venue's truth.

    python -m tests.brokers.mt5.kill_points --runs 40

The venue is the simulator behind a gateway in a process of its own: its market goes on while no engine lives, and stops are hit
there. Every engine is a process that dies of SIGKILL: at a tick, inside a transaction, before a call to the gateway or before
its answer is read. The last one of a run is left alone: then its books must be what the account has, deal by deal, nothing may
have been sent twice, and closing everything must leave neither position nor order.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import signal
import socket
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import uvicorn

from qkt.brokers.factory import BrokerKind
from qkt.brokers.mt5 import desk
from qkt.brokers.mt5.constants import Entry, Reason
from qkt.brokers.mt5.feed import Mt5Feed
from qkt.brokers.mt5.gateway import application
from qkt.brokers.mt5.profile import Profile
from qkt.brokers.mt5.remote import Gateway
from qkt.brokers.mt5.simulator.served import served
from qkt.brokers.mt5.terminal import Terminal
from qkt.brokers.mt5.tokens import found
from qkt.risk import RiskLimits, StrategyLimits, VenueLimits
from qkt.runtime import committer
from qkt.runtime.engine import Engine
from qkt.runtime.markets import OwnFeeds
from qkt.runtime.roster import Hosted
from qkt.runtime.setup import Terms
from qkt.runtime.venues import Mt5Accounts
from tests.runtime.kill_points import Points
from tests.runtime.samples import START, strategy_file

STRATEGY = """STRATEGY cross VERSION 1
SYMBOLS
    eu = SIM:EURUSD EVERY 1s
LET quick = ema(eu.close, 2),
    calm = ema(eu.close, 4)
RULES
    WHEN quick CROSSES ABOVE calm
    THEN BUY eu SIZING 0.2 BRACKET { STOP LOSS BY 0.0002, TAKE PROFIT RR 1.5 }
    WHEN quick CROSSES BELOW calm
    THEN SELL eu SIZING 0.3 ORDER_TYPE = STOP AT eu.close - 0.0001 BRACKET { STOP LOSS TRAILING 0.0004 AFTER MFE >= 0.0002 }
"""
TOKEN = "a token of the test that is long enough"
SPEED = 100
"""How much faster than ours the clock of venue and engines runs."""
LIVES = 3
TRADES_S = 1.2
"""How long an engine that dies trades at most, in seconds of ours."""
LOOKS = 150
TRADES = 4
"""How many trades there are at least before the last engine of a run rests."""
WITHIN = 400
"""Seconds that one engine may take on a machine that has other things to do."""
KINDS = ("event", "write", "call")
LIMITS = RiskLimits(
    venue=VenueLimits(measured_usage_hours=Decimal(0), measured_usage_max_qty=Decimal(0)),
    # A hundred times too fast, the market has passed many a stop entry before it arrives: the venue refuses those rightly, and
    # the breaker would end the trading that shall be killed. It is tested on its own.
    strategies={"cross": StrategyLimits(runaway_rejections=1_000_000)},
)


class Wall:
    """The clock that all processes of a run share."""

    def __init__(self, began: float) -> None:
        self._began = began

    def now(self) -> int:
        return START + round((time.monotonic() - self._began) * 1000 * SPEED)


def _venue(door: socket.socket, wall: Wall) -> int:
    """Start the venue's process. Returns its id."""
    child = os.fork()
    if child == 0:
        try:
            config = uvicorn.Config(
                application(served(wall, money_step=Decimal("1e-8")), TOKEN), log_config=None, lifespan="off"
            )
            uvicorn.Server(config).run(sockets=[door])
        finally:
            os._exit(0)
    return child


def _call_points(points: Points) -> None:
    """Die before a request leaves, or with its answer unread."""
    call = Gateway.call

    def dying(gateway: Gateway, message: dict[str, Any]) -> Any:
        sends = message["method"] == "order_send"
        if sends:
            points.here("call")
        answer = call(gateway, message)
        if sends:
            points.here("call")
        return answer

    Gateway.call = dying  # type: ignore[method-assign]


async def _work(folder: Path, profile: Profile, wall: Wall, doomed: bool) -> dict[str, Any]:
    accounts = Mt5Accounts({"sim": profile}, wall)
    feeds = OwnFeeds(lambda: Mt5Feed(accounts, wall))
    terms = Terms(broker=BrokerKind.MT5, limits=LIMITS)
    async with Engine(folder / "state", feeds, terms=terms, venues=accounts, wall=wall) as engine:
        if "cross" not in engine.known():
            await engine.deploy(strategy_file(folder, STRATEGY), "cross", {})
        assert "cross" in engine.hosted, engine.resting["cross"][1]
        hosted = engine.hosted["cross"]
        if doomed:
            await anyio.sleep(TRADES_S)
            os.kill(os.getpid(), signal.SIGKILL)  # its point did not come
        with anyio.fail_after(WITHIN / 2):
            while len(hosted.live.machine.session.books.trades) < TRADES:
                await anyio.sleep(0.02)
        await hosted.live.command("halt", "me", reason="the run ends")
        truth = await anyio.to_thread.run_sync(profile.terminal)
        await _until(hosted, lambda: _problems(hosted, truth))
        trades = len(hosted.live.machine.session.books.trades)
        await hosted.live.flatten("me")
        await hosted.live.command("cancel", "me", order=None)
        await _until(hosted, lambda: [*_problems(hosted, truth), *_left(truth)])
        return {"trades": trades, "replayed": hosted.live.recorder.next}


async def _until(hosted: Hosted, problems: Callable[[], list[str]]) -> None:
    """Wait until nothing is wrong and nothing is under way; the market goes on, so a look may come between two things."""
    broker = hosted.live.machine.session.broker
    assert hosted.seat is not None
    said: list[str] = []
    for _ in range(LOOKS):
        said = [str(row) for row in await hosted.seat.compare()]
        said += [f"nobody answered {one.token}" for one in broker.standing().outstanding]  # type: ignore[attr-defined]
        said += problems()
        if not said:
            return
        await anyio.sleep(0.02)
    raise AssertionError("; ".join(said))


def _problems(hosted: Hosted, terminal: Terminal) -> list[str]:
    """What happened at the venue against what the books say."""
    session, owner = hosted.live.machine.session, hosted.live.machine.settings.venue.owner
    deals = [one for one in terminal.history_deals_get(0, 1 << 40) if one.type < 2]
    told = {str(one.ticket) for one in deals if one.entry != Entry.OUT_BY}
    booked = {execution.split("-")[0] for _, execution in session.books._executions}
    orders = (*terminal.history_orders_get(0, 1 << 40), *terminal.orders_get())
    tokens = Counter(found(one.comment, owner) for one in orders if one.reason == Reason.EXPERT)
    twice = [name for name, count in tokens.items() if name and count > 1]
    net = sum((Decimal(repr(one.volume)) * (1 if one.type == 0 else -1) for one in terminal.positions_get()), Decimal(0))
    wrong = []
    if told != booked:
        wrong.append(f"deals {sorted(told - booked)} are not booked, {sorted(booked - told)} are none")
    if twice:
        wrong.append(f"sent twice: {twice}")
    if net != session.books.net_quantity("cross", "SIM:EURUSD"):
        wrong.append(f"net {net} at the venue, {session.books.net_quantity('cross', 'SIM:EURUSD')} in the books")
    if not terminal.positions_get():
        made = Decimal(repr(terminal.account_info().balance)) - 10_000
        if made != session.books.realized:
            wrong.append(f"the account made {made}, the books {session.books.realized}")
    return wrong


def _left(terminal: Terminal) -> list[str]:
    rows = [*terminal.positions_get(), *terminal.orders_get()]
    return [f"{row.ticket} is left" for row in rows]


def _engine(folder: Path, profile: Profile, wall: Wall, fatal: tuple[str, int] | None) -> tuple[int, dict[str, Any]]:
    """Run an engine in a process of its own. Returns its status, as `os.waitpid` has it, and what it found."""
    result = folder / "result.json"
    result.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(WITHIN)
            points = Points(fatal)
            points.passed["call"] = 0
            points.install()
            _call_points(points)
            committer.PATIENCE = math.inf
            desk.ENTRY_AGE_MS = 10_000 * SPEED
            result.write_text(json.dumps(anyio.run(_work, folder, profile, wall, fatal is not None)))
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    status = os.waitpid(child, 0)[1]
    return status, json.loads(result.read_text()) if result.exists() else {}


def run(seed: int, lives: int = LIVES) -> dict[str, Any]:
    """One account and its engines. Returns what the last one found; raises AssertionError when one did not die as it should,
    or the last one is not at the venue's truth."""
    rng = random.Random(seed)
    wall = Wall(time.monotonic())
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as door:
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        profile = Profile("sim", magic=77, gateway_url=url, api_key=TOKEN, tick_poll_interval_ms=10)
        venue = _venue(door, wall)
        try:
            for _ in range(lives - 1):
                kind = rng.choice(KINDS)
                fatal = kind, rng.randint(1, {"event": 250, "write": 250, "call": 10}[kind])
                status, _ = _engine(Path(name), profile, wall, fatal)
                killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
                assert killed, f"the engine failed by itself ({status}, {fatal})"
            status, got = _engine(Path(name), profile, wall, None)
            assert status == 0, f"the last engine failed ({status})"
            return got
        finally:
            os.kill(venue, signal.SIGKILL)
            os.waitpid(venue, 0)


def main(runs: int, seed: int) -> int:
    """Returns how many of the runs failed."""
    wrong, trades = 0, 0
    for number in range(seed, seed + runs):
        try:
            trades += run(number)["trades"]
        except AssertionError as problem:
            wrong += 1
            print(f"run {number}: {problem}", flush=True)
    print(f"{runs} runs, {runs * (LIVES - 1)} kills, {trades} trades, {runs - wrong} came to the venue's truth")
    return wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    raise SystemExit(1 if main(given.runs, given.seed) else 0)
