"""The demo: an engine on an invented market with strategies that trade at once, in a state directory that is thrown away."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from qkt.demo import INSTRUMENTS, DemoMarket, strategy_folder
from qkt.ending import ending_on_signal
from qkt.host import ENGINE, fronted, loaded, until_asked

if TYPE_CHECKING:
    from qkt.core.events import Tick
    from qkt.host import Front
    from qkt.runtime.engine import Engine
    from qkt.strategy import StreamSpec

FIRST = ("euro_trend", "gold_breakout", "coin_fade", "metals_and_money")
"""What is deployed when the demo begins: three strategies and a portfolio."""


@asynccontextmanager
async def demo_engine(state: Path, speed: float, metrics_port: int = 0) -> AsyncIterator[Engine]:
    """An engine on the demo's market with its sessions deployed. All of them read one feed, which begins when they stand."""
    from qkt.config import Config, overlaid
    from qkt.data.feeds import FeedHub
    from qkt.observe.observer import observing
    from qkt.runtime.engine import Engine
    from qkt.runtime.markets import SharedFeed
    from qkt.runtime.setup import Terms

    market = DemoMarket(speed)
    async with anyio.create_task_group() as tasks:
        hub = FeedHub(tasks, held=True)
        terms = Terms(instruments=(json.dumps(INSTRUMENTS), ".json"))
        engine = Engine(state, SharedFeed(hub, "demo", market.feed), terms=terms)

        async def history(streams: Sequence[StreamSpec], markets: Sequence[str]) -> Iterable[Tick]:
            symbols = dict.fromkeys((*(stream.symbol for stream in streams if stream.traded), *markets))
            times = [hosted.live.machine.last_ts for hosted in engine.hosted.values() if hosted.live.machine.ticks]
            return market.history(list(symbols), max(times, default=None))

        engine.history = history
        engine.demo = True
        engine.strategies_dir = strategy_folder()
        shown = overlaid(Config(), "observe", {"serve": True, "host": "127.0.0.1", "port": metrics_port})
        async with engine, observing(engine, shown):
            for name in FIRST:
                await engine.deploy(strategy_folder() / f"{name}.qkt", name, {})
            hub.release()
            yield engine
        tasks.cancel_scope.cancel()


async def tour_headless(seconds: float, speed: float, say: Callable[[str], None], metrics_port: int = 0) -> dict[str, Any]:
    """Run the demo for so many seconds, or until a signal, and return what came of it. `say` hears every line."""
    from qkt.runtime.control.serving import serving

    with tempfile.TemporaryDirectory(prefix="qkt-demo-") as folder:
        state = Path(folder)
        async with (
            ending_on_signal(say) as ending,
            demo_engine(state, speed, metrics_port) as engine,
            serving(engine, state) as (hub, _),
        ):
            engine.subscribers = lambda: hub.subscribers
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_say_lines, engine, say)
                with anyio.move_on_after(seconds):
                    await ending.wait()
                tasks.cancel_scope.cancel()
            return summary(engine, speed)


async def tour(front: Front, speed: float, say: Callable[[str], None], metrics_port: int = 0) -> None:
    """Run the demo behind what stands before it, until that or a signal ends it."""
    with tempfile.TemporaryDirectory(prefix="qkt-demo-") as folder:
        state = Path(folder)
        async with ending_on_signal(say) as ending, fronted(front, state, ending) as link:
            await loaded(*ENGINE)
            from qkt.runtime.control.serving import serving

            async with demo_engine(state, speed, metrics_port) as engine, serving(engine, state) as (hub, _):
                engine.subscribers = lambda: hub.subscribers
                link.arrive(hub)
                hub.closing = await until_asked(ending, engine)
                link.leave()


def summary(engine: Engine, speed: float) -> dict[str, Any]:
    """What a demo came to, as data: money as decimal text, the sum of accounts that all are in one currency; of what is not
    known, None, and the sum is without it."""
    tables = engine.snapshot().tables
    rows = [row for row in tables.strategies.values() if row.parent is None]
    pnls = {row.name: None if row.open_pnl is None else row.open_pnl + row.realised for row in rows}
    known = [pnl for pnl in pnls.values() if pnl is not None]
    return {
        "fills": sum(row.trades for row in rows),
        "pnl": f"{sum(known, Decimal(0)):.2f}",
        "realised": f"{sum((row.realised for row in rows), Decimal(0)):.2f}",
        "currency": next((account.currency for account in tables.accounts.values()), "USD"),
        "ticks": sum(feed.ticks for feed in tables.feeds.values()),
        "speed": speed,
        "seconds": round((engine.wall.now() - engine.started_at) / 1000, 1),
        "sessions": [
            {
                "name": row.name,
                "kind": row.kind,
                "state": row.state,
                "fills": row.trades,
                "pnl": None if (pnl := pnls[row.name]) is None else f"{pnl:.2f}",
                "positions": row.positions,
                "orders": row.orders,
            }
            for row in rows
        ],
    }


async def _say_lines(engine: Engine, say: Callable[[str], None]) -> None:
    number = 0
    while True:
        version = engine.version
        for line in engine.lines(number):
            if line.kind in ("fill", "engine", "halt", "operator"):
                say(f"{line.level:<5} {line.scope:<18} {line.text}")
            number = line.number
        await engine.changed(version)
