"""What a session has done, counted by sort: orders, fills, refusals by reason, and how long fills of market orders took.

It counts since the process began, not since the session did; the journal knows the rest.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from qkt.runtime.figures import Durations

REASONS = 20
"""Different reasons that are told apart; what comes after them is `other`."""
LONGEST = 48
AWAITED = 1024
"""Market orders whose fill is awaited."""
MILLISECOND = 1_000_000

_PARTICULAR = re.compile(r"[-+]?\d[\d.,:%]*|\S*\d\S*|'[^']*'|\"[^\"]*\"|\([^)]*\)|:.*$")


class Tally:
    """Counts effects; `halts` without blocks that end by themselves. `fill` is from the request of a market order to its first
    fill, by the session's clock."""

    def __init__(self) -> None:
        self.effects: Counter[str] = Counter()
        self.refusals: Counter[tuple[str, str]] = Counter()
        self.halts = 0
        self.fill = Durations()
        self._asked: dict[str, int] = {}

    def count(self, kind: str, value: dict[str, Any]) -> None:
        """Take in one effect."""
        self.effects[kind] += 1
        if kind == "order":
            if value["order_type"] == "Market":
                self._await(value["order_id"], value["created_at"])
        elif kind == "fill":
            asked = self._asked.pop(value["order_id"], None)
            if asked is not None:
                self.fill.add(max(0, value["timestamp"] - asked) * MILLISECOND)
        elif kind == "halted":
            self.halts += value["lasts"] != "WHILE"
        elif kind in ("refused", "rejected", "cancel_failed"):
            self._asked.pop(value["order_id"], None)
            reason = (kind, sort_of(value["reason"]))
            self.refusals[reason if reason in self.refusals or len(self.refusals) < REASONS else (kind, "other")] += 1

    def _await(self, order: str, since: int) -> None:
        if len(self._asked) >= AWAITED:
            del self._asked[next(iter(self._asked))]
        self._asked[order] = since


def sort_of(reason: str) -> str:
    """A reason without its particulars: no numbers, names or details, so that the same rule always reads the same."""
    words = " ".join(_PARTICULAR.sub(" ", reason).split()).strip(" ,;.-")
    return words[:LONGEST].rstrip() or "other"
