"""Ctrl-C in two steps: the first asks the run to end cleanly, the second ends it at once."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType


class Interrupt:
    """Catches SIGINT while it is entered; the first one only makes `asked` true."""

    def __init__(self) -> None:
        self._asked = False

    def asked(self) -> bool:
        return self._asked

    def __enter__(self) -> Interrupt:
        self._before = signal.signal(signal.SIGINT, self._first)
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _first(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
