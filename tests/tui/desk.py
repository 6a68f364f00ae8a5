"""A dashboard that is driven key by key, before an engine that answers as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
from textual.pilot import Pilot

from qkt.runtime.control.frames import Lines
from tests.tui import samples
from tests.tui.scripted import ManualClock, ScriptedLink, dashboard
from tui.app import Dashboard
from tui.widgets.grid import Grid


@dataclass
class Desk:
    """A dashboard that is driven, with its engine and its clock."""

    pilot: Pilot[str]
    app: Dashboard
    link: ScriptedLink
    clock: ManualClock

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def later(self, seconds: float = 0.5) -> None:
        """A dialog hears keys only after a moment."""
        self.clock.advance(seconds)
        await self.pilot.pause()

    async def agree(self, key: str, *keys: str) -> None:
        """Ask for something and agree to it."""
        await self.press(key)
        await self.later()
        await self.press(*keys)

    def text(self) -> str:
        """All that stands on the screen."""
        return "\n".join(
            "".join(segment.text for segment in line).rstrip()
            for line in self.app.screen._compositor.render_strips(self.app.size)
        )

    def grid(self, name: str) -> Grid:
        return self.app.deck.query_one(f"#{name}", Grid)

    def second_line(self) -> str:
        return self.text().splitlines()[1]


@asynccontextmanager
async def opened(size: tuple[int, int] = (120, 40), link: ScriptedLink | None = None, **options: Any) -> AsyncIterator[Desk]:
    link, clock = link or ScriptedLink(), ManualClock()
    app = dashboard(link, clock, **options)
    async with app.run_test(size=size) as pilot:
        await begun(pilot)
        yield Desk(pilot, app, link, clock)


async def begun(pilot: Any) -> None:
    """All is loaded, and what the link gives first has been shown."""
    with anyio.fail_after(10):
        await pilot.app.complete.wait()
    await pilot.pause()


def run(work: Callable[[], Awaitable[None]]) -> None:
    anyio.run(work)


def live() -> ScriptedLink:
    accounts = [row.model_copy(update={"mode": "LIVE"}) for row in samples.ACCOUNTS]
    strategies = [row.model_copy(update={"mode": "LIVE"}) for row in samples.STRATEGIES]
    hello = samples.HELLO.model_copy(update={"mode": "LIVE"})
    return ScriptedLink((hello, samples.snapshot(accounts=accounts, strategies=strategies), Lines(lines=samples.LINES)))
