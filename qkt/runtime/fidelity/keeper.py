"""The engine's side: keeps the process that shadows its sessions, and what it tells."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc
from anyio.streams.buffered import BufferedByteReceiveStream

from qkt.runtime.control.rows import Fidelity, FillQuality
from qkt.runtime.runs import NICE

if TYPE_CHECKING:
    from qkt.runtime.roster import Hosted

log = logging.getLogger(__name__)

LONGEST = 1 << 22
"""Bytes of one answer."""
PATIENCE = 60.0
"""Seconds after which a process that does not answer is ended."""
AGAIN = 30.0
"""Seconds before another one is begun in the place of one that died."""
HUNDRED = Decimal(100)
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Shadowing:
    """How sessions are shadowed: every so many seconds, so long each time, with so much memory for all of them."""

    every: float = 5.0
    seconds: float = 1.0
    memory_mb: int = 1024


class Keeper:
    """Asks the process every few seconds, beginning it when there is something to do, and lays the figures down with the
    sessions. `settings` are None where nothing is shadowed. `parted` hears of a session that its recording no longer comes
    to, `moved` that figures have changed."""

    def __init__(
        self, state: Path, hosted: Mapping[str, Hosted], parted: Callable[[str, str], object], moved: Callable[[], None]
    ) -> None:
        self.settings: Shadowing | None = None
        self.process: anyio.abc.Process | None = None
        self._state = state
        self._hosted = hosted
        self._parted = parted
        self._moved = moved
        self._answers: BufferedByteReceiveStream | None = None
        self._told: set[int] = set()

    async def work(self) -> None:
        """Go on as long as the engine lives."""
        try:
            while True:
                settings = self.settings
                await anyio.sleep(5.0 if settings is None else settings.every)
                if settings is not None and self._hosted and not await self.look(settings):
                    await anyio.sleep(AGAIN)
        finally:
            await self._end()

    async def look(self, settings: Shadowing) -> bool:
        """Ask once. Returns False, with all figures unknown, when the process did not answer."""
        runs = {hosted.live.registration.run: hosted for hosted in self._hosted.values()}
        try:
            with anyio.fail_after(PATIENCE):
                answer = await self._ask(settings, list(runs))
        except Exception as problem:  # whatever it is, sessions go on trading and nothing is known of them
            await self._end()
            log.warning("the process that shadows sessions did not answer: %s", type(problem).__name__)
            for hosted in runs.values():
                hosted.fidelity = Fidelity(state="unknown", reason="the process that does sessions again has ended")
                hosted.of_children = dict.fromkeys(hosted.of_children, hosted.fidelity)
            self._moved()
            return False
        for run, hosted in runs.items():
            told, recorded = answer[str(run)], hosted.live.recorder.next - 1
            found = hosted.fidelity = fidelity(told, recorded)
            hosted.of_children = {child: fidelity(one, recorded) for child, one in told.get("children", {}).items()}
            if found.state == "differs" and run not in self._told:
                self._told.add(run)
                self._parted(hosted.live.name, found.difference or "")
        self._moved()
        return True

    async def _ask(self, settings: Shadowing, runs: list[int]) -> dict[str, Any]:
        if self.process is None:
            await self._begin(settings)
        await self._send({"runs": runs, "seconds": settings.seconds})
        assert self._answers is not None
        answer: dict[str, Any] = json.loads(await self._answers.receive_until(b"\n", LONGEST))
        return answer

    async def _begin(self, settings: Shadowing) -> None:
        self.process = await anyio.open_process(
            [sys.executable, "-m", "qkt.runtime.fidelity.child"],
            stdin=-1,
            stdout=-1,
            stderr=-3,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert self.process.stdout is not None
        self._answers = BufferedByteReceiveStream(self.process.stdout)
        await self._send({"state": str(self._state), "nice": NICE, "memory_mb": settings.memory_mb})

    async def _send(self, message: dict[str, Any]) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        await self.process.stdin.send((json.dumps(message) + "\n").encode())

    async def _end(self) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
            await process.aclose()


def fidelity(told: Mapping[str, Any], recorded: int) -> Fidelity:
    """Figures as they are shown, of a session that has recorded so many inputs. Parity is rounded down: 100 means all."""
    if "problem" in told:
        return Fidelity(state="unknown", reason=told["problem"])
    records, equal, difference = told["records"], told["equal"], told["difference"]
    parity = None if not records else (HUNDRED * equal / records).quantize(CENT, "ROUND_FLOOR")
    return Fidelity(
        state="unknown" if not told["inputs"] else "equal" if difference is None else "differs",
        reason="nothing is done again yet" if not told["inputs"] else None,
        as_of=told["as_of"] or None,
        behind=max(0, recorded - told["inputs"]),
        records=records,
        parity_pct=parity,
        difference=difference,
        fills=told["fills"],
        missed=told["missed"],
        extra=told["extra"],
        **{f"against_{name}": _quality(told[name]) for name in ("decision", "quote", "paper")},
    )


def _quality(told: Mapping[str, str] | None) -> FillQuality | None:
    return None if told is None else FillQuality.model_validate(told)
