"""Runs that are done again for who asks about them, each in a process of its own, so that nothing in this one waits."""

from __future__ import annotations

import json
import os
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

from qkt.core.clock import Clock
from qkt.runtime.control.details import ScenePage, Story, Way
from qkt.runtime.control.errors import ControlError
from qkt.runtime.runs import NICE

KEPT = 2
"""Processes at a time; the one that was asked longest ago goes first."""
IDLE_MS = 600_000
"""One that nobody asks for so long goes."""
LOOK = 60.0
LONGEST = 1 << 24
"""Bytes of one answer."""
OF_RUN = "run:"
"""How a back-test of this engine is named where a session may be named too."""


class Guides:
    """Asks, and keeps the processes for the next question. `work` is the task that ends idle ones; `recipe_of` tells how a
    back-test is done again. A session is asked about with the number of its run, `life`, for names are given anew."""

    def __init__(self, state: Path, recipe_of: Callable[[str], dict[str, Any]], wall: Clock) -> None:
        self._state = state
        self._recipe_of = recipe_of
        self._wall = wall
        self._guides: OrderedDict[str, _Guide] = OrderedDict()

    async def story(self, session: str, life: int, fill: int | None, order: str | None, width: int) -> Story:
        """Raises ControlError for what cannot be told."""
        if (fill is None) == (order is None):
            raise ControlError("a story is about one fill", where=session, expected="its number, or the id of its order")
        asked = {"about": "story", "fill": fill, "order": order, "width": width}
        return Story.model_validate(await self._ask(session, life, asked))

    async def travel(self, run: str, life: int, way: Way) -> ScenePage:
        """Raises ControlError for a place that there is not."""
        return ScenePage.model_validate(await self._ask(run, life, {"about": "travel", **way.model_dump()}))

    def running(self) -> list[anyio.abc.Process]:
        """The processes that wait for questions."""
        return [guide.process for guide in self._guides.values() if guide.process is not None]

    async def work(self) -> None:
        """End processes that nobody asks any more, as long as the engine lives; then all of them."""
        try:
            while True:
                await anyio.sleep(LOOK)
                for run, guide in list(self._guides.items()):
                    if not guide.busy and self._wall.now() - guide.asked > IDLE_MS:
                        await self._end(run, guide)
        finally:
            for run, guide in list(self._guides.items()):
                await self._end(run, guide)

    async def _ask(self, run: str, life: int, asked: dict[str, Any]) -> dict[str, Any]:
        while (guide := self._guides.get(run)) is not None and guide.life != life:
            await self._end(run, guide)  # the name is another session's by now
        if guide is None:
            guide = self._guides[run] = _Guide(self._opening(run), life)
        self._guides.move_to_end(run)
        guide.asked = self._wall.now()
        guide.questions += 1
        try:
            await self._make_room()
            answer = await guide.ask(asked)
        except BaseException:
            # A process that was asked and not heard to the end cannot be asked anything else.
            await self._end(run, guide)
            raise
        finally:
            guide.questions -= 1
        if "error" in answer:
            told = answer["error"]
            raise ControlError(told["found"], where=told["where"], expected=told["expected"], remedy=told["remedy"])
        return answer

    def _opening(self, run: str) -> dict[str, Any]:
        if run.startswith(OF_RUN):
            return {"run": run, "recipe": self._recipe_of(run.removeprefix(OF_RUN)), "nice": NICE}
        return {"run": run, "state": str(self._state), "nice": NICE}

    async def _make_room(self) -> None:
        """End those that were asked longest ago and have nothing to do."""
        while len(self._guides) > KEPT:
            idle = next(((run, guide) for run, guide in self._guides.items() if not guide.busy), None)
            if idle is None:
                return
            await self._end(*idle)

    async def _end(self, run: str, guide: _Guide) -> None:
        if self._guides.get(run) is guide:
            del self._guides[run]
        await guide.end()


class _Guide:
    """One process, asked one question at a time; `questions` is how many have no answer yet."""

    def __init__(self, opening: dict[str, Any], life: int) -> None:
        self.life = life
        self._opening = opening
        self._turn = anyio.Lock()
        self.process: anyio.abc.Process | None = None
        self._answers: BufferedByteReceiveStream | None = None
        self._over = False
        self.asked = 0
        self.questions = 0

    @property
    def busy(self) -> bool:
        return self.questions > 0

    async def ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        async with self._turn:
            if self._over:
                raise _ended()
            if self.process is None:
                await self._start()
            await self._send(asked)
            assert self._answers is not None
            try:
                line = await self._answers.receive_until(b"\n", LONGEST)
            except (anyio.IncompleteRead, anyio.DelimiterNotFound, anyio.ClosedResourceError):
                raise _ended() from None
            answer: dict[str, Any] = json.loads(line)
            return answer

    async def end(self) -> None:
        self._over = True
        if self.process is None:
            return
        with anyio.CancelScope(shield=True):
            if self.process.returncode is None:
                self.process.kill()
            await self.process.aclose()

    async def _start(self) -> None:
        self.process = await anyio.open_process(
            [sys.executable, "-m", "qkt.runtime.guide_child"],
            stdin=-1,
            stdout=-1,
            stderr=None,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert self.process.stdout is not None
        self._answers = BufferedByteReceiveStream(self.process.stdout)
        await self._send(self._opening)

    async def _send(self, message: dict[str, Any]) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        try:
            await self.process.stdin.send((json.dumps(message) + "\n").encode())
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            raise _ended() from None


def _ended() -> ControlError:
    return ControlError("the process that does the run again has ended", remedy="ask again")
