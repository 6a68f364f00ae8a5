"""SEQUENCE while it runs: stages that become true one after the other."""

from __future__ import annotations

from collections.abc import Sequence


class SequenceMachine:
    """`stage` counts the stages passed; `prices` and `times` hold the close and its time (epoch ms) at which each one was.

    `complete` is the pulse of the last stage: it lasts for the rules of that close, and for those of the next one when `held`.
    """

    def __init__(self, within: Sequence[int | None]) -> None:
        self._within = tuple(within)
        self._last: Sequence[object] = ()
        self.stage = 0
        self.complete = False
        self.held = False
        self.prices = [0.0] * len(within)
        self.times = [0] * len(within)
        self.reset()

    def reset(self) -> None:
        """Back to the beginning, without a memory."""
        stages = len(self._within)
        self._last = (False,) * stages
        self.stage = 0
        self.complete = self.held = False
        self.prices[:] = [0.0] * stages
        self.times[:] = [0] * stages

    def advance(self, now: Sequence[object], close: float, end: int) -> None:
        """One close of the sequence's stream; `now` tells which conditions are true. At most one stage is passed: the current
        one, if its condition has just become true."""
        stage = self.stage
        if stage:
            within = self._within[stage]
            if within is not None and end - self.times[stage - 1] > within:
                self.reset()
                stage = 0
        begins = now[stage] and not self._last[stage]
        self._last = now
        if begins:
            self.prices[stage], self.times[stage] = close, end
            self.stage = stage + 1
            self.complete = self.stage == len(self._within)

    def settle(self) -> None:
        """The rules have seen the pulse: start anew, unless it is held for once more."""
        if self.held:
            self.held = False
        else:
            self.reset()
