"""Rows that are numbered as they come, of which the latest are kept: what a process that runs for years needs of a list."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Generic, TypeAlias, TypeVar, overload

T = TypeVar("T")


class Latest(Generic[T]):
    """A list that forgets. The length counts all rows there ever were, numbers and slices are those of a list of all of them;
    at least the latest `kept` can be read, from number `first` on, and an earlier row is an IndexError. Iterating goes through
    what is there."""

    def __init__(self, kept: int) -> None:
        self.kept = kept
        # So many more before the oldest go, all at once.
        self._spare = max(kept // 4, 1)
        # From this row on none goes, as somebody has yet to read it.
        self.unread = sys.maxsize
        self._rows: list[T] = []
        self.first = 0

    def append(self, row: T) -> None:
        self._rows.append(row)
        gone = min(len(self._rows) - self.kept, self.unread - self.first)
        if gone >= self._spare:
            del self._rows[:gone]
            self.first += gone

    def __len__(self) -> int:
        return self.first + len(self._rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Latest) and self.first == other.first and self._rows == other._rows

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{self._rows!r} from {self.first}"

    def __iter__(self) -> Iterator[T]:
        return iter(self._rows)

    @overload
    def __getitem__(self, at: int) -> T: ...

    @overload
    def __getitem__(self, at: slice) -> list[T]: ...

    def __getitem__(self, at: int | slice) -> T | list[T]:
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            return [self[one] for one in range(start, stop, step)]
        place = at if at >= 0 else len(self) + at
        if not self.first <= place < len(self):
            raise IndexError(f"row {at} is not there; there are {self.first} to {len(self) - 1}")
        return self._rows[place - self.first]


Rows: TypeAlias = list[T] | Latest[T]
"""All rows, or the latest of them."""


def read(rows: Rows[T], since: int) -> list[T]:
    """The rows from a number on, for one reader who wants every row; those that come after them wait for him."""
    if isinstance(rows, Latest):
        rows.unread = len(rows)
    return rows[since:]


def first_of(rows: Rows[T]) -> int:
    """The number of the first row that can be read."""
    return 0 if isinstance(rows, list) else rows.first


def rows(kept: int | None) -> Rows[T]:
    """Rows of which the latest are kept, all of them where that is None."""
    return [] if kept is None else Latest(kept)
