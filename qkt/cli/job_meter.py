"""How far a job of many runs is, on a terminal: runs done, of how many, the time left."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from qkt.research.job import Standing


class JobMeter:
    """A progress bar on stderr that leaves nothing behind; it does nothing unless `shown`."""

    def __init__(self, what: str, *, shown: bool) -> None:
        self._what = what
        self._bar: Bar | None = _bar() if shown else None
        self.standing: Standing | None = None

    def __enter__(self) -> JobMeter:
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task("reading", total=None)
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, standing: Standing) -> None:
        """Hear of progress. What an earlier sitting did counts for the bar and not for the speed."""
        before = self.standing
        self.standing = standing
        if self._bar is None:
            return
        if before is None:
            self._bar.reset(self._task, total=standing.total - standing.before)
        told = f"{self._what} {standing.done:,} of {standing.total:,}"
        self._bar.update(
            self._task, description=told, total=standing.total - standing.before, completed=standing.done - standing.before
        )


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
