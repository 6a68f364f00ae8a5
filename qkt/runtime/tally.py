"""What a session has done, counted by sort: orders, fills, refusals by reason, and how long their fills took.

It counts since the process began, not since the session did; the journal knows the rest.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import Any

from qkt.runtime.figures import Durations

REASONS = 20
"""Different reasons that are told apart; what comes after them is `other`."""
LONGEST = 48
AWAITED = 1024
"""Orders whose fill is awaited."""
ATTACHED = "attached"
"""What orders are called that another one brought along, its exits among them."""
MILLISECOND = 1_000_000

_PARTICULAR = re.compile(r"[-+]?\d[\d.,:%]*|\S*\d\S*|'[^']*'|\"[^\"]*\"|\([^)]*\)|:.*$")


class Tally:
    """Counts effects; `halts` without blocks that end by themselves. `fills` are from the request of an order to its first
    fill, by the session's clock, by the kind of the order: for all but market orders most of that is the market's time."""

    def __init__(self) -> None:
        self.effects: Counter[str] = Counter()
        self.refusals: Counter[tuple[str, str]] = Counter()
        self.halts = 0
        self.fills: defaultdict[str, Durations] = defaultdict(Durations)
        self._asked: dict[str, tuple[str, int]] = {}

    def count(self, kind: str, value: dict[str, Any]) -> None:
        """Take in one effect."""
        self.effects[kind] += 1
        if kind == "order":
            self._await(value["order_id"], value["order_type"].lower(), value["created_at"])
        elif kind == "submit":
            if value["order_id"] not in self._asked:
                self._await(value["order_id"], ATTACHED, value["at"])
        elif kind == "fill":
            asked = self._asked.pop(value["order_id"], None)
            if asked is not None:
                sort, since = asked
                self.fills[sort].add(max(0, value["timestamp"] - since) * MILLISECOND)
        elif kind == "cancelled":
            self._asked.pop(value["order_id"], None)
        elif kind == "halted":
            self.halts += value["lasts"] != "WHILE"
        elif kind in ("refused", "rejected", "cancel_failed"):
            if kind != "cancel_failed":
                self._asked.pop(value["order_id"], None)
            reason = (kind, sort_of(value["reason"]))
            self.refusals[reason if reason in self.refusals or len(self.refusals) < REASONS else (kind, "other")] += 1

    def _await(self, order: str, sort: str, since: int) -> None:
        if len(self._asked) >= AWAITED:
            del self._asked[next(iter(self._asked))]
        self._asked[order] = sort, since


def sort_of(reason: str) -> str:
    """A reason without its particulars: no numbers, names or details, so that the same rule always reads the same."""
    words = " ".join(_PARTICULAR.sub(" ", reason).split()).strip(" ,;.-")
    return words[:LONGEST].rstrip() or "other"
