"""Rows of the last look, so that what did not change need not be made again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

R = TypeVar("R")


class Kept(Generic[R]):
    """Rows by key, each with the facts it was made of and the mark that it was seen at."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[tuple[object, ...], object, R]] = {}
        self._next: dict[str, tuple[tuple[object, ...], object, R]] = {}

    def row(
        self,
        key: str,
        facts: tuple[object, ...],
        make: Callable[[], R],
        mark: object = None,
        move: Callable[[R], R] = lambda row: row,
    ) -> R:
        """The row of a key: made anew where its facts are others than at the last look, moved where only its mark is."""
        found = self._rows.get(key)
        if found is None or found[0] != facts:
            found = (facts, mark, make())
        elif found[1] != mark:
            found = (facts, mark, move(found[2]))
        self._next[key] = found
        return found[2]

    def turn(self) -> None:
        """A look is over: what was not asked for in it is forgotten."""
        self._rows, self._next = self._next, {}
