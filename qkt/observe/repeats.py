"""The same thing said over and over: the first few times it is written, then only how often it came."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

BURST = 5
WINDOW = 60.0
"""Seconds from the first of a kind until its count starts anew."""
KINDS = 1000
"""Kinds that are watched at a time."""


@dataclass(slots=True)
class _Kind:
    since: float
    count: int = 0


class Repeats:
    """Decides what is written. Times are seconds of any clock that does not go back."""

    def __init__(self) -> None:
        self._kinds: dict[Hashable, _Kind] = {}

    def passes(self, key: Hashable, now: float) -> bool:
        """Whether one more of this kind is to be written. Ask for what has `ended` before."""
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= KINDS:
                return True
            kind = self._kinds[key] = _Kind(now)
        kind.count += 1
        return kind.count <= BURST

    def ended(self, now: float) -> Iterator[tuple[Hashable, int]]:
        """Kinds whose time is over, and how many of them were not written; those are watched no longer."""
        for key, kind in [(key, kind) for key, kind in self._kinds.items() if now - kind.since >= WINDOW]:
            del self._kinds[key]
            if kind.count > BURST:
                yield key, kind.count - BURST
