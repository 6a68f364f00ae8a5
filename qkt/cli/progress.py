"""How far a run is, on a terminal: a bar where the end is known, ticks a second, the time left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress as Bar

    from qkt.backtest.runner import Progress

REDRAW_SECONDS = 0.1


class Meter:
    """A progress bar on stderr that leaves nothing behind; it does nothing unless `shown`.

    `start` and `end` (epoch ms) are the range asked for, which tells how far a run is where the number of ticks does not.
    """

    def __init__(self, start: int | None, end: int | None, *, shown: bool) -> None:
        self._range = (start, end) if start is not None and end is not None else None
        self._bar = _bar() if shown else None
        self._began = self._drawn = 0.0

    def __enter__(self) -> Meter:
        if self._bar is not None:
            self._began = time.perf_counter()
            self._bar.start()
            self._task = self._bar.add_task("reading", total=None, pace="", day="")
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: Progress) -> None:
        now = time.perf_counter()
        if self._bar is None or now - self._drawn < REDRAW_SECONDS:
            return
        self._drawn = now
        from qkt.backtest.phrases import minute

        share = progress_share(done, self._range)
        self._bar.update(
            self._task,
            description=f"{done.ticks:,} ticks",
            completed=0.0 if share is None else share,
            total=None if share is None else 1.0,
            pace=f"{done.ticks / (now - self._began):,.0f}/s",
            day=minute(done.ts),
        )


def progress_share(done: Progress, asked: tuple[int, int] | None) -> float | None:
    """How much of the run is done, 0 to 1, None when nobody knows."""
    if done.total:
        return min(1.0, done.ticks / done.total)
    if asked is not None and asked[1] > asked[0]:
        return min(1.0, max(0.0, (done.ts - asked[0]) / (asked[1] - asked[0])))
    return None


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[pace]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[day]}", style="dim"),
        console=Console(stderr=True),
        transient=True,
    )
