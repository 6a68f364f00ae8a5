"""The clock's grid: days, sessions and buckets in UTC."""

from __future__ import annotations


class Grid:
    """Cells of `length` ms, the first one beginning `offset` ms after the epoch.

    A cell is complete when its first candle was seen exactly on its boundary; one that begins late, at the start of the
    data or after a hole, counts for nothing.
    """

    __slots__ = ("_cell", "_length", "begin", "complete", "offset")

    def __init__(self, length: int, offset: int = 0) -> None:
        self._length = length
        self.offset = offset
        self._cell: int | None = None
        self.begin = 0
        self.complete = False

    def enters(self, ts: int) -> bool:
        """Takes the start of a candle; returns True when it is the first one of its cell."""
        cell = (ts - self.offset) // self._length
        if cell == self._cell:
            return False
        self._cell = cell
        self.begin = cell * self._length + self.offset
        self.complete = ts == self.begin
        return True
