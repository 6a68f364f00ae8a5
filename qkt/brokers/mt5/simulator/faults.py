"""What goes wrong at the simulated venue: drawn from a seed, or in the order of a script."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from enum import StrEnum
from random import Random
from typing import TypeVar

F = TypeVar("F", bound=StrEnum)


class SendFault(StrEnum):
    """What can become of an `order_send`."""

    LOST_BEFORE = "lost_before"  # the link breaks and nothing has left
    LOST_AFTER = "lost_after"  # the link breaks and it was carried out
    LOST_LATE = "lost_late"  # the link breaks and it arrives some seconds later
    TIMEOUT_BEFORE = "timeout_before"  # the server says timeout and does nothing
    TIMEOUT_AFTER = "timeout_after"
    TIMEOUT_LATE = "timeout_late"
    PLACED = "placed"  # taken, carried out, not confirmed
    REQUOTE = "requote"
    PRICE_OFF = "price_off"
    REJECT = "reject"
    NO_MONEY = "no_money"
    BUSY = "busy"  # too many requests
    LOCKED = "locked"
    PARTIAL = "partial"  # carried out for a part
    ERROR = "error"  # the server says error and did it


class ReadFault(StrEnum):
    """What can become of a read."""

    NONE = "none"  # the package gives None and no reason
    LINK = "link"  # the link is broken until the terminal is opened again
    OFFLINE = "offline"  # the terminal has lost its broker and answers from its memory for a while
    FLICKER = "flicker"  # the list is empty once though it is not
    TWICE = "twice"  # rows come twice, out of order


class Faults:
    """Decides for each call. `send` and `read` are chances by fault; `delayed` is the chance that what is executed stays
    unseen for up to `delay` ms. A `script` of send faults (None for none) goes before all drawing."""

    def __init__(
        self,
        seed: int = 0,
        *,
        send: Mapping[SendFault, float] | None = None,
        read: Mapping[ReadFault, float] | None = None,
        delayed: float = 0.0,
        delay: int = 3_000,
        script: Iterable[SendFault | None] = (),
    ) -> None:
        self.random = Random(seed)
        self.script: deque[SendFault | None] = deque(script)
        self._send = dict(send or {})
        self._read = dict(read or {})
        self._delayed = delayed
        self._delay = delay

    def for_send(self) -> SendFault | None:
        if self.script:
            return self.script.popleft()
        return self._drawn(self._send)

    def for_read(self) -> ReadFault | None:
        return self._drawn(self._read)

    def unseen_for(self) -> int:
        """How long what happens now stays unseen (ms)."""
        return self.random.randint(1, self._delay) if self._delayed and self.random.random() < self._delayed else 0

    def stop(self) -> None:
        """From now on nothing goes wrong."""
        self._send.clear()
        self._read.clear()
        self.script.clear()
        self._delayed = 0.0

    def _drawn(self, chances: Mapping[F, float]) -> F | None:
        if not chances:
            return None
        at = self.random.random()
        for fault, chance in chances.items():
            at -= chance
            if at < 0:
                return fault
        return None
