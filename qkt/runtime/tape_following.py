"""A tape read while it is being written: what is whole by now, and later what has come since."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qkt.runtime.inputs import Input
from qkt.runtime.tape import MAGIC, holds_whole_block, segments
from qkt.runtime.tape_blocks import HEADER, damaged, read_block
from qkt.runtime.tape_runs import TickRun, runs_of

PATIENCE = 5
"""Readings after which a block that is not whole, and that whole ones follow, is damage and no longer on its way."""


class TapeFollower:
    """Reads a tape from its beginning. It keeps nothing open between two readings and changes nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._segment: Path | None = None
        self._at = 0
        self._next = 1
        self._names: dict[int, str] = {}
        self._stuck = 0

    def read(self) -> Iterator[TickRun | tuple[int, Input]]:
        """The inputs that have come since the last reading, which must have been read to its end.

        Raises StateError for damage and for a gap in the numbers.
        """
        expected = self._next
        for item in runs_of(self._bodies(), self._names, self._folder):
            number, count = (item.first, len(item)) if isinstance(item, TickRun) else (item[0], 1)
            if number != expected:
                raise damaged(self._folder, f"input {number} follows {expected - 1}")
            expected += count
            yield item

    def _bodies(self) -> Iterator[tuple[int, int, bytes]]:
        while True:
            if self._segment is not None:
                yield from self._rest(self._segment)
            following = self._folder / f"{self._next:012d}.tape"
            if following == self._segment or not following.exists():
                later = [one for one in segments(self._folder) if self._segment is None or one > self._segment]
                if later and self._stuck >= PATIENCE:
                    raise damaged(later[0], f"it follows input {self._next - 1}")
                return
            self._segment, self._at = following, 0

    def _rest(self, path: Path) -> Iterator[tuple[int, int, bytes]]:
        with open(path, "rb") as file:
            if not self._at:
                mark = file.read(len(MAGIC))
                if mark != MAGIC:
                    if MAGIC.startswith(mark):
                        return
                    raise damaged(path, "it does not begin as a tape of this version")
                self._at = len(MAGIC)
            file.seek(self._at)
            while True:
                header = file.read(HEADER.size)
                body = read_block(header, file) if header else None
                if body is None:
                    self._stuck = self._stuck + 1 if header else 0
                    if self._stuck > PATIENCE and holds_whole_block(path, self._at + 1):
                        raise damaged(path, f"the block at byte {self._at} is not whole")
                    return
                self._stuck = 0
                self._at, self._next = file.tell(), body[0] + body[1]
                yield body
