"""Where a run that is done again can be watched."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from qkt.brokers import QuoteBoard
from qkt.engine.session import Session


class Stage(NamedTuple):
    """A session before its first input, the market as it will see it, and what tells how many inputs it has taken, the one that
    is being handled included."""

    session: Session
    board: QuoteBoard
    place: Callable[[], int]
