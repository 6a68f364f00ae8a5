"""Metric families, and their text as Prometheus reads it, written in small pieces so that no session waits for a page of it.

The client library makes an object of every sample and proves its names and labels anew, which takes five times as long; what is
written here is proven by a test, which holds it against what the library writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import anyio.lowlevel
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from qkt.runtime.figures import BOUNDS, Durations

CONTENT_TYPE = CONTENT_TYPE_LATEST
AT_ONCE = 200
"""Samples that are written before others get their turn."""
EXACT = 1e6
"""Whole numbers below it are written as such."""
SECOND = 1e9
EVERY_BOUND = 6
BUCKETS = [(place, f"{bound / SECOND:.6g}") for place, bound in enumerate(BOUNDS) if place % EVERY_BOUND == 0]
"""The classes up to which is counted, and the bounds of them in seconds."""

Point = tuple[Sequence[str], float | Durations]
"""Values of the labels, and a number, or how long something took."""


@dataclass(frozen=True, slots=True)
class Family:
    """Series of one name (without the `_total` of a counter) that differ in the values of their `labels`. The points of a
    histogram are durations, all others numbers."""

    name: str
    text: str
    kind: Literal["gauge", "counter", "histogram"]
    labels: Sequence[str]
    points: Sequence[Point]


async def written(families: Iterable[Family]) -> bytes:
    """The text of all families, with a pause after every `AT_ONCE` samples."""
    lines: list[str] = []
    paused = 0
    for family in families:
        name = f"{family.name}_total" if family.kind == "counter" else family.name
        lines += (f"# HELP {name} {_escaped(family.text)}\n", f"# TYPE {name} {family.kind}\n")
        for values, value in family.points:
            labels = ",".join([f'{key}="{_quoted(label)}"' for key, label in zip(family.labels, values, strict=True)])
            if isinstance(value, Durations):
                lines += _histogram(name, labels, value)
            else:
                lines.append(f"{name}{f'{{{labels}}}' if labels else ''} {_number(value)}\n")
            if len(lines) - paused >= AT_ONCE:
                paused = len(lines)
                await anyio.lowlevel.checkpoint()
    return "".join(lines).encode()


def _histogram(name: str, labels: str, durations: Durations) -> Iterator[str]:
    """Cumulative counts at each bound, how many there were, and what they come to in seconds."""
    start = f'{name}_bucket{{{labels}{"," if labels else ""}le="'
    classes, before, seen = durations.classes, 0, 0
    for place, bound in BUCKETS:
        seen += sum(classes[before : place + 1])
        before = place + 1
        yield f'{start}{bound}"}} {seen}\n'
    yield f'{start}+Inf"}} {durations.count}\n'
    of = f"{{{labels}}}" if labels else ""
    yield f"{name}_count{of} {durations.count}\n"
    yield f"{name}_sum{of} {_number(durations.total / SECOND)}\n"


def _number(value: float) -> str:
    return f"{value:.0f}" if value == value // 1 and -EXACT < value < EXACT else repr(float(value))


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', r"\"")
