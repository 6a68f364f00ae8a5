"""The seam between data and whoever replays it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from qkt.data.report import DataReport
from qkt.data.tables import BarTable, TickTable


class TickSource(Protocol):
    """The ticks of one symbol, read anew by each call of `tables`.

    `symbol` is bare (EURUSD), or empty for data that names none. `volume` may be set to False before reading by who needs
    no volumes; tables then carry none. `observed` may be set to True for a statistic, whose values need not be positive.
    `report` describes the latest reading.
    """

    volume: bool
    observed: bool

    @property
    def symbol(self) -> str: ...

    @property
    def report(self) -> DataReport: ...

    def tables(self, start: int | None = None, end: int | None = None) -> Iterator[TickTable]:
        """Ticks with start <= ts < end (epoch ms), oldest first, in tables of moderate size.

        Rows of one timestamp stand in one table. Raises DataError when the data turns out unusable.
        """
        ...


class BarSource(Protocol):
    """The bars of one symbol, all of one length. The rest is as in `TickSource`."""

    volume: bool
    observed: bool

    @property
    def symbol(self) -> str: ...

    @property
    def timeframe_ms(self) -> int: ...

    @property
    def report(self) -> DataReport: ...

    def tables(self, start: int | None = None, end: int | None = None) -> Iterator[BarTable]:
        """Bars that begin in [start, end), oldest first."""
        ...
