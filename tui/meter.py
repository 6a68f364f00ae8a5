"""What the dashboard itself costs: frames, bytes to the terminal, and processor time, over the last seconds."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from tui.terminal.thinner import thinned

SPAN = 5.0


class Meter:
    """Counts, and says rates over the last seconds of the screen's own clock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.frames = 0
        self.written = 0
        self._marks: deque[tuple[float, int, int, float]] = deque()

    def attend(self, driver: Any) -> None:
        """Count what goes to the terminal of a driver from now on, which is no more than it must be."""
        write = driver.write

        def counted(data: str) -> None:
            data = thinned(data)
            self.written += len(data.encode())
            write(data)

        driver.write = counted

    def mark(self) -> None:
        """Take the sums of this moment; called about once a second."""
        now = self._clock()
        self._marks.append((now, self.frames, self.written, time.process_time()))
        while len(self._marks) > 2 and now - self._marks[0][0] > SPAN:
            self._marks.popleft()

    def _rate(self, which: int) -> float:
        if len(self._marks) < 2:
            return 0.0
        first, last = self._marks[0], self._marks[-1]
        seconds = last[0] - first[0]
        return (last[which] - first[which]) / seconds if seconds > 0 else 0.0

    @property
    def frames_a_second(self) -> float:
        return self._rate(1)

    @property
    def bytes_a_second(self) -> float:
        return self._rate(2)

    @property
    def cpu_pct(self) -> float:
        """Of one core, the whole process."""
        return self._rate(3) * 100
